"""Opens every group of the files that the program leaves with xarray under both engines, as check_xarray.py does.

usage: check_program.py STRATA FOLDER    exits 0: all well, 1: a difference, 77: a Python package is missing
"""
import contextlib
import glob
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import check_xarray  # noqa: E402  exits with 77 where a package is missing
from check_xarray import CELL, ENGINES, RUN_DIMS, SUMMARY_DIMS, h5py, np, xr  # noqa: E402
from check_xarray import check, check_file, equal, plain  # noqa: E402

RULES = ("backprop", "frozen", "fa", "dfa", "dtp")
EPOCHS, SEEDS, LAYERS = 2, 2, ["h1", "h2", "logits"]
SETTING = ["--quiet", "--dataset", "clusters", "--hidden", "16x2", "--epochs", str(EPOCHS)]

# A measure's axes, and the nulls that stand beside it.
CASE = ("snapshot", "scaling", "with_input")
PER_DISTANCE = ("topk_fraction", "topk_fraction_mediated", "jacobian_mass", "influence_pr", "skip_share")
PER_LAYER = ("prior_fraction", "prior_fraction_mediated", "enrichment", "adjusted", "expected_distance",
             "expected_distance_ratio", "decay_rate", "decay_rate_low", "decay_rate_high", "decay_r2", "mass_entropy")
BY_LAYER_SIZE = PER_DISTANCE[:2] + PER_LAYER[:6]
MEASURES = {**{name: CASE + ("layer", "distance") for name in PER_DISTANCE},
            **{name: CASE + ("layer",) for name in PER_LAYER}, "trophic_incoherence": CASE}
NULLS = ("_null_permuted", "_null_permuted_sd", "_null_permuted_p", "_null_init")
PER_QUERY = {name: ("snapshot", "query") for name in ("query_dead", "prior_fraction", "hypergeometric_p")}
ANALYSIS_DIMS = {
    "/gradient": {
        "distance_to_output": ("layer",), "neuron_layer": ("neuron",), "neuron_mean_abs": ("snapshot", "neuron"),
        **{name: ("snapshot", "layer") for name in ("mean_abs", "norm")},
        **{name: ("snapshot",) for name in ("decay_rate", "decay_rate_low", "decay_rate_high", "decay_r2", "power_rate",
                                            "power_r2")}},
    "/hierarchy": {
        "depth": ("layer",), "hop_distance": ("layer", "source"),
        **{name: ("snapshot", "layer") for name in ("targets", "dead", "prior_fraction_neurons_low",
                                                    "prior_fraction_neurons_high")},
        **MEASURES, **{name + null: dims for name, dims in MEASURES.items() for null in NULLS},
        **{name + "_null_layer_size": MEASURES[name] for name in BY_LAYER_SIZE}},
    "/attribution": {
        "query_layer": ("query",), "query_neuron": ("query",), **PER_QUERY,
        **{name: ("layer",) for name in ("channels", "height", "width")},
        "random_ablation": ("snapshot", "query"), "topk_ablation": ("snapshot", "query", "rank"),
        **{f"topk_{name}{raw}": ("snapshot", "query", "rank")
           for name in ("layer", "neuron", "distance", "score", "signed") for raw in ("", "_raw")}},
    "/similarity": {
        "cka": ("snapshot", "layer", "layer_other"),
        **{name: ("snapshot", "layer") for name in ("activation_pr", "probe_accuracy")}},
}
TRIAL = ("rule", "network", "trial")
TRIALS_DIMS = {"/": {"README": ()}, "/trials": {
    **{name: TRIAL for name in ("rung", "status", "seed", "score", "seconds", "multiply_adds")}, "chosen": TRIAL[:2],
    "value": TRIAL + ("hyperparameter",), "validation_accuracy": TRIAL + ("epoch",)}}


