"""Attacks the same examples as attack_steps.cpp in PyTorch eager, from what that program dumped, and says how long it took.

    torch_attack.py DUMP --threads N        prints one line of JSON
"""

import argparse
import json
import pathlib
import time

import numpy
import torch
from torch_steps import blas, network


def attack(net, clean, labels, steps, epsilon, step):
    """Projected gradient descent on the cross-entropy from the clean examples: the gradient by the input alone."""
    low, high = (clean - epsilon).clamp_(0, 1), (clean + epsilon).clamp_(0, 1)
    x = clean
    for _ in range(steps):
        x = x.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(net(x), labels, reduction="sum")
        gradient, = torch.autograd.grad(loss, x)
        x = torch.maximum(torch.minimum(x.detach() + step * gradient.sign(), high), low)
    return x


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--epsilon", type=float, default=0.05)
    parser.add_argument("--step", type=float, default=0.005)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    job = json.loads((args.dump / "job.json").read_text())
    x = torch.from_numpy(numpy.fromfile(args.dump / "x.f4", "<f4").reshape(job["examples"], job["features"]))
    labels = torch.from_numpy(numpy.fromfile(args.dump / "labels.i4", "<i4").astype(numpy.int64))
    net = network(job, args.dump).requires_grad_(False)
    seconds = []
    for _ in range(args.rounds):
        start = time.perf_counter()
        right = 0
        for clean, of in zip(x.split(args.batch), labels.split(args.batch)):
            found = attack(net, clean, of, args.steps, args.epsilon, args.step)
            with torch.no_grad():
                right += ((net(clean).argmax(1) == of) & (net(found).argmax(1) == of)).sum().item()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds, "left": right / len(x), "threads": args.threads, "batch": args.batch,
                      "blas": blas(), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
