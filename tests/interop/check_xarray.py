"""Opens every group of the sample files with xarray under both engines and compares with h5py's listing.

usage: check_xarray.py WRITE_SAMPLE FOLDER    exits 0: all well, 1: a difference, 77: a Python package is missing
"""
import subprocess
import sys
import tempfile

try:
    import h5netcdf  # noqa: F401
    import h5py
    import netCDF4
    import numpy as np
    import xarray as xr
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ENGINES = ("h5netcdf", "netcdf4")
RUN_DIMS = {
    "/training": {name: ("epoch", "split") for name in ("loss", "accuracy", "seconds", "multiply_adds")},
    "/layers": {
        **{name: ("epoch", "layer") for name in (
            "grad_norm", "grad_mean_abs", "activation_norm", "update_norm", "weight_norm", "angle_to_backprop",
            "backprop_norm", "angle_to_gauss_newton")},
        "units_in_layer": ("layer",), "depth": ("layer",)},
    "/rule": {"angle_to_transpose": ("epoch", "layer"), "mirror_loss": ("epoch", "layer")},
    "/hierarchy": {"prior_fraction": ("snapshot", "scaling", "layer"), "depth": ("layer",),
                   "hop_distance": ("layer", "source"), "decay_rate": ("snapshot",),
                   "neuron_mean_abs": ("snapshot", "neuron"), "loss": ("snapshot", "noise")},
    "/similarity": {"cka": ("snapshot", "layer", "layer_other")},
    "/weights": {"temperature": ("outputs",)},
    "/weights/h1": {"weight": ("outputs", "inputs"), "bias": ("outputs",), "B": ("outputs", "B_inputs")},
    "/weights/h2": {"weight": ("outputs", "inputs")},
    "/weights/inverse/h2/dense": {"weight": ("outputs", "inputs")},
    "/": {"README": ()},
}
CELL = ("rule", "network", "seed")
SUMMARY_DIMS = {"/": {
    "README": (), "layer_name": ("network", "layer"), "units_in_layer": ("network", "layer"),
    "depth": ("network", "layer"),
    **{name: CELL for name in ("status", "epochs", "best_epoch", "test_accuracy", "test_accuracy_last", "seconds")},
    **{f"{split}_{name}": CELL + ("epoch",) for split in ("train", "validation")
       for name in ("loss", "accuracy", "seconds", "multiply_adds")},
    **{name: CELL + ("epoch", "layer") for name in RUN_DIMS["/layers"] if name not in ("units_in_layer", "depth")},
}}


def check(condition, message):
    if not condition:
        print("FAILED:", message)
        check.failures += 1


check.failures = 0


def plain(value):
    """The values of a variable or attribute as a numpy array, strings as str ("" where a reader says None)."""
    array = np.asarray(value)
    if array.dtype.kind not in "OSU":
        return array
    text = [item.decode() if isinstance(item, bytes) else item or "" for item in array.ravel()]
    return np.array(text, dtype=object).reshape(array.shape)


def equal(a, b):
    a, b = plain(a), plain(b)
    if a.shape != b.shape:
        return False
    return bool((a == b).all()) if a.dtype == object else np.array_equal(a, b, equal_nan=True)


