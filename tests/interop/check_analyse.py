"""experiments/analyse.py, .R and .m on what the program leaves: the same means in all three, and errors of one line.

usage: check_analyse.py STRATA ANALYSE FOLDER    exits 0: all well, 1: a difference, 77: what ANALYSE needs is missing
"""
import csv
import pathlib
import shutil
import subprocess
import sys
import tempfile

STRATA, SCRIPT = sys.argv[1], pathlib.Path(sys.argv[2])
RULES = ("backprop", "frozen", "dfa")
FIGURES = ("accuracy", "angles", "curves", "distances", "gradient", "search")


def run(words):
    return subprocess.run(words, capture_output=True, text=True)


def interpreter():
    """How the script is started. Ends the test where that, or a package, is missing."""
    command, probe = {
        ".py": ([sys.executable], ["-c", "import h5netcdf, matplotlib, numpy, xarray"]),
        ".R": (["Rscript"], ["-e", "library(rhdf5)"]),
        ".m": (["octave-cli"], ["--eval", "pkg load netcdf"])}[SCRIPT.suffix]
    if shutil.which(command[0]) is None or run(command + probe).returncode != 0:
        print(f"skipped: {' '.join(command + probe)} fails")
        sys.exit(77)
    return command


def without_noise(text):
    """The lines of stderr, but for what Octave 7 says as it ends, whatever the script was."""
    return [line for line in text.splitlines() if not (SCRIPT.suffix == ".m" and "while preparing to exit" in line)]


def expected(folder):
    """(network, rule) → mean test accuracy, of summary.csv."""
    found = {}
    with open(folder / "summary.csv", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["network"], row["rule"]), []).append(float(row["test_accuracy"]))
    return {key: sum(values) / len(values) for key, values in found.items()}


def main():
    command = interpreter()
    with tempfile.TemporaryDirectory(dir=sys.argv[3]) as scratch:
        out = pathlib.Path(scratch) / "out"
        setting = ["--quiet", "--dataset", "clusters", "--epochs", "2", "--neurons", "4", "--examples",
                   "8", "--k", "2", "--out", str(out)]
        # A grid, and beside it another network on another seed under one of the rules: the table has holes.
        for words in (["compare", "--hidden", "8x2", "--seeds", "2", "--rules", ",".join(RULES), "--tune", "3"],
                      ["run", "--seed", "7", "--network", f"{scratch}/deep.json"]):
            if words[0] == "run":
                graph = run([STRATA, "run", "--print-graph", "--dataset", "clusters", "--hidden", "8x3"]).stdout
                pathlib.Path(scratch, "deep.json").write_text(graph)
            done = run([STRATA] + words + setting)
            assert done.returncode == 0, done.stderr
        done = run(command + [str(SCRIPT), str(out)])
        assert done.returncode == 0 and without_noise(done.stderr) == [], done
        means = expected(out)
        assert len(means) == 4
        lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
        if SCRIPT.suffix == ".py":
            rows = {(line[-1], line[0]): float(line[2]) / 100 for line in lines if line[0] in RULES}
            figures = sorted(path.name for path in (out / "figures").iterdir())
            assert figures == [f"deep-{kind}.png" for kind in FIGURES if kind not in ("angles", "search")] + \
                [f"mlp-{kind}.png" for kind in FIGURES], figures
            for path in (out / "figures").iterdir():
                content = path.read_bytes()
                assert content.startswith(b"\x89PNG") and len(content) > 8000, f"{path}: {len(content)} bytes"
        else:
            rows = {(line[0], line[1]): float(line[2]) for line in lines if len(line) == 3 and line[1] in RULES}
            rows = {key: value for key, value in rows.items() if value == value}  # NaN: no such run
        assert set(rows) == set(means), (set(rows), set(means))
        for key, mean in means.items():
            assert abs(rows[key] - mean) < 1.01e-4, (key, rows[key], mean)

        for folder in (f"{scratch}/gone", scratch):
            done = run(command + [str(SCRIPT), folder])
            said = without_noise(done.stderr)
            assert done.returncode != 0 and done.stdout == "" and "summary.h5" in said[0], done
            assert len(said) == 1 or SCRIPT.suffix != ".py", done


if __name__ == "__main__":
    main()
