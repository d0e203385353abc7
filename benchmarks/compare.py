"""Strata against PyTorch eager, in turn within one run. Called by compare.sh; see there."""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile

from side_by_side import HERE, PYTHON, ratio_cell, run, warn_without_openblas

# name, options of train_steps, and what to reach: share of the peak, and how many times PyTorch's best
NETS = [
    ("784-512x3-10, batch 128, momentum", "--width 512 --depth 3 --batch 128 --steps 100", 0.70, 1.8),
    ("784-512x3-10, batch 128, Adam", "--width 512 --depth 3 --batch 128 --steps 100 --optimizer adam --lr 0.001",
     0.60, 1.8),
    ("784-256x5-10, batch 64, momentum", "--width 256 --depth 5 --batch 64 --steps 200", None, 2.5),
    ("784-128x10-10, batch 32, momentum", "--width 128 --depth 10 --batch 32 --steps 300", None, 3.0),
    ("LeNet on 32×32, batch 64, momentum", "--network lenet --batch 64 --steps 60", None, 2.0),
    ("ResNet-8 on 32×32, batch 64, momentum", "--network resnet8 --batch 64 --steps 10", None, 1.5),
]
SIDE_BY_SIDE = 0  # this net is also trained by as many one-thread runs as there are cores
REACH_SIDE_BY_SIDE = (0.82, 1.15)


def seconds(results):
    """Of a step: the median over epochs, of the slowest of those side by side. The first epoch warms up."""
    return max(statistics.median(r["seconds_per_step"][1:]) for r in results)


def gflops(strata, step, runs):
    return 2e-9 * strata["multiply_adds_per_step"] * runs / step