def dims_of(path, full):
    """What a run's file must hold, and the names of all dimensions: those of /rule and /weights are the rule's own.

    full: with the null that permutes weights, and with ablations.
    """
    dims = {group: RUN_DIMS[group] for group in ("/", "/training", "/layers")}
    for group, variables in ANALYSIS_DIMS.items():
        dims[group] = {name: axes for name, axes in variables.items()
                       if full or not ("_null_permuted" in name or name.endswith("_ablation"))}
    with h5py.File(path) as file:
        def add(name, item):
            group, _, variable = ("/" + name).rpartition("/")
            if not isinstance(item, h5py.Dataset) or group in dims and variable in dims[group]:
                return
            if item.attrs.get("CLASS") != b"DIMENSION_SCALE" and name.split("/")[0] in ("rule", "weights"):
                scales = tuple(axis[0].name.rpartition("/")[2] for axis in item.dims)
                dims.setdefault(group, {})[variable] = scales
        file.visititems(add)
    return dims


def check_run(path, engine):
    label = f"{path} {engine}"

    def open_group(name):
        with xr.open_dataset(path, group=name, engine=engine) as data:
            return data.load()
    rule = open_group("provenance").attrs["rule"]
    layers = open_group("layers")
    training = open_group("training")
    names = list(plain(layers.layer))
    check(names == LAYERS, f"{label}: layers {names}")
    check(list(layers.epoch) == list(range(EPOCHS + 1)), f"{label}: epochs")
    check(list(layers.units_in_layer) == [16, 16, 4] and list(layers.depth) == [1, 2, 3], f"{label}: widths")
    check(list(plain(training.split)) == ["train", "validation", "test"], f"{label}: splits")
    check(bool(training.loss.sel(split=["train", "validation"]).notnull().all()), f"{label}: a loss is missing")
    check(bool(training.accuracy.sel(split="test", epoch=EPOCHS).notnull()), f"{label}: no test accuracy at the end")
    for name in ("grad_norm", "grad_mean_abs", "activation_norm", "weight_norm", "backprop_norm"):
        check(bool(layers[name].notnull().all()), f"{label}: {name} has gaps")
    check(bool(layers.update_norm.isel(epoch=slice(1, None)).notnull().all()), f"{label}: update_norm has gaps")
    moved = layers.update_norm.isel(epoch=slice(1, None)) > 0
    expected = [False, False, True] if rule == "frozen" else [True] * len(names)
    check(bool((moved == np.array(expected)).all()), f"{label}: moved {moved.values.tolist()}")
    if rule == "backprop":
        check(bool((layers.angle_to_backprop < 1e-2).all()), f"{label}: backprop's angle to itself")
        newton = layers.angle_to_gauss_newton
        check(bool((newton.sel(layer="logits") < 1e-2).all()), f"{label}: Gauss-Newton's angle at the output")
        check(bool(((newton > 1) & (newton < 90)).sel(layer=["h1", "h2"]).all()), f"{label}: Gauss-Newton's angles")
    for i, name in enumerate(names):
        weights = open_group(f"weights/{name}")
        shape = dict(weights.weight.sizes)
        check(shape == {"outputs": [16, 16, 4][i], "inputs": 16}, f"{label}: shape of {name}: {shape}")
    # The weights that were kept are those whose norm /layers has for the best epoch.
    best = open_group("provenance").attrs["best_epoch"]
    for name in names:
        weights = open_group(f"weights/{name}")
        norm = float(np.linalg.norm(weights.weight.values.astype("f8")))
        there = float(layers.weight_norm.sel(epoch=best, layer=name))
        check(abs(norm - there) < 1e-4 * there, f"{label}: weight_norm of {name} {there}, of the weights {norm}")


