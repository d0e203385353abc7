#!/usr/bin/env python3
"""Runs every make_*.py of this folder into a temporary folder and compares with the committed JSON files.

Numbers may differ by 1e-6 relative: another version of torch or another processor rounds otherwise. Exit 0: all
agree; 1: the first difference is printed; 77: torch is missing.
"""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RELATIVE = 1e-6
ABSOLUTE = 1e-12  # for sums that cancel to zero but for rounding


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def difference(committed, made, where):
    """The first difference as text, or None."""
    if is_number(committed) and is_number(made):
        same = committed == made or math.isclose(committed, made, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        if same or (math.isnan(committed) and math.isnan(made)):
            return None
    elif isinstance(committed, dict) and isinstance(made, dict):
        if committed.keys() != made.keys():
            return f"{where}: keys {sorted(committed)} committed, {sorted(made)} made"
        pairs = [(committed[key], made[key], f"{where}.{key}") for key in committed]
        return first_difference(pairs)
    elif isinstance(committed, list) and isinstance(made, list):
        if len(committed) != len(made):
            return f"{where}: {len(committed)} elements committed, {len(made)} made"
        pairs = [(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(committed, made))]
        return first_difference(pairs)
    elif type(committed) is type(made) and committed == made:
        return None
    return f"{where}: {committed!r} committed, {made!r} made"


def first_difference(pairs):
    return next((found for found in (difference(*pair) for pair in pairs) if found), None)


def load(path):
    content = json.loads(path.read_text())
    if isinstance(content, dict):
        content.pop("torch", None)  # the version that made it
    return content


def check(script, folder):
    """Checks the files that one script makes; returns their names. Raises ValueError with what is wrong."""
    folder.mkdir()
    # No bytecode: the sources stay as they are.
    run = subprocess.run([sys.executable, script, folder], env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode != 0:
        raise ValueError(f"{script.name}: exit {run.returncode}\n{run.stdout}")
    made = sorted(folder.glob("*.json"))
    if not made:
        raise ValueError(f"{script.name}: wrote no JSON file to the folder it was given")
    for path in made:
        if not (HERE / path.name).exists():
            raise ValueError(f"{path.name}: made by {script.name}, but not committed")
        found = difference(load(HERE / path.name), load(path), path.name)
        if found:
            raise ValueError(f"{found} (by {script.name})")
    return {path.name for path in made}


def main():
    # Only when torch is not there at all: a torch that breaks on import is a failure to look at, not a skip.
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        print("torch is missing; skipped")
        return 77
    scripts = sorted(HERE.glob("make_*.py"))
    names = set()
    with tempfile.TemporaryDirectory() as folder:
        for script in scripts:
            try:
                names |= check(script, pathlib.Path(folder) / script.stem)
            except ValueError as error:
                print(error)
                return 1
    stray = {path.name for path in HERE.glob("*.json")} - names
    if stray:
        print(f"no make_*.py makes {', '.join(sorted(stray))}")
        return 1
    print(f"{len(names)} files of {len(scripts)} scripts agree with torch {torch.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