def attack(program, rounds, cores):
    """PGD with 40 steps on 10,000 images; whether it is as fast as it should be."""
    with tempfile.TemporaryDirectory() as dump:
        run([[program, "--dump", dump, "--steps", "1"]])
        ways = {}
        for threads in sorted({1, cores}):
            for batch in (250, 500, 1000):
                ways["strata", threads, batch] = [program, "--threads", str(threads), "--batch", str(batch)]
            # One thread gains little from larger batches, several need them.
            for batch in (500, 2500, 10000):
                ways["torch", threads, batch] = [PYTHON, HERE / "torch_attack.py", dump, "--threads", str(threads), "--batch",
                                                 str(batch)]
        took = {way: [] for way in ways}
        left = {}
        # A round of all finds each side's best setting; the others are of these two.
        for number in range(rounds):
            for way, command in ways.items():
                result = run([command])[0]
                took[way].append(result["seconds"][0])
                left[way[0]] = result["left"]
            if number == 0:
                best = {side: min((way for way in ways if way[0] == side), key=lambda way: took[way][0])
                        for side in ("strata", "torch")}
                ways = {way: ways[way] for way in best.values()}
            print(f"compare: attack: round {number + 1} of {rounds}", file=sys.stderr)
    ours, theirs = took[best["strata"]], took[best["torch"]]
    ratio, cell = ratio_cell(ours, theirs)
    print("\n| attack | Strata s | PyTorch s | ratio (min–max of rounds) | to reach |")
    print("|---|---|---|---|---|")
    settings = [f"{best[side][1]} thread{'s' * (best[side][1] > 1)}, batch {best[side][2]}" for side in ("strata", "torch")]
    print(f"| PGD-40, 10,000 images, 784-256x5-10 | {statistics.median(ours):.2f} ({settings[0]}) | "
          f"{statistics.median(theirs):.2f} ({settings[1]}) | {cell} | 1.6× {'yes' if ratio >= 1.6 else 'NO'} |")
    same = abs(left["strata"] - left["torch"]) <= 0.002
    print(f"\nWhat stays right under attack, Strata and PyTorch: {left['strata']:.4f} {left['torch']:.4f} "
          f"{'agree' if same else 'DISAGREE'}")
    return ratio >= 1.6 and same


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("train_steps", type=pathlib.Path)
    parser.add_argument("attack_steps", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    rows, losses, blas = [], [], set()
    peaks = []
    for index, (name, options, share, times) in enumerate(NETS):
        with tempfile.TemporaryDirectory() as dump:
            strata = [args.train_steps, *options.split(), "--epochs", "4"]
            torch = [PYTHON, HERE / "torch_steps.py", dump]
            # One untimed run of each leaves the dump behind, and caches warm.
            run([[*strata, "--dump", dump]])
            ways = {}
            for threads in sorted({1, cores}):
                ways["strata", threads, 1] = [[*strata, "--threads", str(threads)]]
                ways["torch", threads, 1] = [[*torch, "--threads", str(threads)]]
            if index == SIDE_BY_SIDE and cores > 1:
                ways["strata", cores, cores] = [[*strata, "--threads", str(cores), "--runs", str(cores)]]
                ways["torch", cores, cores] = [[*torch, "--threads", "1"]] * cores
            took = {way: [] for way in ways}
            last = {}
            for number in range(args.rounds):
                for way, commands in ways.items():
                    results = run(commands)
                    took[way].append(seconds(results))
                    last[way[0]] = results[0]
                    if way[0] == "strata":
                        peaks.append((results[0]["threads"], results[0]["peak_gflops"]))
                    else:
                        blas.add(results[0]["blas"])
                print(f"compare: {name}: round {number + 1} of {args.rounds}", file=sys.stderr)
        losses.append((name, last["strata"]["loss"], last["torch"]["loss"]))
        rows.append((name, share, times, took, last))

    peak = {threads: max(p for t, p in peaks if t == threads) for threads in {t for t, _ in peaks}}
    print(f"\nStrata on {rows[0][4]['strata']['blas']}; PyTorch {rows[0][4]['torch']['torch']} on {'; '.join(sorted(blas))}")
    print(f"{cores} cores; peak by FMA probe: " + ", ".join(f"{t} threads {peak[t]:.0f} GFLOP/s" for t in sorted(peak)))
    print(f"Medians of {args.rounds} rounds; a round runs everything in turn. Ratio: PyTorch's time / Strata's.\n")
    print("| net | way | Strata ms | GFLOP/s | of peak | PyTorch ms | GFLOP/s | ratio (min–max of rounds) | to reach |")
    print("|---|---|---|---|---|---|---|---|---|")
    reached = True
    for name, share, times, took, last in rows:
        def line(way, ours, theirs, runs, threads, share, times):
            o, t = statistics.median(ours), statistics.median(theirs)
            rate = gflops(last["strata"], o, runs)
            of_peak = rate / peak[threads]
            ratio, cell = ratio_cell(ours, theirs)
            goal = []
            if share:
                goal.append(f"{share:.0%} of peak {'yes' if of_peak >= share else 'NO'}")
            if times:
                goal.append(f"{times}× {'yes' if ratio >= times else 'NO'}")
            print(f"| {name} | {way} | {o * 1e3:.3f} | {rate:.0f} | {of_peak:.0%} | {t * 1e3:.3f} | "
                  f"{gflops(last['strata'], t, runs):.0f} | {cell} | "
                  f"{', '.join(goal) or '–'} |")
            return (not share or of_peak >= share) and (not times or ratio >= times)

        best = {side: min((way for way in took if way[0] == side and way[2] == 1),
                          key=lambda way: statistics.median(took[way])) for side in ("strata", "torch")}
        for threads in sorted({1, cores}):
            line(f"{threads} thread{'s' * (threads > 1)} each", took["strata", threads, 1], took["torch", threads, 1], 1,
                 threads, None, None)
        # A goal in shares of the peak is one of all cores; one in times PyTorch's is of each side's best setting.
        if share:
            reached &= line(f"{cores} threads against PyTorch's best, {best['torch'][1]}", took["strata", cores, 1],
                            took[best["torch"]], 1, cores, share, times)
        else:
            reached &= line(f"best settings: {best['strata'][1]} against {best['torch'][1]}", took[best["strata"]],
                            took[best["torch"]], 1, best["strata"][1], share, times)
        if ("strata", cores, cores) in took:
            reached &= line(f"{cores} runs side by side, 1 thread each", took["strata", cores, cores],
                            took["torch", cores, cores], cores, cores, *REACH_SIDE_BY_SIDE)
    print("\nThe last loss on examples kept apart, Strata and PyTorch:")
    for name, ours, theirs in losses:
        same = abs(ours - theirs) <= 0.02 * abs(theirs)
        reached &= same
        print(f"  {name}: {ours:.5f} {theirs:.5f} {'agree' if same else 'DISAGREE'}")
    reached &= attack(args.attack_steps, args.rounds, cores)
    warn_without_openblas(blas)
    print("\nAll figures reached." if reached else "\nNot all figures reached: see NO above.")


if __name__ == "__main__":
    main()