def check_analysis(path, engine, full):
    """That the groups of the analysis agree with themselves and each other."""
    def open_group(name):
        with xr.open_dataset(path, group=name, engine=engine) as data:
            return data.load()
    label = f"{path} {engine}"
    gradient, hierarchy, attribution, similarity = map(open_group, ("gradient", "hierarchy", "attribution",
                                                                    "similarity"))
    for name, group, layers in (("gradient", gradient, LAYERS), ("hierarchy", hierarchy, LAYERS),
                                ("attribution", attribution, ["input"] + LAYERS),
                                ("similarity", similarity, ["input"] + LAYERS)):
        check(list(group.snapshot) == [0, EPOCHS], f"{label}: snapshots of /{name}")
        check(list(plain(group.layer)) == layers, f"{label}: layers of /{name}")
    check(list(gradient.distance_to_output) == [2, 1, 0], f"{label}: distances to the output")
    for i in range(len(LAYERS)):
        mean = gradient.neuron_mean_abs[:, gradient.neuron_layer.values == i].mean("neuron")
        check(np.allclose(mean, gradient.mean_abs[:, i], rtol=1e-5), f"{label}: mean_abs of {LAYERS[i]}")
    check(bool((gradient.norm > 0).all()), f"{label}: norm of the gradient")

    check(list(plain(hierarchy.scaling)) == ["raw", "scaled", "unit"], f"{label}: scalings")
    check(list(hierarchy.with_input) == [0, 1] and list(hierarchy.distance) == [1, 2, 3], f"{label}: labels")
    check(list(plain(hierarchy.source)) == ["input"] + LAYERS, f"{label}: sources")
    check(list(hierarchy.depth) == [1, 2, 3], f"{label}: depths")
    logits = hierarchy.sel(with_input=1, layer="logits", scaling="scaled")
    check(np.allclose(logits.topk_fraction.sum("distance"), 1), f"{label}: topk_fraction does not sum to 1")
    check(np.allclose(logits.topk_fraction.sel(distance=1), logits.prior_fraction), f"{label}: prior_fraction")
    check(bool((logits.jacobian_mass > 0).all()), f"{label}: jacobian_mass has gaps")
    for name in MEASURES:
        now, init = hierarchy[name].sel(snapshot=0), hierarchy[name + "_null_init"].sel(snapshot=0)
        check(equal(now, init), f"{label}: {name} before training is not its null")

    check(bool((attribution.query_layer > 0).all()), f"{label}: a query in the input")
    alive = attribution.query_dead == 0
    deep = alive & (attribution.query_layer > 1)  # before the first layer is the input alone, which doesn't count
    below = attribution.topk_layer < attribution.query_layer
    check(bool(below.where(deep, True).all()), f"{label}: a source that is not below")
    check(bool((attribution.topk_layer >= 1).where(deep, True).all()), f"{label}: no source")
    score = attribution.topk_score.values
    check(bool(np.all((np.diff(score, axis=-1) <= 0) | np.isnan(score[..., 1:]))), f"{label}: order of sources")
    check(bool((abs(attribution.topk_signed) <= attribution.topk_score * (1 + 1e-6)).where(deep, True).all()),
          f"{label}: signed scores")

    cka = similarity.cka
    check(np.allclose(cka.values, np.swapaxes(cka.values, 1, 2)), f"{label}: CKA is not symmetric")
    check(all(float(cka.sel(layer=n, layer_other=n).min()) == 1 for n in ["input"] + LAYERS), f"{label}: CKA to itself")
    check(bool((similarity.activation_pr >= 1).all()), f"{label}: effective dimensions")
    check(bool((similarity.probe_accuracy > 0.25).all()), f"{label}: probes at chance")
    if full:
        p = hierarchy.prior_fraction_null_permuted_p.sel(layer="logits", scaling="scaled")
        check(bool(((p > 0) & (p <= 1)).all()), f"{label}: p of the permuted null")
        check(bool((attribution.topk_ablation >= 0).where(deep, True).all()), f"{label}: ablations")
        check(hierarchy.attrs["permuted_draws"] == 3 and hierarchy.attrs["skip_edges"] == 1, f"{label}: attributes")


def check_summary(path, engine):
    with xr.open_dataset(path, engine=engine) as data:
        data.load()
    check(set(plain(data.rule)) == set(RULES), f"{path} {engine}: rules {plain(data.rule)}")
    check(data.test_accuracy.dims == CELL and data.test_accuracy.shape == (len(RULES), 1, SEEDS), f"{path}: cells")
    for name in ("test_accuracy", "test_accuracy_last", "seconds", "train_loss", "grad_norm"):
        check(bool(data[name].notnull().all()), f"{path} {engine}: {name} has gaps")


