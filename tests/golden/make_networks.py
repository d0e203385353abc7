#!/usr/bin/env python3
"""Writes networks.json to the folder given (default: its own): whole nets with skips, run and differentiated by torch.

Each case is a graph file with its weights, a batch, the loss, and what torch makes of it in float64: the output, the
loss, the gradient of every parameter and of the input. Needs torch (made with 1.13). Weights and inputs are dyadic
fractions, so float holds them exactly. No activation stands close to a kink (checked here).
"""
import json
import pathlib
import sys

import torch
import torch.nn.functional as F

BATCH = 4
# Not F.hardsigmoid: torch 1.13 differentiates it with 1/6 rounded to float, in float64 too.
ACTIVATIONS = dict(identity=lambda z: z, tanh=torch.tanh, sigmoid=torch.sigmoid,
                   hard_sigmoid=lambda z: (z / 6 + 0.5).clamp(0, 1), relu=F.relu, leaky_relu=F.leaky_relu, elu=F.elu)
KINKS = dict(hard_sigmoid=(-3, 3), relu=(0,), leaky_relu=(0,), elu=(0,))
FAR = 1e-3


def fraction(i, j, salt):
    return ((5 * i * i + 7 * i * j + 3 * j + 11 * salt) % 23 - 11) / 16


def matrix(rows, cols, salt, scale=1):
    return [[fraction(i, j, salt) * scale for j in range(cols)] for i in range(rows)]


def node(name, kind, inputs, **attributes):
    return dict(name=name, type=kind, inputs=inputs.split(), **attributes)


def graph(input_shape, nodes, output="logits"):
    return dict(schema="strata-graph", schema_version=1, input=input_shape, nodes=nodes, output=output)


def mlp(widths, activation, mode, skips):
    """As strata's mlp_graph names things: h dense, a activation, s sum, c concat, p projection."""
    layers = len(widths) - 2
    nodes = []
    below = "input"
    for l in range(1, layers + 2):
        last = l > layers
        joined = [f for f, t in skips if t == l]
        if mode == "concat" and joined:
            nodes.append(node(f"c{l}", "concat", " ".join([below] + [f"a{f}" for f in joined])))
            below, joined = f"c{l}", []
        top = "logits" if last and not joined else f"h{l}"
        nodes.append(node(top, "dense", below, units=widths[l]))
        if joined:
            tails = [f"a{f}" for f in joined]
            if mode == "project":
                tails = [f"p{f}_{l}" for f in joined]
                nodes += [node(f"p{f}_{l}", "dense", f"a{f}", units=widths[l], bias=False) for f in joined]
            nodes.append(node("logits" if last else f"s{l}", "add", " ".join([top] + tails)))
            top = nodes[-1]["name"]
        if not last:
            nodes.append(node(f"a{l}", activation, top))
            below = f"a{l}"
    return graph([widths[0]], nodes)


# Shapes other than flat, fixed normalisation, a node read by three others, one that an add reads twice, sums of three.
TANGLE = graph([1, 2, 3], [
    node("flat", "flatten", "input"), node("norm", "normalize", "flat", mean=[0.5, -0.25, 0, 1, 0.125, 0.75],
                                           sd=[2, 0.5, 1, 4, 0.25, 8]),
    node("left", "dense", "norm", units=4), node("left_on", "relu", "left"), node("right", "dense", "norm", units=4),
    node("right_on", "elu", "right"), node("both", "concat", "right_on left_on norm"),
    node("deep", "dense", "both", units=4, bias=False), node("sum", "add", "deep left_on left_on right_on"),
    node("on", "tanh", "sum"), node("drop", "dropout", "on", rate=0.5), node("out", "dense", "drop", units=3)], "out")

