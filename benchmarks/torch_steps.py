"""Trains the same steps as train_steps.cpp in PyTorch eager, from what that program dumped, and says how long they took.

    torch_steps.py DUMP --threads N        prints one line of JSON
"""

import argparse
import ctypes
import json
import pathlib
import re
import time

import numpy
import torch


def blas():
    """The BLAS that torch runs on: its library, as the process has loaded it, and the kernels that OpenBLAS has chosen."""
    maps = pathlib.Path("/proc/self/maps").read_text()
    names = []
    for path in sorted(set(re.findall(r"(/\S*(?:openblas|libblas|mkl)\S*)", maps))):
        name = pathlib.Path(path).name
        if "openblas" in name:
            core = ctypes.CDLL(path).openblas_get_corename
            core.restype = ctypes.c_char_p
            name += f" ({core().decode()})"
        names.append(name)
    return ", ".join(names) or "unknown"


def layer(node, shape, values):
    """torch's module for a node that reads samples of `shape`, with the values of its parameters."""
    def pair(name, default):
        value = node.get(name, default)
        return tuple(value) if isinstance(value, list) else (value, value)

    kind = node["type"]
    if kind == "dense":
        module = torch.nn.Linear(shape[0], node["units"], bias=node["bias"])
    elif kind == "conv2d":
        module = torch.nn.Conv2d(shape[0], node["channels"], pair("size", 1), pair("stride", 1), pair("padding", 0),
                                 bias=node["bias"])
    elif kind == "batch_norm":
        module = (torch.nn.BatchNorm2d if len(shape) == 3 else torch.nn.BatchNorm1d)(shape[0])
    elif kind == "max_pool":
        module = torch.nn.MaxPool2d(node["size"])
    elif kind == "zero_pad":
        module = torch.nn.ZeroPad2d(node["padding"])
    else:
        module = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "flatten": torch.nn.Flatten}[kind]()
    names = {"gamma": "weight", "beta": "bias"}
    with torch.no_grad():
        for name, value in values.items():
            if name in ("mean", "variance"):  # start as torch's do
                continue
            to = getattr(module, names.get(name, name))
            to.copy_(value.reshape(to.shape))
    return module


class Net(torch.nn.Module):
    """The graph of the dump, node by node."""

    def __init__(self, graph, parameters):
        super().__init__()
        self.steps = []  # of each node: its module or None, and what it reads
        self.output = graph["output"]
        shapes = {"input": graph["input"]}
        values = {"input": torch.zeros(1, *graph["input"])}
        for node in graph["nodes"]:
            name, inputs = node["name"], node["inputs"]
            module = None
            if node["type"] not in ("add", "global_average_pool"):
                module = layer(node, shapes[inputs[0]], parameters.get(name, {})).eval()
                self.add_module(name, module)
            self.steps.append((name, node["type"], module, inputs))
            with torch.no_grad():
                values[name] = self.step(node["type"], module, [values[i] for i in inputs])
            shapes[name] = list(values[name].shape[1:])
        self.train()

    @staticmethod
    def step(kind, module, inputs):
        if module is not None:
            return module(inputs[0])
        return sum(inputs[1:], inputs[0]) if kind == "add" else inputs[0].mean((2, 3))

    def forward(self, x):
        values = {"input": x}
        for name, kind, module, inputs in self.steps:
            values[name] = self.step(kind, module, [values[i] for i in inputs])
        return values[self.output]


def network(job, folder):
    parameters = {}
    for p in job["parameters"]:
        node, name = p["name"].split(".")
        # Strata's matrices lie column by column.
        values = numpy.fromfile(folder / p["file"], "<f4").reshape(p["cols"], p["rows"]).T
        parameters.setdefault(node, {})[name] = torch.from_numpy(numpy.ascontiguousarray(values))
    net = Net(job["graph"], parameters)
    kinds = {kind for _, kind, _, _ in net.steps}
    if kinds <= {"flatten", "dense", "tanh", "relu"}:  # as one would write it
        return torch.nn.Sequential(*(module for _, _, module, _ in net.steps))
    return net


def optimizer(job, net):
    if job["optimizer"] == "momentum":
        return torch.optim.SGD(net.parameters(), lr=job["lr"], momentum=0.9)
    if job["optimizer"] == "sgd":
        return torch.optim.SGD(net.parameters(), lr=job["lr"])
    return torch.optim.Adam(net.parameters(), lr=job["lr"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    job = json.loads((args.dump / "job.json").read_text())
    x = torch.from_numpy(numpy.fromfile(args.dump / "x.f4", "<f4").reshape(job["examples"], *job["graph"]["input"]))
    labels = torch.from_numpy(numpy.fromfile(args.dump / "labels.i4", "<i4").astype(numpy.int64))
    net = network(job, args.dump)
    steps = optimizer(job, net)
    loss_of = torch.nn.CrossEntropyLoss()
    seconds = []
    for epoch in range(job["epochs"]):
        order = torch.from_numpy(numpy.fromfile(args.dump / f"order{epoch}.i8", "<i8"))
        start = time.perf_counter()
        batches = order.split(job["batch"])
        for ids in batches:
            steps.zero_grad(set_to_none=True)
            loss_of(net(x.index_select(0, ids)), labels.index_select(0, ids)).backward()
            steps.step()
        seconds.append((time.perf_counter() - start) / len(batches))
    net.eval()
    with torch.no_grad():
        last = slice(job["examples"] - job["evaluated"], job["examples"])
        loss = loss_of(net(x[last]), labels[last]).item()
    print(json.dumps({"seconds_per_step": seconds, "loss": loss, "threads": args.threads, "blas": blas(),
                      "torch": torch.__version__}))


if __name__ == "__main__":
    main()
