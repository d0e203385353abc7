#!/usr/bin/env python3
"""Writes rules.json to the folder given (default: its own): the pseudo-gradients of one step of feedback alignment,
target propagation and node perturbation.

Needs torch (made with 1.13). Written after the papers' equations, with autograd for what they leave to a derivative:
  fa           Lillicrap et al. 2016, eq. 2     delta_l = (delta_{l+1} B_{l+1}) * f'
  dfa          Nokland 1609.01596, eq. 7        delta_l = (e B_l^T) * f'
  dtp          Lee et al. 1412.7525, eq. 15, in the form of Meulemans et al. 2006.14331: output target h - step dL/dh
               with L the batch mean; layer loss |h_l - target_l|^2, mean over the batch; reconstruction loss of the
               inverses at noisy points, mean over batch and units, divided by max(sigma, 0.02)^2
  dtpdrl       Meulemans et al. 2006.14331, eq. 13: noise goes up to the output and comes down as targets do
  ddtp_linear  the same, section 4: targets and noise come down in one linear step from the output
  node_perturbation  Werfel, Xie & Seung 2005, eq. 5
All gradients are at the old weights.
"""
import torch
import torch.nn.functional as F

from small_net import BATCH, LABELS, SmallNet, case, gradients, numbers, write

TARGET_STEP = 0.2413
SIGMA = 0.2675
# Standard normals of these streams of seed 1, step 0, as strata::Rng draws them; one sample after the other. The test
# compares them with what it draws itself.
NOISE = {
    "dtp/noise/a1": [
        -0.396297639182879, -0.290939985888774, -0.451476092991612, -1.218119462160374, 0.896174187502364,
        -1.164647623066833, -0.313676290132891, 1.024116341222388, -0.035044700920902, -1.404759005037675,
        -1.473051970819823, 1.107144843201213, -0.814253240406307, 0.402556388837615, -1.698567876194385,
        0.409616652576054, -0.534867564091544, -0.407135675723791, -1.301944052172817, 0.360298442515556],
    "dtp/noise/a2": [
        0.320228689384153, 0.665352934530634, -0.236933119503229, 0.670971290305521, 0.068752146228857,
        1.048138807196887, 1.163829810904015, 0.083769793497037, 0.049142369251327, 0.790382849865471,
        -1.911203674631881, -1.346411657935246, -0.180912256085652, -0.215939137220368, 0.131942355603392,
        -1.410650861406959],
    "dtpdrl/noise/a1": [
        -1.375702837244639, -1.532263684266116, -0.478526563611296, -0.476117812707193, 0.171605162169183,
        -0.457603134273385, 0.614211936200101, -3.622152279536254, -0.342672750618884, -0.109284680850116,
        -1.872735580954050, -1.110835550487902, -0.455391696240267, 0.206830537219053, -0.686393989746140,
        -0.766250383333225, -0.293175874559127, -0.407474259265842, -1.485352383086579, -0.674714937954697],
    "dtpdrl/noise/a2": [
        -0.345467725587118, 1.821175067255647, 1.756454438222368, -0.499106691550423, -1.594924116601760,
        -2.158254465879508, 2.028864466788265, 1.118494834188819, -0.540595060770904, -0.476980227289997,
        0.955063376854893, -1.466508259280826, 0.639838650656938, -0.865283460022245, 0.691090844299846,
        1.090943112429326],
    "ddtp_linear/noise/a1": [
        -0.663657790072145, -0.503214445892452, 0.652797569022924, 1.279142267397056, 1.205311566815706,
        0.240574145052831, 1.472873015733437, -0.960339576321865, -0.264274081448258, 2.253753658788417,
        -1.062095353010116, 1.447853715466626, -0.794955387000710, 0.088495750765599, 0.862408665799896,
        1.400234058302416, 1.925483521909677, -0.495200174995628, 1.918822836658747, 1.557013005181281],
    "ddtp_linear/noise/a2": [
        -1.534710166941856, 0.154224209064063, -1.295876326741628, -0.530647609953735, -1.144601829136532,
        0.521438223807064, 1.066723984115020, 2.198197971784919, -0.292707642400945, 0.638430985278540,
        -0.396503347467064, -0.909997104846147, -0.140630903469301, 0.398734857601819, 0.596800037201423,
        -0.840123386496716],
    "node_perturbation/0/h1": [
        0.186880894367364, -1.195884607646462, -0.896641347957495, -1.654470396007328, -1.131630288538085,
        2.016067178110544, 1.215024117856998, 0.024097474911934, -0.901811782025940, -1.029614183341466,
        0.816881738916695, 1.679788225347577, -1.667348955258699, 1.397012033037089, -1.926693815013879,
        -0.722227467288438, 0.473914808906127, -0.950444555789545, -0.800686052226226, -0.460882535327564],
    "node_perturbation/0/h2": [
        1.106638615011274, 0.403884499430109, -0.630314823793791, 0.814848650034029, 1.202718337503713,
        -2.194455516046599, 0.651683769802156, 2.093559911320122, -0.269100284874985, -0.134964489605326,
        1.348340818475309, 0.057791352705357, 1.045219721109878, -1.194721456603867, -0.433133799363877,
        0.090206804916821],
    "node_perturbation/0/logits": [
        -0.803667584348027, -0.018898306535797, -0.950239944767748, 0.076166693680157, 0.126827573568624,
        0.712552874316517, 1.178168101918674, 1.399550702475488, 0.196846428063411, -1.234786905318305,
        1.187242504511393, 0.856347978581457],
}


