#!/usr/bin/env python3
"""Writes rules.json to the folder given (default: its own): the pseudo-gradients of one step of fa, dfa and dtp.

Needs torch (made with 1.13); all in float64. A net 6-5-4-3, tanh, softmax cross-entropy over a batch of 4; one sample
a row here, matrices are written with the rows of a weight as lists. Written after the papers' equations, with
autograd for what they leave to a derivative:
  fa   Lillicrap et al. 2016, eq. 2         delta_l = (delta_{l+1} B_{l+1}) * f'
  dfa  Nokland 1609.01596, eq. 7            delta_l = (e B_l^T) * f'
  dtp  Lee et al. 1412.7525, eq. 15, in the form of Meulemans et al. 2006.14331: output target h - step dL/dh with L the
       batch mean; layer loss |h_l - target_l|^2, mean over the batch; reconstruction loss of the inverses at noisy
       points, mean over batch and units, divided by max(sigma, 0.02)^2; gradients of the inverses at the old weights.
"""
import json
import pathlib
import sys

import torch

torch.set_default_dtype(torch.float64)
WIDTHS = [6, 5, 4, 3]
BATCH = 4
LABELS = [2, 0, 1, 2]
TARGET_STEP = 0.2413
SIGMA = 0.2675
# Standard normals of the streams "dtp/noise/a1" and "dtp/noise/a2" of seed 1, step 0, as strata::Rng draws them; one
# sample a row. The test compares them with what it draws itself.
NOISE = {
    "a1": [[-0.39629763918287869, -0.29093998588877434, -0.45147609299161173, -1.2181194621603744, 0.89617418750236344],
           [-1.1646476230668326, -0.31367629013289045, 1.0241163412223879, -0.035044700920902193, -1.4047590050376753],
           [-1.4730519708198235, 1.1071448432012134, -0.81425324040630687, 0.40255638883761541, -1.6985678761943845],
           [0.40961665257605351, -0.53486756409154435, -0.40713567572379056, -1.3019440521728169, 0.36029844251555632]],
    "a2": [[0.32022868938415294, 0.66535293453063449, -0.2369331195032294, 0.67097129030552127],
           [0.068752146228856517, 1.0481388071968871, 1.1638298109040155, 0.083769793497036504],
           [0.04914236925132693, 0.79038284986547069, -1.9112036746318806, -1.3464116579352461],
           [-0.18091225608565176, -0.21593913722036842, 0.13194235560339154, -1.4106508614069586]],
}


def numbers(rows, cols, salt):
    """Dyadic fractions between -1 and 1 without a pattern."""
    values = [((29 * i * i + 17 * i + 41 * salt) % 61 - 30) / 32 for i in range(rows * cols)]
    return torch.tensor(values).reshape(rows, cols)


X = numbers(BATCH, WIDTHS[0], 1)
W = [numbers(n, m, 10 + k) for k, (m, n) in enumerate(zip(WIDTHS, WIDTHS[1:]))]
B = [numbers(n, 1, 20 + k).flatten() / 2 for k, n in enumerate(WIDTHS[1:])]
FEEDBACK = [numbers(n, m, 30 + k) for k, (m, n) in enumerate(zip(WIDTHS, WIDTHS[1:]))]
DIRECT = [numbers(n, WIDTHS[-1], 40 + k) for k, n in enumerate(WIDTHS[1:-1])]
Q = [numbers(m, n, 50 + k) for k, (m, n) in enumerate(zip(WIDTHS[1:], WIDTHS[2:]))]
D = [numbers(m, 1, 60 + k).flatten() / 2 for k, m in enumerate(WIDTHS[1:-1])]


def layer(k, h, w, b):
    """Layer k (0 is the first): tanh but for the last, which gives logits."""
    z = h @ w.T + b
    return z if k == 2 else torch.tanh(z)


def forward():
    hs = [X]
    for k in range(3):
        hs.append(layer(k, hs[-1], W[k], B[k]))
    return hs


