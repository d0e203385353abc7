#!/usr/bin/env python3
"""Writes influence.json to the folder given (default: its own): derivatives of neurons by neurons, by torch's autograd.

Each case is a graph file with its weights, a few examples, its layers of neurons, and for every pair of layers
  all        d a_target / d a_source over all ways between the two
  mediated   if there are `skip_edges`: the same with these connections carrying nothing back (their inputs detached)
  direct     over ways without another neuron in between (the neurons before are leaves)
as lists [example][target][source], and over the examples of `all` the means of |J|, J and J^2 as [target][source].
Needs torch (made with 1.13); all in float64. Weights and examples are dyadic fractions, so float holds them exactly. No
activation stands close to a kink (checked here).
"""
import json
import pathlib
import sys

import torch

torch.set_default_dtype(torch.float64)
EXAMPLES = 3
ACTIVATIONS = dict(tanh=torch.tanh, relu=torch.relu, elu=torch.nn.functional.elu, identity=lambda z: z)
FAR_FROM_KINKS = 1e-3


def numbers(rows, cols, salt):
    """Dyadic fractions between -1 and 1 without a pattern."""
    values = [((29 * i * i + 17 * i + 41 * salt) % 61 - 30) / 32 for i in range(rows * cols)]
    return torch.tensor(values).reshape(rows, cols)


def node(name, kind, inputs, **attributes):
    return dict(name=name, type=kind, inputs=inputs.split(), **attributes)


def dense(name, inputs, units, bias=True):
    return node(name, "dense", inputs, units=units, bias=bias)


def case(name, features, nodes, neurons, skip_edges=()):
    """neurons: pairs of a layer's name and the node where its neurons are read; the input's comes first by itself."""
    graph = dict(schema="strata-graph", schema_version=1, input=[features], nodes=nodes, output=nodes[-1]["name"])
    layers = [dict(name=layer, node=at) for layer, at in [("input", "input"), *neurons]]
    return dict(name=name, graph=graph, layers=layers, skip_edges=[dict(node=n, input=i) for n, i in skip_edges])


def mlp(name, widths, activation, bias=True):
    nodes, below = [], "input"
    for l, units in enumerate(widths[1:-1], 1):
        nodes += [dense(f"h{l}", below, units, bias), node(f"a{l}", activation, f"h{l}")]
        below = f"a{l}"
    nodes.append(dense("logits", below, widths[-1], bias))
    neurons = [(f"h{l}", f"a{l}") for l in range(1, len(widths) - 1)]
    return case(name, widths[0], nodes, [*neurons, ("logits", "logits")])


H12 = [dense("h1", "input", 4), node("a1", "tanh", "h1"), dense("h2", "a1", 4), node("a2", "tanh", "h2")]
OF_SKIP = [("h1", "a1"), ("h2", "a2"), ("h3", "a3"), ("logits", "logits")]
CASES = [
    mlp("plain", [5, 4, 3, 4, 3], "tanh"),
    mlp("relu_without_bias", [5, 6, 6, 4, 3], "relu", bias=False),
    mlp("linear", [4, 3, 4, 2], "identity", bias=False),
    case("add", 5, [*H12, dense("h3", "a2", 4), node("s3", "add", "h3 a1"), node("a3", "tanh", "s3"),
                    dense("logits", "a3", 3)], OF_SKIP, [("s3", 1)]),
    case("project", 5, [*H12, dense("h3", "a2", 3), dense("p1_3", "a1", 3, bias=False), node("s3", "add", "h3 p1_3"),
                        node("a3", "tanh", "s3"), dense("logits", "a3", 3)], OF_SKIP, [("s3", 1)]),
    case("concat", 5, [*H12, node("c3", "concat", "a2 a1"), dense("h3", "c3", 3), node("a3", "tanh", "h3"),
                       dense("logits", "a3", 3)], OF_SKIP, [("c3", 1)]),
    # Two layers of one depth, a skip from the input, a node that an add reads twice, neurons read after a dropout.
    case("tangle", 3, [
        node("norm", "normalize", "input", mean=[0.5, -0.25, 0], sd=[2, 0.5, 1]),
        dense("left", "norm", 4), node("left_on", "relu", "left"), dense("right", "norm", 4),
        node("right_on", "elu", "right"), node("both", "concat", "right_on left_on norm"),
        dense("deep", "both", 4, bias=False), node("sum", "add", "deep left_on left_on right_on"),
        node("on", "tanh", "sum"), node("drop", "dropout", "on", rate=0.5), dense("out", "drop", 3)],
         [("left", "left_on"), ("right", "right_on"), ("deep", "drop"), ("out", "out")],
         [("both", 2), ("sum", 1), ("sum", 2), ("sum", 3)]),
]