CASES = [
    ("plain", mlp([7, 6, 6, 6, 5], "tanh", "add", []), "cross_entropy"),
    ("add", mlp([7, 6, 6, 6, 5], "tanh", "add", [(1, 3)]), "cross_entropy"),
    ("add_adjacent", mlp([7, 6, 6, 6, 6], "leaky_relu", "add", [(1, 2), (1, 3), (2, 4)]), "squared_error"),
    ("project", mlp([7, 6, 4, 3, 5], "sigmoid", "project", [(1, 3), (1, 4)]), "binary_cross_entropy"),
    ("concat", mlp([7, 6, 4, 6, 5], "elu", "concat", [(1, 3), (2, 4), (1, 4)]), "cross_entropy"),
    ("hard_sigmoid", mlp([7, 6, 6, 6, 5], "hard_sigmoid", "add", [(1, 3)]), "squared_error"),
    ("linear", mlp([7, 6, 5], "identity", "project", [(1, 2)]), "squared_error"),
    ("tangle", TANGLE, "binary_cross_entropy"),
]


def far_from_kinks(kind, z):
    return all(((z - kink).abs() > FAR).all() for kink in KINKS.get(kind, ()))


def forward(g, x, parameters):
    """The output for x (batch × features); makes the parameters on the way."""
    values = {"input": x}
    for salt, n in enumerate(g["nodes"], 1):
        ins = [values[i] for i in n["inputs"]]
        kind = n["type"]
        if kind == "dense":
            units, width = n["units"], ins[0].shape[1]
            weight = torch.tensor(matrix(units, width, salt), dtype=torch.float64, requires_grad=True)
            parameters[n["name"] + ".weight"] = weight
            y = ins[0] @ weight.T
            if n.get("bias", True):
                bias = torch.tensor(matrix(units, 1, salt + 1), dtype=torch.float64, requires_grad=True)
                parameters[n["name"] + ".bias"] = bias
                y = y + bias.T
        elif kind == "add":
            y = sum(ins)
        elif kind == "concat":
            y = torch.cat(ins, 1)
        elif kind == "normalize":
            y = (ins[0] - torch.tensor(n["mean"], dtype=torch.float64)) / torch.tensor(n["sd"], dtype=torch.float64)
        elif kind in ("flatten", "dropout"):  # dropout: the golden values are of evaluation
            y = ins[0]
        else:
            assert far_from_kinks(kind, ins[0]), f"{n['name']} is close to a kink"
            y = ACTIVATIONS[kind](ins[0])
        values[n["name"]] = y
    return values[g["output"]]


def loss_of(name, out, targets):
    if name == "cross_entropy":
        return F.cross_entropy(out, targets.argmax(1))
    if name == "squared_error":
        return 0.5 * F.mse_loss(out, targets, reduction="sum") / BATCH
    return F.binary_cross_entropy_with_logits(out, targets, reduction="sum") / BATCH


cases = []
for name, g, loss_name in CASES:
    features = 1
    for extent in g["input"]:
        features *= extent
    x = torch.tensor(matrix(BATCH, features, 4, 2), dtype=torch.float64, requires_grad=True)
    parameters = {}
    out = forward(g, x, parameters)
    targets = torch.zeros_like(out)
    for b in range(BATCH):
        targets[b, (3 * b + 1) % out.shape[1]] = 1
    if loss_name == "binary_cross_entropy":
        targets[1, 0] = targets[1, 1] = 1  # more than one label
    loss = loss_of(loss_name, out, targets)
    loss.backward()
    cases.append(dict(name=name, loss=loss_name, graph=g, x=x.tolist(), targets=targets.tolist(), output=out.tolist(),
                      value=loss.item(), input_gradient=x.grad.tolist(),
                      parameters={k: dict(value=p.tolist(), gradient=p.grad.tolist()) for k, p in parameters.items()}))
text = json.dumps(dict(torch=torch.__version__, cases=cases), separators=(",", ":"))
text = text.replace('{"name":', '\n{"name":').replace("],[", "],\n[").replace(']},"', ']},\n"')
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
(folder / "networks.json").write_text(text + "\n")
