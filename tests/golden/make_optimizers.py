#!/usr/bin/env python3
"""Writes optimizers.json to the folder given (default: its own): what torch.optim does in 20 steps, in float64.

Needs torch (made with 1.13). Gradients are dyadic fractions, some of them 0 or tiny; from step 11 on the learning
rate is halved, as a schedule would.
"""
import json
import pathlib
import sys

import torch

ROWS, COLS, STEPS = 3, 2, 20
START = [0.5, -1.25, 2.0, -0.125, 0.75, -3.0]
GRADIENTS = [[((7 * i + 13 * t) % 17 - 8) / 8 * (0 if i == 4 else 2.0 ** -14 if i == 5 else 1)
              for i in range(ROWS * COLS)] for t in range(STEPS)]
LR_FACTORS = [1.0] * 10 + [0.5] * 10

MOMENTS = dict(lr=0.05, beta1=0.8, beta2=0.95, epsilon=1e-6)
CASES = [("sgd", dict(lr=0.1)), ("momentum", dict(lr=0.1, momentum=0.9)), ("nesterov", dict(lr=0.1, momentum=0.8)),
         ("rmsprop", dict(lr=0.02, alpha=0.9, epsilon=1e-7)),
         ("rmsprop", dict(lr=0.02, alpha=0.9, epsilon=1e-7, momentum=0.7)), ("adam", MOMENTS), ("adamw", MOMENTS)]


def make(name, w, lr, weight_decay, momentum=0, beta1=None, beta2=None, epsilon=None, alpha=None):
    if name == "rmsprop":
        return torch.optim.RMSprop([w], lr, alpha, epsilon, weight_decay, momentum)
    if name in ("adam", "adamw"):
        kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
        return kind([w], lr, (beta1, beta2), epsilon, weight_decay)
    return torch.optim.SGD([w], lr, momentum, weight_decay=weight_decay, nesterov=name == "nesterov")


def run(name, options):
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = make(name, w, **options)
    path = []
    for g, factor in zip(GRADIENTS, LR_FACTORS):
        w.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.param_groups[0]["lr"] = options["lr"] * factor
        optimizer.step()
        path.append(w.tolist())
    return path


def defaults(kind):
    d = kind([torch.zeros(1)]).defaults
    values = dict(lr=d["lr"], epsilon=d["eps"], weight_decay=d["weight_decay"])
    if "betas" in d:
        values.update(beta1=d["betas"][0], beta2=d["betas"][1])
    else:
        values.update(alpha=d["alpha"], momentum=d["momentum"])
    return values


cases = []
for name, options in CASES:
    for weight_decay in (0.0, 0.125):
        o = dict(options, weight_decay=weight_decay)
        cases.append(dict(name=name, options=o, path=run(name, o)))
golden = dict(torch=torch.__version__, rows=ROWS, cols=COLS, start=START, gradients=GRADIENTS, lr_factors=LR_FACTORS,
              defaults=dict(rmsprop=defaults(torch.optim.RMSprop), adam=defaults(torch.optim.Adam),
                            adamw=defaults(torch.optim.AdamW)), cases=cases)
text = json.dumps(golden, separators=(",", ":")).replace('{"name"', '\n{"name"').replace("],[", "],\n[")
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
(folder / "optimizers.json").write_text(text + "\n")
