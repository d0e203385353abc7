#!/usr/bin/env python3
"""Writes local_rules.json to the folder given (default: its own): the pseudo-gradients of one step of rules with losses
of the layers' own, forward-only rules and energy-based ones; of some also the scores that they predict with.

Needs torch (made with 1.13). What each layer or the states minimise is written down as in the papers, and autograd
differentiates it:
  local_predsim      Nokland & Eidnes 1901.06656, section 3     phsic  Pogodin & Latham 2006.07123, eqs. 4, 7 and 13
  dni                Jaderberg et al. 1608.05343, section 2.1   pepita Dellaferrera & Kreiman 2201.11665, algorithm 1
  forward_forward    Hinton 2212.13345, sections 2 and 3.3
  predictive_coding  Whittington & Bogacz 2017, section 3
  equilibrium_prop   Ernoult et al. 1905.13633, Laborieux et al. 2006.03824, eq. 10
"""
import torch
import torch.nn.functional as F

from small_net import BATCH, CLASSES, LABELS, ONE_HOT, SmallNet, case, gradients, numbers, write

NET = SmallNet([6, 9, 6, 3])  # hidden layers that can be cut into three groups
HS, E, HIDDEN = NET.hs, NET.e, NET.widths[1:-1]
LOW, HIGH = -0.9375, 0.875  # the range of inputs
# Of the stream "forward_forward/wrong label" of seed 1, step 0, as strata::Rng draws them; the test compares.
WRONG_LABELS = [1, 1, 2, 1]


def output_loss():
    """Of the last layer alone."""
    return F.cross_entropy(NET.outs()[2], LABELS)


def cosines(z, centred):
    if centred:
        z = z - z.mean(1, keepdim=True)
    return F.cosine_similarity(z[:, None], z[None], dim=2)


def local_predsim(beta):
    heads, loss = {}, output_loss()
    for k, n in enumerate(HIDDEN):
        predict = numbers(CLASSES, n, 30 + k).requires_grad_()
        bias = (numbers(CLASSES, 1, 40 + k).flatten() / 2).requires_grad_()
        similar = numbers(n, n, 50 + k).requires_grad_()
        heads.update({f"predict/a{k + 1}/head.weight": predict, f"predict/a{k + 1}/head.bias": bias,
                      f"similar/a{k + 1}/head.weight": similar})
        h = NET.outs()[k]
        of_head = F.cross_entropy(h @ predict.T + bias, LABELS)
        loss = loss + (1 - beta) * of_head + beta * F.mse_loss(cosines(h @ similar.T, True), cosines(ONE_HOT, True))
    return case("local_predsim", {"beta": beta}, heads, gradients(loss, {**NET.parameters, **heads}))


def phsic(groups):
    gamma, power, smoothing = 1.7, 0.4, 0.6

    def grouped(h):
        h = h.reshape(BATCH, groups, -1)
        spread = ((h - h.mean(2, keepdim=True)) ** 2).sum(2)
        return ((smoothing + spread) / h.shape[2]) ** power

    def dependence(k, l):
        return (k * l).mean() - k.mean() * l.mean()

    loss = output_loss()
    for h in NET.outs()[:2]:
        kernel = cosines(grouped(h), True) if groups else cosines(h, False)
        loss = loss + dependence(kernel, kernel) - gamma * dependence(cosines(ONE_HOT, True), kernel)
    options = {"gamma": gamma, "groups": groups, "grouping-power": power, "smoothing": smoothing}
    return case("phsic", options, {}, gradients(loss, NET.parameters))


def dni(condition):
    values, predicted = {}, []
    for k, n in enumerate(HIDDEN):
        seen = torch.cat([HS[k + 1], ONE_HOT], 1) if condition == "label" else HS[k + 1]
        weight = (numbers(n, seen.shape[1], 60 + k) / 4).requires_grad_()
        bias = (numbers(n, 1, 70 + k).flatten() / 4).requires_grad_()
        values.update({f"synthetic/a{k + 1}/gradient.weight": weight, f"synthetic/a{k + 1}/gradient.bias": bias})
        predicted.append(seen @ weight.T + bias)
    # What the layer above makes of the word it got itself: of each example, not of their mean.
    h1, h2 = HS[1].clone().requires_grad_(), HS[2].clone().requires_grad_()
    of_word = (NET.layer(1, h1) * predicted[1].detach()).sum()
    targets = [*torch.autograd.grad(of_word, h1),
               *torch.autograd.grad(F.cross_entropy(NET.layer(2, h2), LABELS, reduction="sum"), h2)]
    loss = output_loss()
    for out, word, target in zip(NET.outs(), predicted, targets):
        loss = loss + (out * word.detach()).sum() / BATCH + (((word - target) ** 2).sum(1) / 2).mean()
    return case("dni", {"condition": condition, "hidden": 0}, values, gradients(loss, {**NET.parameters, **values}))


