#!/usr/bin/env python3
"""Draws what `strata compare` left in a folder, and prints a table. Also the example of how to load the files.

usage: analyse.py FOLDER [--out DIR]      figures go to FOLDER/figures, a set for each network

Debian: apt-get install python3-xarray python3-h5netcdf python3-matplotlib
"""
import argparse
import pathlib
import sys

try:
    import h5netcdf  # noqa: F401  the engine
    import matplotlib
    import numpy as np
    import xarray as xr
    matplotlib.use("Agg")  # files, no windows
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, MaxNLocator
except ImportError as error:
    sys.exit(f"analyse.py: {error}; apt-get install python3-xarray python3-h5netcdf python3-matplotlib")

# Student's t, 97.5 %, for 1, 2, … degrees of freedom; for more than 30 the last, which is a little too wide.
STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
           2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042]


def interval(values):
    """Mean over the seeds that have a value, and half of its 95 % interval: NaN where there is one seed."""
    n = values.notnull().sum("seed")
    t = xr.apply_ufunc(lambda n: np.array(STUDENT)[np.clip(n - 2, 0, 29)], n)
    return values.mean("seed"), t * values.std("seed") / np.sqrt((n - 1).where(n > 1))


def curves(summary, axis):
    for i, rule in enumerate(summary.rule.values):
        accuracy = 100 * summary.validation_accuracy.sel(rule=rule)
        axis.plot(summary.epoch, accuracy.transpose("epoch", "seed"), color=f"C{i}", alpha=0.3, linewidth=0.8)
        axis.plot(summary.epoch, accuracy.mean("seed"), color=f"C{i}", linewidth=2, label=rule)
    axis.set(xlabel="epoch", ylabel="validation accuracy, %", title="each seed, and their mean")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def points(mean, half, title, axis):
    """A point and its interval for each rule."""
    axis.errorbar(mean, mean.rule, xerr=half.fillna(0), fmt="o", capsize=4)
    axis.set(title=title, ylim=(mean.size - 0.5, -0.5))
    axis.grid(axis="x", alpha=0.3)


def gradients(summary, axis):
    """By layer at the last epoch: on a straight line the gradient shrinks by the same factor with every layer."""
    last = summary.grad_mean_abs.isel(epoch=-1).mean("seed")
    for rule in summary.rule.values:
        axis.plot(summary.layer_name, last.sel(rule=rule), "o-", label=rule)
    axis.set(yscale="log", xlabel="layer", ylabel="mean |∂L/∂a|", title="backprop's gradient, last epoch")
    axis.set_xticks(range(0, summary.layer.size, 1 + summary.layer.size // 10))
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def angles(summary, axes):
    every = 1 + summary.layer.size // 10
    for rule, axis in zip(summary.rule.values, axes):
        mean = summary.angle_to_backprop.sel(rule=rule).mean("seed")
        for i, name in enumerate(summary.layer_name.values):
            axis.plot(summary.epoch, mean.isel(layer=i), label=name if i % every == 0 else "_",
                      color=plt.cm.viridis(i / max(1, summary.layer.size - 1)))
        axis.set(title=rule, xlabel="epoch", yticks=range(0, 181, 30), ylim=(-3, max(123, mean.max() + 3)))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    axes[0].set_ylabel("angle to backprop, degrees")
    axes[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), title="layer")


def distances(runs, axes):
    """How far below it the strongest sources of the last layer's neurons lie: trained, and under the nulls."""
    nulls = {"init": "before training", "layer_size": "by layer size", "permuted": "permuted weights"}
    for (rule, groups), axis in zip(runs.items(), axes):
        last = xr.concat(groups, "seed").isel(snapshot=-1, layer=-1).sel(scaling="scaled", with_input=0).mean("seed")
        last = last.sel(distance=last.topk_fraction.notnull())  # no hidden layer is further below
        axis.bar(last.distance, last.topk_fraction, color="lightgrey", label="trained")
        for null, label in nulls.items():
            if f"topk_fraction_null_{null}" in last:  # permuted: of --permuted 20
                axis.plot(last.distance, last[f"topk_fraction_null_{null}"], "o--", label=label, markersize=4)
        axis.set(title=rule, xlabel="layers below", ylim=(0, 1))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylabel("share of the strongest sources")
    axes[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))


def best_after(scores):
    """Mean and 95 % range of the best of n = 1 … N trials drawn from these: P(best <= the k-th) = C(k, n)/C(N, n).
    A trial that diverged counts as 0."""
    scores = np.sort(scores.fillna(0))
    k = np.arange(len(scores), 1, -1)
    for n in range(1, len(scores) + 1):
        p = np.cumprod(np.append(1, np.maximum(k - n, 0) / k))[::-1]  # of all k, the largest first: times (k - n)/k
        low, high = scores[np.searchsorted(p, (0.025 - 1e-9, 0.975 - 1e-9))]
        yield n, np.diff(p, prepend=0) @ scores, low, high


