"""Weights go to torch and back: the example of experiments/README.md is run on a run of the program.

usage: check_weights.py STRATA README    exits 0: all well, 1: a difference, 77: a Python package is missing
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
    import torch
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

CLASSES, FEATURES, TEST, EPOCHS = 10, 784, 300, 10


def write_data(folder):
    """Noisy patterns that a net learns partly, so that no accuracy is 0 or 1."""
    random = np.random.default_rng(0)
    patterns = random.normal(size=(CLASSES, FEATURES))
    for name, count in (("train", 900), ("test", TEST)):
        y = np.arange(count) % CLASSES
        x = patterns[y] / 6 + random.normal(size=(count, FEATURES))
        np.save(f"{folder}/x_{name}.npy", x.astype("f4"))
        np.save(f"{folder}/y_{name}.npy", y)


def scores(path, split, epoch):
    """Loss and accuracy in a run's file."""
    with h5py.File(path) as file:
        at = list(file["training/split"].asstr()).index(split)
        return [float(file[f"training/{name}"][epoch, at]) for name in ("loss", "accuracy")]


def torch_scores(net):
    x, y = torch.from_numpy(np.load("data/x_test.npy")), torch.from_numpy(np.load("data/y_test.npy"))
    with torch.no_grad():
        logits = net(x)
    return [float(torch.nn.functional.cross_entropy(logits, y)), float((logits.argmax(1) == y).double().mean())]


def agree(what, strata, others):
    print(f"{what}: Strata {strata}, torch {others}")
    if abs(strata[0] - others[0]) > 1e-5 * abs(others[0]) or abs(strata[1] - others[1]) > 1e-9:
        sys.exit(f"{what} differs")


def main():
    program = os.path.abspath(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        example = re.search(r"```python\n(import numpy, torch\n.*?)```", file.read(), re.DOTALL).group(1)

    def strata(*words):
        return subprocess.run([program, *words], check=True, stdout=subprocess.PIPE, text=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.mkdir("data")
        write_data("data")
        setting = ["--quiet", "--dataset", "npy", "--data", "data", "--hidden", "256", "--snapshots", "none"]
        strata("run", *setting, "--rule", "fa", "--epochs", str(EPOCHS), "--save-weights", "last", "--out", "there")
        run, = glob.glob("there/runs/*.h5")
        strata("export", run, "--out", "run.npz")
        names = {}
        exec(example, names)
        net = names["net"]
        with np.load("run.npz") as arrays, h5py.File(run) as file:
            for name in arrays.files:
                assert np.array_equal(arrays[name], file["weights/" + name.replace(".", "/")][:]), name
        there = torch_scores(net)
        agree("there", scores(run, "test", EPOCHS), there)

        # Trained on in torch, and back.
        x, y = torch.from_numpy(np.load("data/x_train.npy")), torch.from_numpy(np.load("data/y_train.npy"))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(20):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        exec(example.splitlines()[-1], names)
        back = torch_scores(net)
        assert back[0] != there[0]
        strata("import", "back.npz", "--like", run, "--data", "data", "--out", "back.h5")
        agree("back", scores("back.h5", "test", 0), back)
        strata("run", *setting, "--rule", "dfa", "--epochs", "1", "--weights", "back.npz", "--out", "on")
        on, = glob.glob("on/runs/*.h5")
        agree("trained on", scores(on, "validation", 0), scores("back.h5", "validation", 0))

        # As others write them: packed, in double, column by column.
        with np.load("back.npz") as arrays:
            other = {name: np.asfortranarray(arrays[name].astype("f8")) for name in arrays.files}
        np.savez_compressed("other.npz", **other)
        strata("import", "other.npz", "--like", run, "--data", "data", "--out", "other.h5")
        agree("other", scores("other.h5", "test", 0), back)


if __name__ == "__main__":
    main()
