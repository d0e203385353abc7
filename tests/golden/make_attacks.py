#!/usr/bin/env python3
"""Writes attacks.json to the folder given (default: its own): adversarial examples by FGSM, BIM, momentum FGSM under both
norms and PGD's steps from the clean example, by torch's autograd.

Each case is an attack on one net: where it ends, step by step as the papers have it (FGSM 1412.6572, BIM 1607.02533, PGD
1706.06083, momentum 1710.06081), and the gradients of the loss at the clean examples. Needs torch (made with 1.13); all in
float64. Weights and examples are dyadic fractions. No gradient that a sign was taken of is close to 0 (checked here).
"""
import json
import pathlib
import sys

import torch

torch.set_default_dtype(torch.float64)
FAR_FROM_ZERO = 1e-6
WIDTHS = [7, 6, 5, 4]
EXAMPLES = 6


def numbers(rows, cols, salt):
    """Dyadic fractions between -1 and 1 without a pattern."""
    values = [((29 * i * i + 17 * i + 41 * salt) % 61 - 30) / 32 for i in range(rows * cols)]
    return torch.tensor(values).reshape(rows, cols)


WEIGHTS = [numbers(out, into, 3 + l) for l, (into, out) in enumerate(zip(WIDTHS, WIDTHS[1:]))]
X = (numbers(EXAMPLES, WIDTHS[0], 1) + 1) / 2  # in [0, 1]
LABELS = torch.tensor([i % WIDTHS[-1] for i in range(EXAMPLES)])


def scores(x):
    for w in WEIGHTS[:-1]:
        x = torch.tanh(x @ w.T)
    return x @ WEIGHTS[-1].T


def gradient(x):
    x = x.clone().requires_grad_(True)
    torch.nn.functional.cross_entropy(scores(x), LABELS, reduction="sum").backward()
    return x.grad


def attack(norm, epsilon, steps, size, momentum):
    x, average = X.clone(), torch.zeros_like(X)
    for _ in range(steps):
        g = gradient(x)
        if momentum:
            average = momentum * average + g / g.abs().sum(1, keepdim=True)
            g = average
        if norm == "linf":
            assert g.abs().min() > FAR_FROM_ZERO, (norm, epsilon, float(g.abs().min()))
            x = x + size * g.sign()
            x = torch.min(torch.max(x, X - epsilon), X + epsilon)
        else:
            x = x + size * g / g.norm(dim=1, keepdim=True)
            away = x - X
            x = X + away * (epsilon / away.norm(dim=1, keepdim=True)).clamp(max=1)
        x = x.clamp(0, 1)
    return x


def main():
    cases = []
    for norm, epsilon in (("linf", 0.125), ("linf", 0.03), ("l2", 0.5)):
        for name, steps, share, momentum in (("fgsm", 1, 1.0, 0), ("bim", 5, 0.5, 0), ("bim", 7, 0, 0),
                                             ("momentum_pgd", 6, 0.25, 1.0), ("momentum_pgd", 6, 0.25, 0.5)):
            size = epsilon * (share or 2.5 / steps)
            cases.append(dict(name=name, norm=norm, epsilon=epsilon, steps=steps, step=share, momentum=momentum,
                              x=attack(norm, epsilon, steps, size, momentum).tolist()))
    result = dict(torch=torch.__version__, weights=[w.tolist() for w in WEIGHTS], x=X.tolist(), labels=LABELS.tolist(), scores=scores(X).tolist(),
                  gradient=gradient(X).tolist(), cases=cases)
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    text = json.dumps(result, separators=(",", ":")).replace('{"name":', '\n{"name":')
    (folder / "attacks.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
