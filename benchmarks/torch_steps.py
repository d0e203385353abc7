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


def network(job, folder):
    layers = []
    parameters = iter(job["parameters"])
    activation = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[job["activation"]]
    for weight in parameters:
        bias = next(parameters)
        layer = torch.nn.Linear(weight["cols"], weight["rows"])
        with torch.no_grad():
            for to, of in ((layer.weight, weight), (layer.bias, bias)):
                # Strata's matrices lie column by column.
                values = numpy.fromfile(folder / of["file"], "<f4").reshape(of["cols"], of["rows"]).T
                to.copy_(torch.from_numpy(numpy.ascontiguousarray(values)).reshape(to.shape))
        layers += [layer, activation()]
    return torch.nn.Sequential(*layers[:-1])


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
    x = torch.from_numpy(numpy.fromfile(args.dump / "x.f4", "<f4").reshape(job["examples"], job["features"]))
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
    with torch.no_grad():
        last = slice(job["examples"] - job["evaluated"], job["examples"])
        loss = loss_of(net(x[last]), labels[last]).item()
    print(json.dumps({"seconds_per_step": seconds, "loss": loss, "threads": args.threads, "blas": blas(),
                      "torch": torch.__version__}))


if __name__ == "__main__":
    main()