def check_file(path, dims):
    """Every group, variable and attribute that h5py lists arrives through xarray, with the expected dimensions."""
    with h5py.File(path) as file:
        groups = ["/"]
        file.visititems(lambda name, item: groups.append("/" + name) if isinstance(item, h5py.Group) else None)
        for group in groups:
            listed = {name: item for name, item in file[group].items() if isinstance(item, h5py.Dataset)}
            for name, item in listed.items():
                check(item.dtype.kind in "fiuO", f"{path}{group} {name}: type {item.dtype}")
                check("_FillValue" not in item.attrs, f"{path}{group} {name}: has a _FillValue")
                big = item.size * item.dtype.itemsize > 16 << 10 and item.dtype.kind != "O"
                check((item.chunks is not None) == big, f"{path}{group} {name}: chunks {item.chunks}")
                if big:
                    size = int(np.prod(item.chunks)) * item.dtype.itemsize
                    check(16 << 10 <= size <= 1 << 20, f"{path}{group} {name}: chunks of {size} bytes")
                    check(item.compression == "gzip" and item.shuffle, f"{path}{group} {name}: filters")
            for engine in ENGINES:
                label = f"{path} {group} {engine}"
                try:
                    with xr.open_dataset(path, group=group, engine=engine) as data:
                        data.load()
                except Exception as error:  # whatever an engine throws is a failure of this group
                    check(False, f"{label}: {type(error).__name__}: {error}")
                    continue
                check(set(data.variables) == set(listed), f"{label}: {set(data.variables) ^ set(listed)} differ")
                for name, variable in data.variables.items():
                    if name not in listed:
                        continue
                    expected = dims.get(group, {}).get(name, (name,))
                    check(variable.dims == expected, f"{label} {name}: dims {variable.dims}, expected {expected}")
                    check(equal(variable.values, listed[name][()]), f"{label} {name}: values differ")
                    check(name == "README" or "long_name" in variable.attrs, f"{label} {name}: no long_name")
                for name, value in file[group].attrs.items():
                    check(name in data.attrs and equal(data.attrs[name], value), f"{label}: attribute {name}")
        for group, variables in dims.items():
            for name in variables:
                check(group in file and name in file[group], f"{path}{group}: {name} is not in the file")


def check_run(path, engine):
    """The values that write_sample.cpp put in."""
    def open_group(name):
        with xr.open_dataset(path, group=name, engine=engine) as data:
            return data.load()
    label = f"{path} {engine}"
    layers = open_group("layers")
    check(list(plain(layers.layer)) == ["h1", "h2", "sortie-é"], f"{label}: layer names")
    check(layers.epoch.dtype == np.int32 and list(layers.epoch) == [0, 1, 2], f"{label}: epochs")
    check(float(layers.grad_norm.sel(epoch=2, layer="h2")) == 21, f"{label}: grad_norm(2, h2)")
    check(float(layers.backprop_norm.sel(epoch=1, layer="sortie-é")) == 612, f"{label}: backprop_norm")
    check(bool(layers.update_norm.isel(epoch=0).isnull().all()), f"{label}: update_norm at epoch 0 is not NaN")
    check(list(layers.units_in_layer) == [200, 4, 3], f"{label}: units_in_layer")
    training = open_group("training")
    check(float(training.loss.sel(epoch=2, split="validation")) == 4, f"{label}: loss(2, validation)")
    check(bool(training.accuracy.sel(split="test").isnull().all()), f"{label}: test accuracy is not NaN")
    check(training.seconds.dtype == np.float64, f"{label}: seconds were decoded to {training.seconds.dtype}")
    rule = open_group("rule")
    check(equal(rule.mirror_loss.values, [[np.nan] * 3, [1, 2, 3], [np.nan] * 3]), f"{label}: probe")
    hierarchy = open_group("hierarchy")
    check(hierarchy.snapshot.dtype == np.int32 and list(hierarchy.snapshot) == [0, 7], f"{label}: snapshots")
    check(list(plain(hierarchy.scaling)) == ["raw", "größer"], f"{label}: labels of an axis of names")
    check(hierarchy.noise.dtype == np.float64 and list(hierarchy.noise) == [0, 0.1], f"{label}: real labels")
    check(float(hierarchy.prior_fraction.sel(snapshot=7, scaling="größer", layer="h2")) == 111, f"{label}: a measure")
    check(bool(hierarchy.prior_fraction.sel(snapshot=0, scaling="raw", layer="h1").isnull()), f"{label}: no NaN")
    check(hierarchy.hop_distance.dtype == np.int32 and int(hierarchy.hop_distance.sel(layer="h2", source="h1")) == 11,
          f"{label}: hop_distance")
    check(hierarchy.neuron_mean_abs.dtype == np.float32, f"{label}: floats are {hierarchy.neuron_mean_abs.dtype}")
    check(float(hierarchy.neuron_mean_abs.sel(snapshot=7, neuron=4999)) == 14999, f"{label}: values of neurons")
    check(float(hierarchy.loss.sel(snapshot=7, noise=0.1)) == 11, f"{label}: a value by a real label")
    check(hierarchy.attrs["k"] == 5 and hierarchy.attrs["share"] == 0.1 and hierarchy.attrs["what"] == "Größe",
          f"{label}: attributes {hierarchy.attrs}")
    check(hierarchy.decay_rate.attrs["units"] == "1/layer", f"{label}: units")
    similarity = open_group("similarity")
    check(list(plain(similarity.layer)) == ["input", "h1"], f"{label}: layers of another group")
    check(float(similarity.cka.sel(snapshot=7, layer="h1", layer_other="input")) == 110, f"{label}: cka")
    weights = open_group("weights/h1")
    check(weights.weight.dtype == np.float32, f"{label}: weights are {weights.weight.dtype}")
    check(dict(weights.weight.sizes) == {"outputs": 200, "inputs": 784}, f"{label}: shape of a weight")
    check(float(weights.weight.sel(outputs=3, inputs=5)) == 3005, f"{label}: a weight is the wrong way round")
    check(weights.attrs["group"] == "forward, feedback", f"{label}: group of weights")
    check(weights.B.attrs["group"] == "feedback", f"{label}: group of B")
    provenance = open_group("provenance").attrs
    check(provenance["seed"] == 7 and provenance["multiply_adds_per_step"] == 123456789012345, f"{label}: provenance")
    check(len(provenance["config"]) > 70000, f"{label}: config")
    root = open_group("/")
    check(root.attrs["title"] == "Größe ∂L" and root.attrs["Conventions"] == "CF-1.8", f"{label}: title")
    for tool in ("h5py", "xarray", "R\n", "MATLAB", "JULIA"):
        check(tool in str(root.README.values), f"{label}: README does not name {tool}")


