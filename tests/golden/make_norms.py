#!/usr/bin/env python3
"""Writes norms.json to the folder given (default: its own): normalising layers, run and differentiated by torch in float64.

Each case has a node's type and attributes, the shape of a sample, γ, β, a batch x and a cotangent dy (a list of numbers a
sample), and of a pass in training the output, ∂⟨dy, y⟩/∂x, ∂γ and ∂β. Of batch_norm also the running statistics after one
pass on x and another on 2x, and the output and ∂x in evaluation by these. Needs torch (made with 1.13). Inputs are dyadic
fractions, so float holds them exactly.
"""
import json
import math
import pathlib
import sys

import torch


def numbers(count, salt, scale=1):
    return [((5 * i * i + 7 * i + 13 * salt) % 29 - 14) / 16 * scale for i in range(count)]


CASES = [
    ("flat batch", "batch_norm", {}, [5], 6, lambda n: torch.nn.BatchNorm1d(n[0])),
    ("image batch", "batch_norm", {"epsilon": 0.25, "momentum": 0.5}, [3, 3, 5], 4,
     lambda n: torch.nn.BatchNorm2d(n[0], eps=0.25, momentum=0.5)),
    ("one sample of an image", "batch_norm", {}, [2, 3, 3], 1, lambda n: torch.nn.BatchNorm2d(n[0])),
    ("flat layer", "layer_norm", {}, [7], 3, lambda n: torch.nn.LayerNorm(n)),
    ("image layer", "layer_norm", {"epsilon": 0.25}, [3, 3, 5], 2, lambda n: torch.nn.LayerNorm(n, eps=0.25)),
    ("flat groups", "group_norm", {"groups": 3}, [15], 3, lambda n: torch.nn.GroupNorm(3, n[0])),
    ("image groups", "group_norm", {"groups": 2, "epsilon": 0.25}, [6, 3, 5], 2,
     lambda n: torch.nn.GroupNorm(2, n[0], eps=0.25)),
]


def rows(values):
    return values.detach().reshape(len(values), -1).tolist()


def run(module, x, dy):
    x = x.clone().requires_grad_()
    module.zero_grad()
    y = module(x)
    (y * dy).sum().backward()
    return y, x.grad


def case(index, name, kind, attributes, shape, batch, make):
    module = make(shape).double()
    size = math.prod(shape)
    with torch.no_grad():
        for salt, parameter in enumerate((module.weight, module.bias)):
            parameter.copy_(torch.tensor(numbers(parameter.numel(), index + salt)).reshape(parameter.shape))
    x = torch.tensor(numbers(batch * size, index + 3, 2), dtype=torch.float64).reshape(batch, *shape)
    dy = torch.tensor(numbers(batch * size, index + 7), dtype=torch.float64).reshape(batch, *shape)
    y, dx = run(module, x, dy)
    out = dict(name=name, type=kind, attributes=attributes, shape=shape, gamma=module.weight.flatten().tolist(),
               beta=module.bias.flatten().tolist(), x=rows(x), dy=rows(dy), y=rows(y), dx=rows(dx),
               dgamma=module.weight.grad.flatten().tolist(), dbeta=module.bias.grad.flatten().tolist())
    if kind == "batch_norm":
        module(2 * x)
        out["mean"], out["variance"] = module.running_mean.tolist(), module.running_var.tolist()
        module.eval()
        y, dx = run(module, x, dy)
        out["evaluated"], out["dx_evaluated"] = rows(y), rows(dx)
    return out


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    cases = [case(i, *c) for i, c in enumerate(CASES)]
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    (folder / "norms.json").write_text(f'{{"torch":"{torch.__version__}","cases":[\n{lines}]}}\n')


if __name__ == "__main__":
    main()