@torch.no_grad()
def pepita():
    feedback = numbers(NET.widths[0], CLASSES, 80) / 2
    error = F.softmax(HS[3], 1) - ONE_HOT
    modulated = [NET.x + error @ feedback.T]
    for k in range(2):
        modulated.append(NET.layer(k, modulated[k]))
    signals = [(HS[1] - modulated[1]) / BATCH, (HS[2] - modulated[2]) / BATCH, error / BATCH]
    return case("pepita", {}, {"feedback/input": feedback}, NET.from_signals(signals, modulated))


def forward_forward():
    theta = 0.4

    def goodnesses(labels):
        """Of both hidden layers, each by itself."""
        x = NET.x.clone()
        x[:, :CLASSES] = LOW + (HIGH - LOW) * F.one_hot(torch.tensor(labels), CLASSES)
        a1 = NET.layer(0, x)
        a2 = NET.layer(1, a1.detach() / (a1.detach() ** 2).mean(1, keepdim=True).sqrt())
        return [(a ** 2).sum(1) - theta * a.shape[1] for a in (a1, a2)]

    loss = 0
    for good, bad in zip(goodnesses(LABELS.tolist()), goodnesses(WRONG_LABELS)):
        loss = loss - (F.logsigmoid(good) + F.logsigmoid(-bad)).mean()
    trained = {name: value for name, value in NET.parameters.items() if not name.startswith("logits")}
    scores = torch.stack([goodnesses([label] * BATCH)[1].detach() for label in range(CLASSES)], 1)
    return case("forward_forward", {"threshold": theta}, {}, gradients(loss, trained), scores=scores.tolist())


def predictive_coding():
    steps, gamma = 3, 0.15

    def energy(states):
        """Of each example, added up."""
        f = F.cross_entropy(NET.layer(2, states[1]), LABELS, reduction="sum")
        for k, below in enumerate([NET.x, states[0]]):
            f = f + ((states[k] - NET.layer(k, below)) ** 2).sum() / 2
        return f

    states = [HS[1].clone().requires_grad_(), HS[2].clone().requires_grad_()]
    for _ in range(steps):
        slopes = torch.autograd.grad(energy(states), states)
        states = [(x - gamma * slope).detach().requires_grad_() for x, slope in zip(states, slopes)]
    options = {"steps": steps, "state-step": gamma, "prediction": "relaxed"}
    return case("predictive_coding", options, {}, gradients(energy(states) / BATCH, NET.parameters))


def equilibrium_prop():
    nudge, free_steps, nudged_steps = 0.3, 4, 3

    def phi(s):
        """What the states gain by agreeing with their neighbours, over all examples."""
        return sum((s[k] * (below @ NET.w[k].T + NET.b[k])).sum() for k, below in enumerate([NET.x, *s[:2]]))

    def relax(s, beta, steps):
        s = [state.detach().clone().requires_grad_() for state in s]
        for _ in range(steps):
            for k in (2, 1, 0):
                gain = phi(s) - beta * F.cross_entropy(s[2], LABELS, reduction="sum")
                drive = torch.autograd.grad(gain, s[k])[0]
                s[k] = (drive if k == 2 else torch.tanh(drive)).requires_grad_()
        return [state.detach() for state in s]

    free = relax(HS[1:], 0, free_steps)
    loss = (phi(relax(free, -nudge, nudged_steps)) - phi(relax(free, nudge, nudged_steps))) / (2 * nudge * BATCH)
    options = {"nudge": nudge, "free-steps": free_steps, "nudged-steps": nudged_steps}
    return case("equilibrium_prop", options, {}, gradients(loss, NET.parameters), scores=free[2].tolist())


write("local_rules.json", NET,
      [local_predsim(0.99), local_predsim(0.3), phsic(0), phsic(3), dni("label"), dni("none"), pepita(),
       forward_forward(), predictive_coding(), equilibrium_prop()],
      range=[LOW, HIGH], wrong_labels=dict(seed=1, step=0, values=WRONG_LABELS))