def check_summary(path, engine):
    with xr.open_dataset(path, engine=engine) as data:
        data.load()
    label = f"{path} {engine}"
    fa = data.sel(rule="fa", network="mlp", seed=7)
    check(float(fa.grad_norm.sel(epoch=2, layer=3)) == 22, f"{label}: grad_norm")
    check(float(fa.train_loss.sel(epoch=1)) == 2, f"{label}: train_loss")
    check(int(data.test_accuracy_last.size) == 6 and int(data.epochs.notnull().sum()) == 3, f"{label}: runs")
    small = data.sel(rule="backprop", network="small", seed=7)
    check(float(small.grad_norm.sel(epoch=1, layer=2)) == 11, f"{label}: grad_norm of the small network")
    check(bool(small.grad_norm.sel(layer=3).isnull().all()), f"{label}: a layer that is not there")
    check(bool(small.grad_norm.sel(epoch=2).isnull().all()), f"{label}: an epoch that is not there")
    check(bool(data.train_loss.sel(rule="fa", network="small").isnull().all()), f"{label}: a run that is not there")
    check(list(plain(data.layer_name.sel(network="small"))) == ["a", "b", ""], f"{label}: layer names")


def main():
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        check_file(f"{folder}/run.h5", RUN_DIMS)
        check_file(f"{folder}/run_empty.h5", {group: RUN_DIMS[group] for group in ("/", "/training", "/layers")})
        for name in ("summary.h5", "summary_empty.h5"):
            check_file(f"{folder}/{name}", SUMMARY_DIMS)
        for engine in ENGINES:
            check_run(f"{folder}/run.h5", engine)
            check_summary(f"{folder}/summary.h5", engine)
        with netCDF4.Dataset(f"{folder}/run.h5") as file:  # and the whole tree at once
            check("weights" in file.groups, "netCDF4 sees no group weights")
    print("failures:", check.failures)
    sys.exit(1 if check.failures else 0)


if __name__ == "__main__":
    main()
