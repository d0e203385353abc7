"""What make_rules.py and make_local_rules.py share: a small net in torch float64, and how their JSON files are written.

One sample a row here; in the files, matrices are lists of rows.
"""
import json
import pathlib
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
LABELS = torch.tensor([2, 0, 1, 2])
BATCH = len(LABELS)
CLASSES = 3
ONE_HOT = F.one_hot(LABELS, CLASSES).double()


def numbers(rows, cols, salt):
    """Dyadic fractions between -1 and 1 without a pattern."""
    values = [((29 * i * i + 17 * i + 41 * salt) % 61 - 30) / 32 for i in range(rows * cols)]
    return torch.tensor(values).reshape(rows, cols)


def gradients(loss, parameters):
    return dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values()))))


class SmallNet:
    """Three layers, tanh but for the last, whose logits go into softmax cross-entropy; a batch of 4.

    hs: the input and what each layer makes of it; e: the gradient of the batch's mean loss by the logits.
    """

    NAMES = ["h1", "h2", "logits"]

    def __init__(self, widths):
        self.widths = widths
        self.x = numbers(BATCH, widths[0], 1)
        self.w = [numbers(n, m, 10 + k).requires_grad_() for k, (m, n) in enumerate(zip(widths, widths[1:]))]
        self.b = [(numbers(n, 1, 20 + k).flatten() / 2).requires_grad_() for k, n in enumerate(widths[1:])]
        self.parameters = {name + ".weight": w for name, w in zip(self.NAMES, self.w)}
        self.parameters.update({name + ".bias": b for name, b in zip(self.NAMES, self.b)})
        self.hs = [self.x]
        for k in range(3):
            self.hs.append(self.layer(k, self.hs[k]).detach())
        logits = self.hs[3].clone().requires_grad_()
        loss = F.cross_entropy(logits, LABELS)
        self.loss, self.e = loss.item(), torch.autograd.grad(loss, logits)[0]

    def layer(self, k, h, noise=0):
        """Layer k (0 is the first), with noise on what goes into its tanh."""
        z = h @ self.w[k].T + self.b[k] + noise
        return z if k == 2 else torch.tanh(z)

    def outs(self):
        """Of every layer by itself: a loss on an element gives a gradient to that layer alone."""
        return [self.layer(k, self.hs[k]) for k in range(3)]

    def onward(self, k, h):
        """Through layer k and all above it."""
        for above in range(k, 3):
            h = self.layer(above, h)
        return h

    def from_signals(self, signals, below=None):
        """Gradients of weights and biases from signals at the pre-activations and inputs (default: hs)."""
        pairs = list(zip(self.NAMES, signals, self.hs if below is None else below))
        grads = {name + ".weight": signal.T @ h for name, signal, h in pairs}
        grads.update({name + ".bias": signal.sum(0) for name, signal, _ in pairs})
        return grads


def lists(tensors):
    return {name: (t if t.dim() == 2 else t[:, None]).tolist() for name, t in tensors.items()}


def case(rule, options, values, grads, **more):
    """What the rule keeps besides the net, and the pseudo-gradients of one step."""
    return dict(rule=rule, options={key: str(value) for key, value in options.items()}, values=lists(values),
                gradients=lists(grads), **more)


def write(file, net, cases, **more):
    golden = dict(torch=torch.__version__, widths=net.widths, x=net.x.tolist(), labels=LABELS.tolist(), loss=net.loss,
                  net=lists(net.parameters), **more, cases=cases)
    text = json.dumps(golden, separators=(",", ":")).replace('{"rule"', '\n{"rule"').replace("],[", "],\n[")
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    (folder / file).write_text(text + "\n")
