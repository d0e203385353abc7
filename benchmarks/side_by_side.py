"""What compare.py and compare_influence.py share: programs started in turn, and their medians as a table's cells."""

import functools
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # Debian's, which has torch


@functools.cache
def environment():
    """In which everybody chooses the kernels that suit this processor: no leftover setting of OpenBLAS holds torch back, and
    where OpenBLAS itself falls back to kernels without AVX2, as it does on processors newer than it, it is told better."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "OMP_", "MKL_"))}
    flags = pathlib.Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split()
    better = "SkylakeX" if "avx512vl" in flags else "Haswell" if "avx2" in flags else None
    asked = subprocess.run([PYTHON, "-c", "import torch_steps; print(torch_steps.blas())"], cwd=HERE, env=clean, check=True,
                           capture_output=True, text=True).stdout
    if better and any(old in asked for old in ("Prescott", "Core2", "Penryn", "Nehalem", "Dunnington")):
        print(f"OpenBLAS falls back to {asked.strip()}: it is told OPENBLAS_CORETYPE={better}", file=sys.stderr)
        clean["OPENBLAS_CORETYPE"] = better
    return clean


def run(commands):
    """Runs the commands at the same time; what each printed as JSON."""
    running = [subprocess.Popen(c, stdout=subprocess.PIPE, text=True, env=environment()) for c in commands]
    out = [p.communicate()[0] for p in running]
    if any(p.returncode for p in running):
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {' '.join(map(str, commands[0]))} failed")
    return [json.loads(o) for o in out]


def ratio_cell(ours, theirs):
    """The median over rounds of theirs/ours, and the cell that shows it."""
    ratios = [t / o for o, t in zip(ours, theirs)]
    return statistics.median(ratios), f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def warn_without_openblas(names):
    if not all("openblas" in name for name in names):
        print("PyTorch did not run on OpenBLAS: these ratios flatter Strata; install libopenblas0-pthread")