def check_trials(folder, engine):
    """That trials.h5 says what tuned.json does, and that the lines of its README run."""
    label = f"{folder} {engine}"
    with xr.open_dataset(f"{folder}/trials.h5", group="trials", engine=engine) as trials:
        trials.load()
    with open(f"{folder}/tuned.json", encoding="utf-8") as file:
        tuned = json.load(file)["tuned"]
    check([t["rule"] for t in tuned] == ["fa", "dfa"], f"{label}: rules of tuned.json")
    highest = trials.validation_accuracy.max("epoch")
    check(equal(highest.values, trials.score.values), f"{label}: score is not the highest accuracy")
    for t in tuned:
        cell = trials.sel(rule=t["rule"], network=t["network"])
        check(int(cell.chosen) == t["trial"], f"{label}: chosen {int(cell.chosen)}, tuned.json {t['trial']}")
        best = cell.sel(trial=t["trial"])
        check(float(best.score) == t["validation_accuracy"], f"{label}: accuracy of the chosen trial")
        check(int(best.rung) == int(cell.rung.max()) and int(best.status) == 0, f"{label}: rung of the chosen trial")
        check(abs(float(cell.multiply_adds.sum()) - t["multiply_adds"]) < 1, f"{label}: multiply-adds")
        for option, text in t["options"].items():
            value = float(best.value.sel(hyperparameter=option))
            choices = trials.attrs.get(f"choices_{t['rule']}_{option}")
            same = choices.split(", ")[int(value)] == text if choices else value == float(text)
            check(same, f"{label}: {t['rule']}.{option} is {value}, tuned.json {text}")
    with xr.open_dataset(f"{folder}/trials.h5", engine=engine) as root:
        readme = str(plain(root.README))
    lines, here = [line.strip() for line in readme.split("PYTHON")[1].splitlines()[1:]], os.getcwd()
    names = {}
    with contextlib.ExitStack() as back:
        back.callback(os.chdir, here)
        os.chdir(folder)
        exec("\n".join(lines), names)  # noqa: S102  as a reader would type them
    names["t"].close()
    check(bool((names["best"].isel(trial=-1) == trials.score.max("trial")).all()), f"{label}: README's best")
    check(names["setting"].dims == ("network", "hyperparameter"), f"{label}: README's setting")


def main():
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as folder:
        subprocess.run([sys.argv[1], "compare", *SETTING, "--seeds", str(SEEDS), "--rules", ",".join(RULES),
                        "--out", f"{folder}/out"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.argv[1], "run", *SETTING, "--rule", "backprop", "--skip", "1:2", "--permuted", "3",
                        "--ablate", "--out", f"{folder}/full"], check=True, stdout=subprocess.DEVNULL)
        runs = sorted(glob.glob(f"{folder}/out/runs/*.h5"))
        check(len(runs) == len(RULES) * SEEDS, f"{len(runs)} run files")
        for path in runs:
            if "-s0-" in path:  # other seeds' files are no different, and each takes seconds
                check_file(path, dims_of(path, full=False))
            for engine in ENGINES:
                check_run(path, engine)
            check_analysis(path, ENGINES[-1], full=False)  # both engines give what h5py does, says check_file
        full = glob.glob(f"{folder}/full/runs/*.h5")
        check(len(full) == 1, f"{full}: expected one run")
        for path in full:
            check_file(path, dims_of(path, full=True))
            check_analysis(path, ENGINES[-1], full=True)
        check_file(f"{folder}/out/summary.h5", SUMMARY_DIMS)
        subprocess.run([sys.argv[1], "tune", *SETTING, "--rules", "fa,dfa", "--trials", "4", "--reduction", "2", "--search",
                        "fa.optimizer=choice:adam|rmsprop", "--out", f"{folder}/tuned"], check=True,
                       stdout=subprocess.DEVNULL)
        check_file(f"{folder}/tuned/trials.h5", TRIALS_DIMS)
        for engine in ENGINES:
            check_summary(f"{folder}/out/summary.h5", engine)
            check_trials(f"{folder}/tuned", engine)
    print("failures:", check_xarray.check.failures)
    sys.exit(1 if check_xarray.check.failures else 0)


if __name__ == "__main__":
    main()
