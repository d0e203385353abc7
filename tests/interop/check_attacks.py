"""FGSM and PGD once more in torch, on the weights that `strata export` writes and the examples that `strata attack` keeps.

usage: check_attacks.py STRATA      exits 0: all well, 1: a difference, 77: torch or h5py is missing
"""
import pathlib
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

STEPS = 20
EXAMPLES = 1000


def gradient(net, x, labels):
    x = x.detach().requires_grad_()
    loss = torch.nn.functional.cross_entropy(net(x), labels, reduction="sum")
    return torch.autograd.grad(loss, x)[0]


def fgsm(net, clean, labels, epsilon):
    return (clean + epsilon * gradient(net, clean, labels).sign()).clamp(0, 1)


def pgd(net, clean, labels, epsilon):
    """Madry et al.: from a random point, steps of 2.5 ε over their number; the first point that fools, if one does."""
    x = (clean + epsilon * (2 * torch.rand_like(clean) - 1)).clamp(0, 1)
    fooled = torch.zeros(len(clean), dtype=torch.bool)
    for _ in range(STEPS):
        fooled |= net(x).argmax(1) != labels
        x = x + 2.5 * epsilon / STEPS * gradient(net, x, labels).sign()
        x = torch.maximum(torch.minimum(x, clean + epsilon), clean - epsilon).clamp(0, 1)
    return fooled | (net(x).argmax(1) != labels)


def check(strata, folder, rule):
    def call(*arguments):
        subprocess.run([strata, *arguments], cwd=folder, check=True, capture_output=True)

    out = f"{rule}-out"
    call("run", "--rule", rule, "--hidden", "48x2", "--activation", "tanh", "--epochs", "1", "--snapshots", "none", "--quiet",
         "--out", out)
    run = next(pathlib.Path(folder, out, "runs").glob("*.h5"))
    call("export", str(run), "--out", f"{rule}.npz")
    call("attack", str(run), "--attacks", "fgsm,pgd", "--epsilon", "0,0.02,0.06", "--steps", str(STEPS), "--examples",
         str(EXAMPLES), "--keep", str(EXAMPLES), "--out", f"{rule}.h5")
    weights = {k: torch.from_numpy(v) for k, v in np.load(f"{folder}/{rule}.npz").items()}
    names = list(weights)

    def net(x):
        for at in range(0, len(names), 2):
            x = torch.nn.functional.linear(x, weights[names[at]], weights[names[at + 1]])
            if at + 2 < len(names):
                x = torch.tanh(x)
        return x

    with h5py.File(f"{folder}/{rule}.h5") as file:
        accuracy = file["robustness/accuracy"][0]
        clean = torch.from_numpy(file["adversarial/clean"][:])
        labels = torch.from_numpy(file["adversarial/label"][:].astype(np.int64))
        ours = torch.from_numpy(file["adversarial/x"][0])
        decided = torch.from_numpy(file["adversarial/decided"][0])
        epsilons = file["robustness/epsilon"][:]
        attacks = list(file["robustness/attack"].asstr()[:])
    assert attacks == ["fgsm", "pgd"], attacks
    failures = 0

    def expect(what, holds):
        nonlocal failures
        failures += not holds
        print("ok    " if holds else "FAILED", f"{rule}: {what}")

    right = net(clean).argmax(1) == labels
    for e, epsilon in enumerate(epsilons):
        theirs = (right & (net(fgsm(net, clean, labels, epsilon)).argmax(1) == labels)).float().mean().item()
        expect(f"fgsm at {epsilon}: {accuracy[0, e]:.3f} right, torch {theirs:.3f}", abs(accuracy[0, e] - theirs) <= 2 / EXAMPLES)
        theirs = (right & ~pgd(net, clean, labels, epsilon)).float().mean().item()
        expect(f"pgd at {epsilon}: {accuracy[1, e]:.3f} right, torch {theirs:.3f}", abs(accuracy[1, e] - theirs) <= 0.01)
        same = (ours[:, :, e] - clean[:, None]).abs().max().item()
        expect(f"no pixel farther than {epsilon}: {same:.6f}", same <= epsilon + 1e-6)
        agree = (net(ours[:, :, e].reshape(-1, clean.shape[1])).argmax(1).reshape(-1, 2) == decided[:, :, e]).float().mean().item()
        expect(f"decisions at {epsilon}: {agree:.4f} as torch's", agree >= 1 - 2 / EXAMPLES)
    expect("within the pixels' range", ours.min().item() >= 0 and ours.max().item() <= 1)
    expect("the attack does something", accuracy[1, 2] < accuracy[1, 0] - 0.3)
    return failures


def main():
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        return 1 if sum(check(sys.argv[1], folder, rule) for rule in ("backprop", "fa")) else 0


if __name__ == "__main__":
    sys.exit(main())
