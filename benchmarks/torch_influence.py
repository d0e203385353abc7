"""Mean |d a_j / d a_i| of every hidden neuron j and every upstream neuron i in PyTorch, from what influence_sweep.cpp
dumped, and how long it took.

    torch_influence.py DUMP --way WAY --threads N --rounds N      prints one line of JSON

Ways, all with the same result; the chunk is how many neurons go through the net together:
    autograd    torch.autograd.grad with is_grads_batched: a cotangent for each neuron of the chunk
    repeated    the examples once for each neuron of the chunk, one ordinary backward pass through all of them
    by_hand     no autograd: the chain rule written out for this chain of layers, on the transposed weights
    loop        one backward pass for each neuron
"""

import argparse
import json
import pathlib
import time

import numpy
import torch
from torch_steps import blas, network

CHUNKS = {"autograd": 4, "repeated": 4, "by_hand": 4, "loop": 1}


class Influences:
    """influences[j, i] for neurons as Strata lines them up: the input's, then layer by layer."""

    def __init__(self, job, folder):
        self.layers = [m for m in network(job, folder) if isinstance(m, torch.nn.Linear)]
        for parameter in torch.nn.ModuleList(self.layers).parameters():
            parameter.requires_grad_(False)
        self.activation = {"tanh": torch.tanh, "relu": torch.relu}[job["activation"]]
        self.slope = {"tanh": lambda a: 1 - a * a, "relu": lambda a: (a > 0).to(a.dtype)}[job["activation"]]
        x = numpy.fromfile(folder / "x.f4", "<f4").reshape(job["examples"], job["features"])
        self.x = torch.from_numpy(x)
        self.hidden = len(self.layers) - 1
        widths = [job["features"], *(layer.out_features for layer in self.layers)]
        self.first = numpy.concatenate([[0], numpy.cumsum(widths)])
        self.all = torch.zeros(job["neurons"], job["neurons"])

    def activations(self, x):
        values = [x]
        for layer in self.layers[:-1]:
            values.append(self.activation(layer(values[-1])))
        return values

    def put(self, target, units, source, gradients):
        """gradients: neurons of the chunk x examples x units of the source's layer."""
        rows = slice(self.first[target] + units[0], self.first[target] + units[-1] + 1)
        self.all[rows, self.first[source]:self.first[source + 1]] = gradients.abs().mean(1)

    def chunks(self, chunk):
        for target in range(1, self.hidden + 1):
            for units in torch.arange(self.layers[target - 1].out_features).split(chunk):
                yield target, units

    def autograd(self, chunk):
        values = self.activations(self.x.clone().requires_grad_())
        for target, units in self.chunks(chunk):
            y = values[target]
            seeds = torch.zeros(len(units), *y.shape)
            seeds[torch.arange(len(units)), :, units] = 1
            found = torch.autograd.grad(y, values[:target], seeds, retain_graph=True, is_grads_batched=True)
            for source, gradients in enumerate(found):
                self.put(target, units, source, gradients)

    def repeated(self, chunk):
        examples = len(self.x)
        kept = {}  # by size of the chunk: the pass forward, which all targets share
        for target, units in self.chunks(chunk):
            if len(units) not in kept:
                kept[len(units)] = self.activations(self.x.repeat(len(units), 1).requires_grad_())
            values = kept[len(units)]
            seeds = torch.zeros_like(values[target]).view(len(units), examples, -1)
            seeds[torch.arange(len(units)), :, units] = 1
            seeds = seeds.view_as(values[target])
            found = torch.autograd.grad(values[target], values[:target], seeds, retain_graph=True)
            for source, gradients in enumerate(found):
                self.put(target, units, source, gradients.view(len(units), examples, -1))

    def by_hand(self, chunk):
        with torch.no_grad():
            values = self.activations(self.x)
            slopes = [self.slope(a) for a in values]
            for target, units in self.chunks(chunk):
                # Of a single neuron: its slope times its weights, no product of matrices.
                gradients = slopes[target].T[units].unsqueeze(2) * self.layers[target - 1].weight[units].unsqueeze(1)
                self.put(target, units, target - 1, gradients)
                for source in range(target - 2, -1, -1):
                    gradients = (gradients * slopes[source + 1]).view(-1, slopes[source + 1].shape[1])
                    gradients = (gradients @ self.layers[source].weight).view(len(units), len(self.x), -1)
                    self.put(target, units, source, gradients)

    def loop(self, _):
        values = self.activations(self.x.clone().requires_grad_())
        for target, units in self.chunks(1):
            found = torch.autograd.grad(values[target][:, units[0]].sum(), values[:target], retain_graph=True)
            for source, gradients in enumerate(found):
                self.put(target, units, source, gradients.unsqueeze(0))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump", type=pathlib.Path)
    parser.add_argument("--way", choices=CHUNKS, default="autograd")
    parser.add_argument("--chunk", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    job = json.loads((args.dump / "job.json").read_text())
    influences = Influences(job, args.dump)
    seconds = []
    for _ in range(args.rounds):
        start = time.perf_counter()
        getattr(influences, args.way)(args.chunk or CHUNKS[args.way])
        seconds.append(time.perf_counter() - start)
    # Strata's columns are targets, and lie one after the other: to numpy they are rows.
    reference = numpy.fromfile(args.dump / "influences.f4", "<f4").reshape(influences.all.shape)
    found = influences.all.numpy()
    difference = float(numpy.linalg.norm(found - reference) / numpy.linalg.norm(reference))
    print(json.dumps({"seconds": seconds, "difference": difference, "threads": args.threads, "blas": blas(),
                      "torch": torch.__version__}))


if __name__ == "__main__":
    main()