def forward(c, x, parameters, detached=(), leaves=False):
    """Values by node. `detached`: connections that carry nothing back. `leaves`: nodes read others' neurons as leaves,
    which are returned too."""
    values = {"input": x}
    read = dict(values)
    neurons = {layer["node"] for layer in c["layers"]}
    for n in c["graph"]["nodes"]:
        ins = [read[i].detach() if dict(node=n["name"], input=k) in detached else read[i]
               for k, i in enumerate(n["inputs"])]
        kind = n["type"]
        if kind == "dense":
            y = ins[0] @ parameters[n["name"] + ".weight"].T
            if n["bias"]:
                y = y + parameters[n["name"] + ".bias"].T
        elif kind == "add":
            y = sum(ins)
        elif kind == "concat":
            y = torch.cat(ins, 1)
        elif kind == "normalize":
            y = (ins[0] - torch.tensor(n["mean"])) / torch.tensor(n["sd"])
        elif kind == "dropout":  # the values are of evaluation
            y = ins[0]
        else:
            assert kind in ("tanh", "identity") or (ins[0].abs() > FAR_FROM_KINKS).all(), n["name"]
            y = ACTIVATIONS[kind](ins[0])
        values[n["name"]] = read[n["name"]] = y
        if leaves and n["name"] in neurons:
            read[n["name"]] = y.detach().requires_grad_()
    return values, read


def derivatives(c, values, read):
    """By "target/source"; pairs without a way between them are left out."""
    found = {}
    for t, target in enumerate(c["layers"]):
        for source in c["layers"][:t]:
            y, x = values[target["node"]], read[source["node"]]
            rows = [torch.autograd.grad(y[:, u].sum(), x, retain_graph=True, allow_unused=True)[0]
                    for u in range(y.shape[1])]
            if rows[0] is not None:
                found[f"{target['name']}/{source['name']}"] = torch.stack(rows, 1)
    return found


def finish(c):
    """Adds the numbers to a case."""
    parameters = {}
    width = {"input": c["graph"]["input"][0]}
    for salt, n in enumerate(c["graph"]["nodes"], 1):
        ins = [width[i] for i in n["inputs"]]
        width[n["name"]] = n.get("units", sum(ins) if n["type"] == "concat" else ins[0])
        if n["type"] != "dense":
            continue
        parameters[n["name"] + ".weight"] = numbers(n["units"], ins[0], salt)
        if n["bias"]:
            parameters[n["name"] + ".bias"] = numbers(n["units"], 1, salt + 1) / 2
    x = numbers(EXAMPLES, width["input"], 7).requires_grad_()
    values, _ = forward(c, x, parameters)
    everything = derivatives(c, values, values)
    cut, _ = forward(c, x, parameters, detached=c["skip_edges"])
    apart, leaves = forward(c, x, parameters, leaves=True)
    ways = dict(all=everything, direct=derivatives(c, apart, leaves))
    if c["skip_edges"]:
        ways["mediated"] = derivatives(c, cut, cut)
    # What detaching and leaves leave alone.
    assert all(torch.equal(values[n], cut[n]) and torch.equal(values[n], apart[n]) for n in values)
    means = dict(mean_abs=lambda j: j.abs().mean(0), mean=lambda j: j.mean(0), mean_square=lambda j: j.square().mean(0))
    return dict(c, parameters={k: p.tolist() for k, p in parameters.items()}, x=x.tolist(),
                derivatives={way: {pair: j.tolist() for pair, j in found.items()} for way, found in ways.items()},
                means={name: {p: mean(j).tolist() for p, j in everything.items()} for name, mean in means.items()})


text = json.dumps(dict(torch=torch.__version__, cases=[finish(c) for c in CASES]), separators=(",", ":"))
text = text.replace('{"name":', '\n{"name":').replace("],[", "],\n[").replace(']},"', ']},\n"')
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
(folder / "influence.json").write_text(text + "\n")
