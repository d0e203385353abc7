#!/usr/bin/env python3
"""Writes layers.json to the folder given (default: its own): single layers run and differentiated by torch.

Each case is a layer's type and attributes as a graph file has them, the shape of its input, a batch, its parameters, and
what torch makes of it in float64: the output, and for the derivative dy by the output that of the input and of each
parameter. Needs torch (made with 1.13). Inputs are dyadic fractions, so float holds them exactly; those of max_pool
differ from each other.
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

BATCH = 3


def fractions(count, salt):
    """In no order, with many alike."""
    return [((5 * i * i + 7 * i + 11 * salt) % 61 - 30) / 16 for i in range(count)]


def shuffled(count):
    """All different."""
    step = next(s for s in range(3 * count // 5 + 1, 2 * count) if math.gcd(s, count) == 1)
    return [((i * step) % count - count // 2) / 32 for i in range(count)]


def pair(extents):
    return extents if isinstance(extents, list) else [extents, extents]


def conv_parameters(shape, attributes):
    """As Strata has them: a weight of channels × patch, a bias of channels × 1."""
    rows, cols = pair(attributes["size"])
    patch = shape[0] // attributes.get("groups", 1) * rows * cols
    sizes = dict(weight=patch)
    if attributes.get("bias", True):
        sizes["bias"] = 1
    channels = attributes["channels"]
    return {name: torch.tensor(fractions(channels * n, 7 + n), dtype=torch.float64).reshape(channels, n).requires_grad_()
            for name, n in sizes.items()}


def conv2d(x, parameters, channels, size, stride=1, padding=0, dilation=1, groups=1, bias=True):
    weight = parameters["weight"].reshape(channels, x.shape[1] // groups, *pair(size))
    return F.conv2d(x, weight, parameters["bias"].flatten() if bias else None, stride, padding, dilation, groups)


def max_pool(x, size, stride=None, padding=0):
    return F.max_pool2d(x, size, stride, padding)


def average_pool(x, size, stride=None, padding=0):
    return F.avg_pool2d(x, size, stride, padding)


def global_average_pool(x):
    return x.mean((2, 3))


def zero_pad(x, padding):
    rows, cols = pair(padding)
    return F.pad(x, (cols, cols, rows, rows))


def resize(x, height, width, mode="nearest"):
    return F.interpolate(x, (height, width), mode=mode, **({} if mode == "nearest" else dict(align_corners=False)))


LAYERS = dict(max_pool=max_pool, average_pool=average_pool, global_average_pool=global_average_pool, zero_pad=zero_pad,
              resize=resize)
POOLS = [("pairs", [2, 6, 8], dict(size=2)),
         ("pairs_odd", [2, 5, 7], dict(size=2)),
         ("overlapping", [2, 9, 7], dict(size=3, stride=2)),
         ("padded", [1, 7, 9], dict(size=3, stride=2, padding=1)),
         ("oblong", [2, 8, 5], dict(size=[3, 2], stride=[2, 1], padding=[1, 0])),
         ("gaps", [1, 11, 10], dict(size=2, stride=[3, 4], padding=1))]
CASES = [(f"{kind}_{name}", kind, shape, attributes)
         for kind in ("max_pool", "average_pool") for name, shape, attributes in POOLS]
CASES += [("conv_plain", "conv2d", [3, 7, 5], dict(channels=4, size=3)),
          ("conv_padded", "conv2d", [2, 5, 7], dict(channels=3, size=3, padding=1, bias=False)),
          ("conv_oblong", "conv2d", [2, 9, 8], dict(channels=3, size=[2, 3], stride=[2, 3], padding=[1, 2])),
          ("conv_holes", "conv2d", [2, 11, 9], dict(channels=3, size=[3, 2], stride=[1, 2], padding=[2, 3],
                                                    dilation=[3, 4])),
          ("conv_groups", "conv2d", [4, 6, 7], dict(channels=6, size=3, stride=[2, 1], padding=1, groups=2)),
          ("conv_depthwise", "conv2d", [4, 5, 7], dict(channels=4, size=[3, 1], stride=[3, 2], groups=4)),
          ("conv_pixels", "conv2d", [5, 3, 4], dict(channels=3, size=1, stride=2)),
          ("conv_whole", "conv2d", [3, 4, 5], dict(channels=7, size=[4, 5])),
          ("conv_wide", "conv2d", [2, 4, 16], dict(channels=3, size=3, padding=1))]
CASES += [("global_average_pool", "global_average_pool", [3, 5, 7], {}),
          ("zero_pad", "zero_pad", [2, 3, 5], dict(padding=2)),
          ("zero_pad_oblong", "zero_pad", [2, 3, 5], dict(padding=[0, 3])),
          ("resize_up", "resize", [2, 3, 5], dict(height=7, width=11)),
          ("resize_down", "resize", [2, 7, 9], dict(height=3, width=5, mode="nearest")),
          ("bilinear_up", "resize", [2, 3, 5], dict(height=7, width=11, mode="bilinear")),
          ("bilinear_down", "resize", [2, 7, 9], dict(height=3, width=4, mode="bilinear")),
          ("bilinear_both", "resize", [1, 9, 2], dict(height=4, width=5, mode="bilinear"))]

cases = []
for name, kind, shape, attributes in CASES:
    count = BATCH * math.prod(shape)
    start = shuffled(count) if kind == "max_pool" else fractions(count, 2)
    x = torch.tensor(start, dtype=torch.float64).reshape(BATCH, *shape).requires_grad_()
    parameters = conv_parameters(shape, attributes) if kind == "conv2d" else {}
    y = conv2d(x, parameters, **attributes) if parameters else LAYERS[kind](x, **attributes)
    y = y.reshape(BATCH, -1)
    dy = torch.tensor(fractions(y.numel(), 5), dtype=torch.float64).reshape(BATCH, -1)
    y.backward(dy)
    cases.append(dict(name=name, type=kind, attributes=attributes, input=shape, x=x.reshape(BATCH, -1).tolist(),
                      parameters={k: dict(value=p.tolist(), gradient=p.grad.tolist()) for k, p in parameters.items()},
                      y=y.tolist(), dy=dy.tolist(), dx=x.grad.reshape(BATCH, -1).tolist()))
text = json.dumps(dict(torch=torch.__version__, cases=cases), separators=(",", ":"))
text = text.replace('{"name":', '\n{"name":').replace("],[", "],\n[").replace(']},"', ']},\n"')
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
(folder / "layers.json").write_text(text + "\n")
