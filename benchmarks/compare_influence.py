"""Influences of all neurons, Strata against PyTorch, in turn within one run. Called by compare_influence.sh."""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile

from side_by_side import HERE, PYTHON, ratio_cell, run, warn_without_openblas

# way of torch_influence.py, what it is, and how many times its time Strata is to be faster
WAYS = [
    ("autograd", "autograd, `is_grads_batched`", 1.9),
    ("repeated", "autograd, examples repeated", 1.9),
    ("by_hand", "chain rule by hand, no autograd", None),
    ("loop", "one backward pass a neuron", 3.5),
]
AGREE = 1e-5  # relative difference in norm of the matrices of influences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("influence_sweep", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    strata = [args.influence_sweep, "--rounds", "1"]
    with tempfile.TemporaryDirectory() as dump:
        # One untimed run leaves the dump behind, and caches warm.
        run([[*strata, "--dump", dump]])
        ways = {("strata", threads): [*strata, "--threads", str(threads)] for threads in sorted({1, cores})}
        for name, _, _ in WAYS:
            ways[name, 1] = [PYTHON, HERE / "torch_influence.py", dump, "--rounds", "1", "--way", name]
        took = {way: [] for way in ways}
        last, blas, peak, difference = {}, set(), 0, 0
        for number in range(args.rounds):
            for way, command in ways.items():
                result = run([command])[0]
                took[way].append(min(result["seconds"]))
                last[way] = result
                if way == ("strata", 1):
                    peak = max(peak, result["peak_gflops"])
                elif way[0] != "strata":
                    blas.add(result["blas"])
                    difference = max(difference, result["difference"])
            load = os.getloadavg()[0]
            print(f"compare_influence: round {number + 1} of {args.rounds}, load {load:.1f}", file=sys.stderr)

    ours = took["strata", 1]
    seconds = {way: statistics.median(values) for way, values in took.items()}
    gflop = last["strata", 1]["gflop"]
    print(f"\nStrata on {last['strata', 1]['blas']}; PyTorch {last['loop', 1]['torch']} on {'; '.join(sorted(blas))}")
    print(f"{cores} cores; peak of one by FMA probe: {peak:.0f} GFLOP/s. Medians of {args.rounds} rounds; a round runs "
          "everything in turn. Ratio: PyTorch's time / Strata's, one thread each.\n")
    print("| 784-256x5-10, 1280 neurons, 256 examples | seconds | GFLOP/s | ratio (min–max of rounds) | to reach |")
    print("|---|---|---|---|---|")
    for threads in sorted({1, cores}):
        took_here = seconds["strata", threads]
        print(f"| Strata, {threads} thread{'s' * (threads > 1)} | {took_here:.2f} | {gflop / took_here:.0f} | – | – |")
    reached = True
    for name, what, times in WAYS:
        ratio, cell = ratio_cell(ours, took[name, 1])
        goal = "–" if times is None else f"{times}× {'yes' if ratio >= times else 'NO'}"
        reached &= times is None or ratio >= times
        print(f"| PyTorch, {what} | {seconds[name, 1]:.2f} | {gflop / seconds[name, 1]:.0f} | {cell} | {goal} |")
    agree = difference <= AGREE
    verdict = "they agree" if agree else "they DISAGREE"
    print(f"\nLargest relative difference of the influences: {difference:.1e}, {verdict}.")
    warn_without_openblas(blas)
    print("\nAll figures reached." if reached and agree else "\nNot all figures reached: see above.")


if __name__ == "__main__":
    main()