def noise(stream):
    return torch.tensor(NOISE[stream]).reshape(BATCH, -1)


NET = SmallNet([6, 5, 4, 3])
HS, E, WIDTHS = NET.hs, NET.e, NET.widths
FEEDBACK = [numbers(n, m, 30 + k) for k, (m, n) in enumerate(zip(WIDTHS, WIDTHS[1:]))]
DIRECT = [numbers(n, WIDTHS[-1], 40 + k) for k, n in enumerate(WIDTHS[1:-1])]
Q = [numbers(m, n, 50 + k).requires_grad_() for k, (m, n) in enumerate(zip(WIDTHS[1:], WIDTHS[2:]))]
D = [(numbers(m, 1, 60 + k).flatten() / 2).requires_grad_() for k, m in enumerate(WIDTHS[1:-1])]
INVERSES = {f"inverse/{above}/dense.{what}": value for what, values in (("weight", Q), ("bias", D))
            for above, value in zip(["a2", "logits"], values)}
DIRECT_INVERSES = {f"inverse/a{k + 1}.weight": numbers(n, WIDTHS[-1], 70 + k).requires_grad_()
                   for k, n in enumerate(WIDTHS[1:-1])}


def fa():
    delta3 = E
    delta2 = (delta3 @ FEEDBACK[2]) * (1 - HS[2] ** 2)
    delta1 = (delta2 @ FEEDBACK[1]) * (1 - HS[1] ** 2)
    return NET.from_signals([delta1, delta2, delta3])


def dfa():
    return NET.from_signals([(E @ DIRECT[0].T) * (1 - HS[1] ** 2), (E @ DIRECT[1].T) * (1 - HS[2] ** 2), E])


def inverse(k, h):
    """What undoes layer k + 1: from hs[k + 2] to hs[k + 1]."""
    return torch.tanh(h @ Q[k].T + D[k])


def learn_targets(targets):
    losses = [((out - target.detach()) ** 2).sum(1).mean() for out, target in zip(NET.outs(), targets)]
    return gradients(sum(losses), NET.parameters)


def noisy_point(rule, k, sigma):
    return HS[k + 1] + sigma * noise(f"{rule}/noise/a{k + 1}")


def reconstruction(back, noisy, sigma):
    return ((back - noisy) ** 2).mean() / max(sigma, 0.02) ** 2


def down(k, r):
    """A target or what stands for one, at hs[k + 2], to hs[k + 1]."""
    return HS[k + 1] + inverse(k, r) - inverse(k, HS[k + 2])


def difference_targets():
    target3 = HS[3] - TARGET_STEP * E
    target2 = down(1, target3)
    return [down(0, target2), target2, target3]


def dtp(sigma):
    loss = 0
    for k in (0, 1):
        noisy = noisy_point("dtp", k, sigma)
        loss = loss + reconstruction(inverse(k, NET.layer(k + 1, noisy)), noisy, sigma)
    return {**learn_targets(difference_targets()), **gradients(loss, INVERSES)}


def dtpdrl(sigma):
    loss = 0
    for k in (0, 1):
        noisy = noisy_point("dtpdrl", k, sigma)
        r = NET.onward(k + 1, noisy)
        if k == 0:
            r = down(1, r).detach()  # an inverse learns for itself, not for those below
        loss = loss + reconstruction(down(k, r), noisy, sigma)
    return {**learn_targets(difference_targets()), **gradients(loss, INVERSES)}


def ddtp_linear(sigma):
    q = list(DIRECT_INVERSES.values())
    change = -TARGET_STEP * E
    targets = [HS[1] + change @ q[0].T, HS[2] + change @ q[1].T, HS[3] + change]
    loss = 0
    for k in (0, 1):
        noisy = noisy_point("ddtp_linear", k, sigma)
        back = HS[k + 1] + (NET.onward(k + 1, noisy) - HS[3]) @ q[k].T
        loss = loss + reconstruction(back, noisy, sigma)
    return {**learn_targets(targets), **gradients(loss, DIRECT_INVERSES)}


@torch.no_grad()
def node_perturbation(sigma):
    xi = [noise("node_perturbation/0/" + name) for name in NET.NAMES]
    h = NET.x
    for k in range(3):
        h = NET.layer(k, h, sigma * xi[k])
    slope = (F.cross_entropy(h, LABELS, reduction="none") - F.cross_entropy(HS[3], LABELS, reduction="none")) / sigma
    return NET.from_signals([slope[:, None] * each / BATCH for each in xi])


cases = [
    case("fa", {}, {f"feedback/{name}.weight": value for name, value in zip(NET.NAMES, FEEDBACK)}, fa()),
    case("dfa", {}, {f"feedback/a{k + 1}": value for k, value in enumerate(DIRECT)}, dfa()),
]
for rule, values, sigma in ((dtp, INVERSES, 0.0), (dtp, INVERSES, SIGMA), (dtpdrl, INVERSES, SIGMA),
                            (ddtp_linear, DIRECT_INVERSES, SIGMA)):
    cases.append(case(rule.__name__, {"target-step": TARGET_STEP, "sigma": sigma}, values, rule(sigma)))
cases.append(case("node_perturbation", {"sigma": SIGMA, "draws": 1}, {}, node_perturbation(SIGMA)))
write("rules.json", NET, cases,
      noise=dict(seed=1, step=0, values={stream: noise(stream).tolist() for stream in NOISE}))