def search(trials, axis):
    """The trials of `strata compare --tune`: with --method random, a line that climbs at its end wants a larger budget.
    Those that halving stopped early count with what they had reached."""
    for rule in trials.rule.values[(trials.status >= 0).any("trial")]:
        status = trials.status.sel(rule=rule)
        scores = trials.score.sel(rule=rule).where(status == 0)[status >= 0]
        n, mean, low, high = zip(*best_after(100 * scores))
        axis.plot(n, mean, linewidth=2, label=rule)
        axis.fill_between(n, low, high, alpha=0.15)
    axis.set(xlabel="trials", ylabel="validation accuracy, %", title="the best after n trials of the search")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def load_trials(folder):
    """None without a search."""
    path = folder / "search" / "trials.h5"
    return xr.load_dataset(path, group="trials", engine="h5netcdf") if path.exists() else None


def load_runs(folder):
    """network → rule → the group /hierarchy of each run that was analysed."""
    found = {}
    for path in sorted((folder / "runs").glob("*.h5")):
        about = xr.open_dataset(path, group="provenance", engine="h5netcdf").attrs
        try:
            group = xr.load_dataset(path, group="hierarchy", engine="h5netcdf")
        except OSError:
            continue  # --snapshots none
        found.setdefault(about["network"], {}).setdefault(about["rule"], []).append(group)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="what `strata compare --out` named")
    parser.add_argument("--out", type=pathlib.Path, help="where figures go (default: FOLDER/figures)")
    options = parser.parse_args()
    out = options.out or options.folder / "figures"
    try:
        every = xr.load_dataset(options.folder / "summary.h5", engine="h5netcdf")
        runs, trials = load_runs(options.folder), load_trials(options.folder)
        if every.attrs.get("schema") != "strata-summary":
            raise ValueError("it is another kind of file")
    except (OSError, KeyError, ValueError) as error:
        why = str(error).split("\n")[0]
        sys.exit(f"analyse.py: {options.folder}: expected summary.h5 and runs/, which `strata compare` leaves: {why}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for network in every.network.values:
            of_search = trials is not None and network in trials.network
            draw(network, every.sel(network=network), runs.get(network, {}),
                 trials.sel(network=network) if of_search else None, out)
    except OSError as error:
        sys.exit(f"analyse.py: figures cannot be written: {error}")


def draw(network, summary, runs, trials, out):
    summary = summary.sel(rule=summary.test_accuracy.notnull().any("seed"), layer=summary.layer_name != "")
    slug = "".join(c if c.isalnum() else "_" for c in network)

    def figure(kind, panels, size, draw_on):
        if panels == 0:
            return
        canvas, axes = plt.subplots(1, panels, figsize=size, sharey=True, squeeze=False)
        draw_on(axes[0])
        canvas.savefig(out / f"{slug}-{kind}.png", dpi=120, bbox_inches="tight")
        plt.close(canvas)

    accuracy = 100 * summary.test_accuracy
    mean, half = interval(accuracy)
    table = xr.Dataset({"runs": accuracy.notnull().sum("seed"), "test_percent": mean, "half_interval": half})
    reference = "backprop" in summary.rule
    if reference:  # compared on the same seeds
        difference, its_half = interval(accuracy - accuracy.sel(rule="backprop"))
        table = table.assign(to_backprop=difference, to_backprop_half=its_half)
    print(table.drop_vars("network").to_dataframe().assign(network=network).round(2).to_string(), "\n")

    def draw_accuracy(axes):
        points(mean, half, "test accuracy, %, 95 % interval", axes[0])
        if reference:
            axes[1].axvline(0, color="grey", linewidth=0.8)
            points(difference, its_half, "difference to backprop, by seed", axes[1])
    figure("accuracy", 1 + reference, (5 + 4 * reference, 0.4 * mean.size + 1.2), draw_accuracy)
    figure("curves", 1, (6, 4), lambda axes: curves(summary, axes[0]))
    figure("gradient", 1, (6, 4), lambda axes: gradients(summary, axes[0]))
    others = summary.sel(rule=summary.rule != "backprop")
    figure("angles", others.rule.size, (2.2 * others.rule.size + 1, 3), lambda axes: angles(others, axes))
    figure("distances", len(runs), (2.2 * len(runs) + 1, 3), lambda axes: distances(runs, axes))
    if trials is not None:
        figure("search", 1, (6, 4), lambda axes: search(trials, axes[0]))


if __name__ == "__main__":
    main()