def output_error(logits):
    logits = logits.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(LABELS))
    loss.backward()
    return loss.item(), logits.grad


HS = forward()
LOSS, E = output_error(HS[3])


def from_signals(signals):
    """Gradients of weights and biases from the signals at the pre-activations."""
    grads = {}
    for name, signal, below in zip(["h1", "h2", "logits"], signals, HS):
        grads[name + ".weight"] = signal.T @ below
        grads[name + ".bias"] = signal.sum(0)
    return grads


def fa():
    delta3 = E
    delta2 = (delta3 @ FEEDBACK[2]) * (1 - HS[2] ** 2)
    delta1 = (delta2 @ FEEDBACK[1]) * (1 - HS[1] ** 2)
    return from_signals([delta1, delta2, delta3])


def dfa():
    return from_signals([(E @ DIRECT[0].T) * (1 - HS[1] ** 2), (E @ DIRECT[1].T) * (1 - HS[2] ** 2), E])


def inverse(k, h, q=None, d=None):
    """From layer k + 1 (1-based: 2, 3) to the layer below."""
    return torch.tanh(h @ (Q[k] if q is None else q).T + (D[k] if d is None else d))


def dtp(sigma):
    target = {3: HS[3] - TARGET_STEP * E}
    for l in (3, 2):
        target[l - 1] = HS[l - 1] + inverse(l - 2, target[l]) - inverse(l - 2, HS[l])
    grads = {}
    for k, name in enumerate(["h1", "h2", "logits"]):
        w, b = W[k].clone().requires_grad_(), B[k].clone().requires_grad_()
        out = layer(k, HS[k], w, b)
        ((out - target[k + 1]) ** 2).sum(1).mean().backward()
        grads[name + ".weight"], grads[name + ".bias"] = w.grad, b.grad
    for k, above in enumerate(["a2", "logits"]):
        q, d = Q[k].clone().requires_grad_(), D[k].clone().requires_grad_()
        noisy = HS[k + 1]
        if sigma > 0:
            noisy = noisy + sigma * torch.tensor(NOISE[f"a{k + 1}"])
        back = inverse(k, layer(k + 1, noisy, W[k + 1], B[k + 1]), q, d)
        (((back - noisy) ** 2).mean() / max(sigma, 0.02) ** 2).backward()
        grads[f"inverse/{above}/dense.weight"], grads[f"inverse/{above}/dense.bias"] = q.grad, d.grad
    return grads


def lists(tensors):
    return {name: (t if t.dim() == 2 else t[:, None]).tolist() for name, t in tensors.items()}


def named(prefix, names, suffix, tensors):
    return {prefix + name + suffix: t for name, t in zip(names, tensors)}


NAMES = ["h1", "h2", "logits"]
NAMES_ABOVE = ["a2", "logits"]
net = {**named("", NAMES, ".weight", W), **named("", NAMES, ".bias", B)}
inverses = {**named("inverse/", NAMES_ABOVE, "/dense.weight", Q), **named("inverse/", NAMES_ABOVE, "/dense.bias", D)}
cases = [
    dict(rule="fa", options={}, values=lists(named("feedback/", NAMES, ".weight", FEEDBACK)), gradients=lists(fa())),
    dict(rule="dfa", options={}, values=lists(named("feedback/", ["a1", "a2"], "", DIRECT)), gradients=lists(dfa())),
]
for sigma in (0.0, SIGMA):
    options = {"target-step": str(TARGET_STEP), "sigma": str(sigma)}
    cases.append(dict(rule="dtp", options=options, values=lists(inverses), gradients=lists(dtp(sigma))))
golden = dict(torch=torch.__version__, widths=WIDTHS, x=X.tolist(), labels=LABELS, loss=LOSS, net=lists(net),
              noise=dict(seed=1, step=0, values=NOISE), cases=cases)
text = json.dumps(golden, separators=(",", ":")).replace('{"rule"', '\n{"rule"').replace("],[", "],\n[")
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
(folder / "rules.json").write_text(text + "\n")
