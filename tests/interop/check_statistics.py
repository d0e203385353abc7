"""Does the sums of framework/analysis again with scipy, on drawn numbers and on a small comparison's JSON: t distribution,
paired t-test, Holm's correction, power, interquartile mean, probability of improvement, rank correlations.

usage: check_statistics.py WRITE_STATISTICS STRATA    exits 0: all well, 1: a difference, 77: scipy is missing
"""
import json
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from scipy import stats
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

failures = checked = 0


def check(what, ours, theirs, tolerance=1e-10):
    """Relative, and absolute below 1."""
    global failures, checked
    checked += 1
    if not abs(ours - theirs) <= tolerance * max(1, abs(theirs)):
        failures += 1
        print(f"{what}: {ours!r}, scipy {theirs!r}")


def holm(p):
    """Holm 1979, in the words of the paper: the smallest times m, the next times m − 1, …, none below the one before."""
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    steps = np.minimum(1, p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(steps)
    return corrected


def power(n, effect, level):
    if effect == 0:  # where scipy's noncentral t is not defined
        return level
    t = stats.t.isf(level / 2, n - 1)
    shift = effect * np.sqrt(n)
    with np.errstate(all="ignore"):  # tails that underflow
        return stats.nct.sf(t, n - 1, shift) + stats.nct.cdf(-t, n - 1, shift)


def improvement(x, y):
    return stats.mannwhitneyu(x, y).statistic / (len(x) * len(y))


def paired_p(a, b):
    d = np.subtract(a, b)
    if np.all(d == d[0]):  # where scipy divides by zero
        return float(d[0] == 0)
    return stats.ttest_rel(a, b).pvalue


def partial(x, y, controls):
    """Of ranks, by the inverse of their correlation matrix."""
    inverse = np.linalg.inv(np.corrcoef([stats.rankdata(v) for v in (x, y, *controls)]))
    return -inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1])


def fisher(r, variance):
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    return r, np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)


def check_correlation(i):
    n = len(i["x"])
    rho = stats.spearmanr(i["x"], i["y"]).statistic
    of_rest = partial(i["x"], i["y"], (i["u"], i["v"]))
    group = np.asarray(i["group"])
    x, y = (np.asarray(v) - np.array([np.mean(np.asarray(v)[group == g]) for g in group]) for v in (i["x"], i["y"]))
    r = stats.pearsonr(x, y).statistic
    for what, theirs in (("plain", fisher(rho, (1 + rho**2 / 2) / (n - 3))),
                         ("partial", fisher(of_rest, (1 + of_rest**2 / 2) / (n - 5))),
                         ("within", fisher(r, 1 / (n - 5)))):
        for a, b in zip(i[what], theirs, strict=True):
            check(f"{what} correlation of {n}", a, b)


def check_library(found):
    for i in found["correlations"]:
        check_correlation(i)
    for i in found["t"]:
        check(f"t cdf {i}", i["cdf"], stats.t.cdf(i["x"], i["degrees"]))
        # scipy's quantile is good to 1e-8 only, so its own cdf of ours is looked at instead.
        check(f"t quantile {i}", stats.t.cdf(i["quantile"], i["degrees"]), i["p"])
    for i in found["pairs"]:
        n = len(i["a"])
        check(f"paired t-test, {n} pairs", i["p"], paired_p(i["a"], i["b"]))
        d = np.subtract(i["a"], i["b"])
        low = np.mean(d) - stats.t.ppf(0.975, n - 1) * stats.sem(d)
        check(f"interval of {n} pairs", i["low"], low, 1e-7)
        check(f"interquartile mean of {n}", i["iqm"], stats.trim_mean(i["a"], 0.25))
        check(f"probability of improvement of {n}", i["improvement"], improvement(i["a"], i["c"]))
    for i in found["holm"]:
        for ours, theirs in zip(i["corrected"], holm(i["p"]), strict=True):
            check(f"Holm of {i['p']}", ours, theirs)
    for i in found["power"]:
        check(f"power {i}", i["power"], power(i["n"], i["effect"], i["level"]), 1e-8)
    for i in found["seeds"]:
        fewest = next((n for n in range(2, 1001) if power(n, i["effect"], i["level"]) >= 0.8), 0)
        check(f"seeds {i}", i["n"], fewest)


def check_program(rows):
    """Each network's family, from the runs' accuracies alone."""
    cells = {}
    for row in rows:
        cells.setdefault((row["network"], row["rule"]), []).append(row)
    for network in {network for network, _ in cells}:
        rules = [rule for of, rule in cells if of == network]
        accuracy = {rule: [row["test_accuracy"] for row in cells[network, rule]] for rule in rules}
        others = [rule for rule in rules if rule != "backprop"]
        p = [paired_p(accuracy[rule], accuracy["backprop"]) for rule in others]
        for rule, single, corrected in zip(others, p, holm(p), strict=True):
            for row in cells[network, rule]:
                check(f"{rule} on {network}: p", row["p_to_backprop"], single)
                check(f"{rule} on {network}: Holm", row["p_holm"], corrected)
                check(f"{rule} on {network}: probability of improvement", row["probability_of_improvement"],
                      improvement(accuracy[rule], accuracy["backprop"]))
        for rule in rules:
            row = cells[network, rule][0]
            check(f"{rule} on {network}: interquartile mean", row["iqm"], stats.trim_mean(accuracy[rule], 0.25))
            # scipy draws other numbers: two percentile bootstraps of 2,000 agree to a part of their width.
            width = row["iqm_ci_high"] - row["iqm_ci_low"]
            again = stats.bootstrap((accuracy[rule],), lambda x: stats.trim_mean(x, 0.25), method="percentile",
                                    vectorized=False, n_resamples=2000, random_state=0).confidence_interval
            for ours, theirs in ((row["iqm_ci_low"], again.low), (row["iqm_ci_high"], again.high)):
                check(f"{rule} on {network}: bootstrap, in widths", (ours - row["iqm"]) / width,
                      (theirs - row["iqm"]) / width, 0.1)


def main():
    check_library(json.loads(subprocess.run([sys.argv[1]], check=True, capture_output=True).stdout))
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/two.ini", "w", encoding="utf-8") as ini:
            ini.write("rules=backprop,frozen,fa,dfa\nseeds=12\nepochs=2\nnetworks=a,b\nsnapshots=none\n"
                      "[network.a]\nhidden=12x2\n[network.b]\nhidden=6x2\n")
        grid = subprocess.run([sys.argv[2], "compare", "--config", "two.ini", "--dataset", "clusters", "--quiet", "--threads", "1",
                               "--json", "--out", "out"], cwd=folder, check=True, capture_output=True).stdout
        check_program(json.loads(grid))
    print(f"{checked} compared, {failures} differ")
    return 1 if failures or checked < 300 else 0


if __name__ == "__main__":
    sys.exit(main())
