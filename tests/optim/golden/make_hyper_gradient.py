"""Writes hyper_gradient.json: AutoBalance's hyper-gradient by PyTorch's double backward in float64, for
tests/optim/test_hyper_gradient.cpp to agree with.

    python3 tests/optim/golden/make_hyper_gradient.py        (needs torch)
"""
import json
import math
import os

import torch
import torch.nn.functional as F

FOLDER = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)


def rounded(tensor, digits=15):
    return [float(f"{v:.{digits}g}") for v in tensor.detach().flatten().tolist()]


def drawn(generator, *shape):
    """Random numbers that are the same in both programs: they are rounded before they are used."""
    return torch.tensor(rounded(torch.randn(*shape, generator=generator), 8)).reshape(shape)


def run(name, seed, activation, batch_norm, classes, outputs, step, terms, sizes=(48, 30)):
    g = torch.Generator().manual_seed(seed)
    columns, hidden, nearest = 5, 7, [math.inf]
    w = {"w1": drawn(g, hidden, columns) / 2, "b1": drawn(g, hidden) / 4, "w2": drawn(g, outputs, hidden) / 2,
         "b2": drawn(g, outputs) / 4}
    if batch_norm:
        w["scale"], w["shift"] = 1 + drawn(g, hidden) / 4, drawn(g, hidden) / 4
    w = {k: v.requires_grad_() for k, v in w.items()}
    delta, l = (1 + drawn(g, classes) / 2).requires_grad_(), (drawn(g, classes) / 2).requires_grad_()
    x = [drawn(g, n, columns) for n in sizes]
    y = [[min(int(i * classes / n * (0.5 + i / n)), classes - 1) for i in range(n)] for n in sizes]
    y = [torch.tensor(labels) for labels in y]
    counts = torch.bincount(y[1], minlength=classes)
    weights = counts.sum() / counts

    def logits(inputs):
        h = inputs @ w["w1"].T + w["b1"]
        if batch_norm:
            h = F.batch_norm(h, None, None, w["scale"], w["shift"], training=True)
        nearest[0] = min(nearest[0], h.abs().min().item())
        h = torch.tanh(h) if activation == "tanh" else torch.relu(h)
        return h @ w["w2"].T + w["b2"]

    def training():
        z = logits(x[0])
        s = torch.sigmoid(delta)
        if outputs > 1:
            return F.cross_entropy(z * s + l, y[0])
        true = z[:, 0] * (2 * y[0] - 1)
        return F.softplus(-(s[y[0]] * true + l[y[0]] - l[1 - y[0]])).mean()

    def validation():
        z = logits(x[1])
        if outputs > 1:
            return F.cross_entropy(z, y[1], weight=weights)
        each = F.binary_cross_entropy_with_logits(z[:, 0], y[1].double(), reduction="none")
        return (each * weights[y[1]]).sum() / weights[y[1]].sum()

    theta = list(w.values())
    v = torch.autograd.grad(validation(), theta)
    gradient = torch.autograd.grad(training(), theta, create_graph=True)
    term, p, curvature = list(v), [torch.zeros_like(t) for t in v], 0.
    for j in range(terms + 1):
        p = [a + step * b for a, b in zip(p, term)]
        if j < terms:
            product = torch.autograd.grad(gradient, theta, grad_outputs=term, retain_graph=True)
            size = lambda ts: math.sqrt(sum((t * t).sum().item() for t in ts))
            curvature = max(curvature, size(product) / size(term))
            term = [a - step * b for a, b in zip(term, product)]
    mixed = torch.autograd.grad(gradient, [delta, l], grad_outputs=p)
    if activation == "relu" and (nearest[0] < KINK or step * curvature > 0.5):
        return None
    print(f"{name}: curvature {curvature:.3f}, hyper-gradient {[-m.abs().max().item() for m in mixed]}")
    assert step * curvature < 1, "the limit of the step size must not change the series"
    return {"name": name, "activation": activation, "batch_norm": batch_norm, "step": step, "terms": terms,
            "weights": {k: rounded(t) for k, t in w.items()}, "delta": rounded(delta), "l": rounded(l),
            "x": [rounded(t) for t in x], "y": [t.tolist() for t in y], "class_weights": rounded(weights),
            "hidden": hidden, "columns": columns, "outputs": outputs, "curvature": curvature,
            "hyper_gradient": {"delta": rounded(-mixed[0]), "l": rounded(-mixed[1])}}


# A ReLU whose input changes its sign between the two points of a difference adds its jump. In f32 the points are 0.007
# away, so the seed is the first with which no input is near 0.
KINK = 0.02


def far_from_kinks(name, *arguments):
    return next(r for r in (run(name, seed, "relu", *arguments, sizes=(14, 12)) for seed in range(10000)) if r)


runs = [run("tanh, 4 classes", 1, "tanh", False, 4, 4, 0.4, 5),
        run("tanh, batch normalization, 3 classes", 2, "tanh", True, 3, 3, 0.3, 5),
        far_from_kinks("ReLU, batch normalization, 4 classes", True, 4, 4, 0.3, 5),
        far_from_kinks("ReLU, one logit", False, 2, 1, 0.5, 5),
        run("tanh, one term", 5, "tanh", False, 3, 3, 0.5, 0),
        run("tanh, 40 terms", 6, "tanh", False, 3, 3, 0.4, 40)]
with open(os.path.join(FOLDER, "hyper_gradient.json"), "w") as file:
    file.write("[\n%s\n]\n" % ",\n".join(map(json.dumps, runs)))
