"""Opens every group of the files that the program leaves with xarray under both engines, as check_xarray.py does.

usage: check_program.py STRATA FOLDER    exits 0: all well, 1: a difference, 77: a Python package is missing
"""
import glob
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import check_xarray  # noqa: E402  exits with 77 where a package is missing
from check_xarray import CELL, ENGINES, RUN_DIMS, SUMMARY_DIMS, check, check_file, h5py, np, plain, xr  # noqa: E402

RULES = ("backprop", "frozen", "fa", "dfa", "dtp")
EPOCHS, SEEDS, LAYERS = 2, 2, ["h1", "h2", "out"]


def dims_of(path):
    """What a run's file must hold, and the names of all dimensions: those of /rule and /weights are the rule's own."""
    dims = {group: RUN_DIMS[group] for group in ("/", "/training", "/layers")}
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
    check(len(names) == len(LAYERS), f"{label}: layers {names}")
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


def check_summary(path, engine):
    with xr.open_dataset(path, engine=engine) as data:
        data.load()
    check(set(plain(data.rule)) == set(RULES), f"{path} {engine}: rules {plain(data.rule)}")
    check(data.test_accuracy.dims == CELL and data.test_accuracy.shape == (len(RULES), 1, SEEDS), f"{path}: cells")
    for name in ("test_accuracy", "test_accuracy_last", "seconds", "train_loss", "grad_norm"):
        check(bool(data[name].notnull().all()), f"{path} {engine}: {name} has gaps")


def main():
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as folder:
        subprocess.run([sys.argv[1], "compare", "--quiet", "--dataset", "clusters", "--hidden", "16x2",
                        "--epochs", str(EPOCHS), "--seeds", str(SEEDS), "--rules", ",".join(RULES),
                        "--out", f"{folder}/out"], check=True, stdout=subprocess.DEVNULL)
        runs = sorted(glob.glob(f"{folder}/out/runs/*.h5"))
        check(len(runs) == len(RULES) * SEEDS, f"{len(runs)} run files")
        for path in runs:
            check_file(path, dims_of(path))
            for engine in ENGINES:
                check_run(path, engine)
        check_file(f"{folder}/out/summary.h5", SUMMARY_DIMS)
        for engine in ENGINES:
            check_summary(f"{folder}/out/summary.h5", engine)
    print("failures:", check_xarray.check.failures)
    sys.exit(1 if check_xarray.check.failures else 0)


if __name__ == "__main__":
    main()
