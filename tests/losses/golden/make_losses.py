#!/usr/bin/env python3
"""Writes losses.json: values, gradients and states of every loss in every form, by PyTorch and torchvision in float64.

Where a library has the loss its own function is called; elsewhere the paper's formula is written out. Gradients are
autograd's. Positive class: 1. Run from anywhere: python3 tests/losses/golden/make_losses.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

torch.set_default_dtype(torch.float64)
BCE = F.binary_cross_entropy_with_logits
cases = []


def rounded(tensor):
    return [float(f"{v:.15g}") for v in torch.as_tensor(tensor, dtype=torch.float64).flatten().tolist()]


def case(loss, form, z, per_sample, labels=None, targets=None, soft=None, params=None, counts=None, class_weights=None,
         reduction=None, batch_level=False, positives=None, inside=False, default="mean", **more):
    """Adds a case. per_sample(z) gives [N], or for batch_level losses []; class weights are applied here."""
    z = torch.tensor(z, requires_grad=True)
    each = per_sample(z)
    row = {"loss": loss, "form": form, "params": params or {}, "logits": rounded(z.detach()),
           "classes": 2 if form == "b" else z.shape[1]}
    for name, value in (("labels", labels), ("counts", counts), ("class_weights", class_weights)):
        if value is not None:
            row[name] = list(value)
    for name, value in (("targets", targets), ("soft", soft)):
        if value is not None:
            row[name] = rounded(value)
    if reduction:
        row["reduction"] = reduction
    if batch_level:
        value = each
    else:
        row["per_sample"] = rounded(each.detach())
        keep = torch.tensor([label != -100 for label in labels]) if labels else torch.ones(len(z), dtype=torch.bool)
        w = torch.ones(len(z))
        if class_weights is not None and labels is not None:
            w = torch.tensor([class_weights[label] if label >= 0 else 0. for label in labels])
        weighted = each if inside else each * w
        kind = reduction or ("weighted-mean" if inside else default)
        total = {"mean": keep.sum(), "sum": torch.tensor(1.), "weighted-mean": w[keep].sum(),
                 "positives": max(sum(label == 1 for label in labels or []), 1)}[kind]
        value = weighted[keep].sum() / total
    value.backward()
    row["value"] = float(f"{value.item():.15g}")
    row["gradient"] = rounded(z.grad)
    row.update(more)
    cases.append(row)


generator = torch.Generator().manual_seed(20)
ZB = (torch.randn(8, generator=generator) * 3).tolist() + [30., -30., 14.5, -14.5]
YB = [0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0]
TB = torch.rand(12, generator=generator).tolist()
ZM = (torch.randn(8, 4, generator=generator) * 3).tolist() + [[30., -30., 2., 1.], [-12., 9., -25., 0.5]]
YM = [0, 1, 2, 3, 0, 0, 1, 2, 0, 3]
SOFT = F.softmax(torch.randn(10, 4, generator=generator), 1)
CB, CM = [900, 60], [900, 200, 40, 7]
WB, WM = [0.6, 4.0], [0.2, 0.7, 2.0, 5.5]
yb, ym = torch.tensor(YB, dtype=torch.float64), torch.tensor(YM)
hot = F.one_hot(ym, 4).double()
nb, nm = torch.tensor(CB, dtype=torch.float64), torch.tensor(CM, dtype=torch.float64)
REDUCTIONS = ["mean", "weighted-mean", "sum", "positives"]


def both(loss, binary, multi, params=None, **options):
    """A loss of one logit and of a logit per class; None where there is no such form. Each also with class weights."""
    for form, function, z, y, w, n in (("b", binary, ZB, YB, WB, CB), ("m", multi, ZM, YM, WM, CM)):
        if function is None:
            continue
        case(loss, form, z, function, labels=y, params=params, counts=n, **options)
        case(loss, form, z, function, labels=y, params=params, counts=n, class_weights=w,
             reduction=REDUCTIONS[len(cases) % 4], **options)


# -- regression and binary losses --
for loss, f, params in (
        ("mse", lambda z, y: F.mse_loss(z, y, reduction="none"), [{}]),
        ("l1", lambda z, y: F.l1_loss(z, y, reduction="none"), [{}]),
        ("smooth-l1", lambda z, y, beta=1.: F.smooth_l1_loss(z, y, beta=beta, reduction="none"),
         [{}, {"beta": 0.3}, {"beta": 0.}, {"beta": 4.}]),
        ("huber", lambda z, y, delta=1.: F.huber_loss(z, y, delta=delta, reduction="none"),
         [{}, {"delta": 0.3}, {"delta": 5.}]),
        ("log-cosh", lambda z, y: torch.log(torch.cosh(z - y)), [{}]),
        ("bce", lambda z, y, smoothing=0.: BCE(z, y * (1 - smoothing) + smoothing / 2, reduction="none"),
         [{}, {"label-smoothing": 0.1}, {"label-smoothing": 1.}]),
        ("quality-focal", lambda z, y, beta=2.: (y - torch.sigmoid(z)).abs() ** beta * BCE(z, y, reduction="none"),
         [{}, {"beta": 1.}, {"beta": 3.5}])):
    for p in params:
        given = {name.replace("label-smoothing", "smoothing"): value for name, value in p.items()}
        both(loss, lambda z: f(z, yb, **given), None, p)
        t = torch.tensor(TB)
        case(loss, "b", ZB, lambda z: f(z, t, **given), targets=TB, params=p)
for given, weight in ((3., 3.), (0.2, 0.2), (-1, CB[0] / CB[1])):
    both("bce", lambda z: BCE(z, yb, pos_weight=torch.tensor(weight), reduction="none"), None, {"pos-weight": given})
both("weighted-bce", lambda z: BCE(z, yb, reduction="none"), None)
for alpha in (None, 0.25, 1., -1):
    a = 0.75 if alpha is None else alpha
    weight = torch.ones(12) if a < 0 else a * yb + (1 - a) * (1 - yb)
    both("balanced-bce", lambda z: BCE(z, yb, weight=weight, reduction="none"), None,
         {} if alpha is None else {"alpha": alpha})

# -- functions of p_t --
CE = lambda z: F.cross_entropy(z, ym, reduction="none")
PM = lambda z: F.softmax(z, 1).gather(1, ym[:, None])[:, 0]
QM = lambda z: (F.softmax(z, 1) * (1 - hot)).sum(1)  # 1 - p_t, without cancellation
XB = lambda z: z * (2 * yb - 1)
for given in ({}, {"gamma": 0.}, {"gamma": 0.5}, {"gamma": 5.}, {"alpha": 0.25}, {"alpha": -1}, {"gamma": 1., "alpha": 0.5}):
    g, a = given.get("gamma", 2.), given.get("alpha", 0.75)
    both("focal", lambda z: sigmoid_focal_loss(z, yb, alpha=a, gamma=g), None, given)
    if "alpha" not in given:
        both("focal", None, lambda z: QM(z) ** g * CE(z), given)
for given in ({}, {"epsilon": -0.5}, {"epsilon": 2., "gamma": 1.5}):
    e, g = given.get("epsilon", 1.), given.get("gamma", 0.)
    both("poly1", lambda z: torch.sigmoid(-XB(z)) ** g * F.softplus(-XB(z)) + e * torch.sigmoid(-XB(z)) ** (g + 1),
         lambda z: QM(z) ** g * CE(z) + e * QM(z) ** (g + 1), given)
for q in (None, 0.1, 1.):
    k = 0.7 if q is None else q
    both("gce", lambda z: (1 - torch.sigmoid(XB(z)) ** k) / k, lambda z: (1 - PM(z) ** k) / k, {} if q is None else {"q": q})
both("gce", lambda z: BCE(z, yb, reduction="none"), CE, {"q": 0.})
for given in ({}, {"alpha": 6., "beta": 0.1}):
    a, b = given.get("alpha", 0.1), given.get("beta", 1.)
    both("sce", lambda z: a * F.softplus(-XB(z)) + 4 * b * torch.sigmoid(-XB(z)), lambda z: a * CE(z) + 4 * b * QM(z), given)


def effective(counts, beta):
    weights = (1 - beta) / (1 - beta ** counts)
    return weights * len(counts) / weights.sum()


for given in ({}, {"beta": 0.9}, {"beta": 0.9999, "gamma": 2.}):
    b, g = given.get("beta", 0.999), given.get("gamma", 0.)
    both("class-balanced", lambda z: effective(nb, b)[yb.long()] * sigmoid_focal_loss(z, yb, alpha=-1, gamma=g),
         lambda z: effective(nm, b)[ym] * QM(z) ** g * CE(z), given)

# -- softmax --
for smoothing in (0., 0.1, 1.):
    p = {"label-smoothing": smoothing} if smoothing else {}
    f = lambda z, w: F.cross_entropy(z, ym, weight=w, label_smoothing=smoothing, reduction="none")
    case("cross-entropy", "m", ZM, lambda z: f(z, None), labels=YM, params=p, inside=True)
    for reduction in [None] + REDUCTIONS:
        case("cross-entropy", "m", ZM, lambda z: f(z, torch.tensor(WM)), labels=YM, params=p, class_weights=WM,
             reduction=reduction, inside=True)
    some = [label if i % 3 else -100 for i, label in enumerate(YM)]
    for w in (None, WM):
        case("cross-entropy", "m", ZM, lambda z: F.cross_entropy(
            z, torch.tensor(some), weight=None if w is None else torch.tensor(w), label_smoothing=smoothing,
            reduction="none"), labels=some, params=p, class_weights=w, inside=True)
        case("cross-entropy", "m", ZM, lambda z: F.cross_entropy(
            z, SOFT, weight=None if w is None else torch.tensor(w), label_smoothing=smoothing, reduction="none"),
             soft=SOFT, params=p, class_weights=w, inside=True)
# PyTorch's own mean.
for row, reference in ((1, F.cross_entropy(torch.tensor(ZM), ym, weight=torch.tensor(WM))),):
    assert abs([c for c in cases if c["loss"] == "cross-entropy"][row]["value"] - reference.item()) < 1e-12

for given in ({}, {"max-margin": 0.2, "scale": 10.}):
    m, s = given.get("max-margin", 0.5), given.get("scale", 30.)
    cosines = (torch.tensor(ZM) / 30).tolist()
    margins = m * (nm.min() / nm) ** 0.25
    for w in (None, WM):
        case("ldam", "m", cosines, lambda z: F.cross_entropy(s * (z - hot * margins), ym, reduction="none"), labels=YM,
             params=given, counts=CM, class_weights=w, default="weighted-mean")


def vector_scaling(gamma, tau):
    def binary(z):  # the two logits are 0 and z, so that Delta_y goes with the true class's
        delta, iota = (nb / nb.max()) ** gamma, tau * (nb / nb.sum()).log()
        y = yb.long()
        return F.softplus(-(delta[y] * XB(z) + iota[y] - iota[1 - y]))
    return binary, lambda z: F.cross_entropy(z * (nm / nm.max()) ** gamma + tau * (nm / nm.sum()).log(), ym,
                                             reduction="none")


for loss, given, gamma, tau in (("logit-adjusted", {}, 0., 1.), ("logit-adjusted", {"tau": 2.5}, 0., 2.5),
                                ("balanced-softmax", {}, 0., 1.), ("cdt", {}, 0.3, 0.), ("cdt", {"gamma": 1.}, 1., 0.),
                                ("vs", {}, 0.3, 1.), ("vs", {"gamma": 0.15, "tau": 2.}, 0.15, 2.)):
    both(loss, *vector_scaling(gamma, tau), given)


def autobalance(form, delta, l):
    s, l = torch.sigmoid(torch.tensor(delta)), torch.tensor(l)
    y = yb.long()
    if form == "b":  # as vector_scaling()
        return lambda z: F.softplus(-(s[y] * XB(z) + l[y] - l[1 - y]))
    return lambda z: F.cross_entropy(z * s + l, ym, reduction="none")


for form, z, y, n, w, delta, l in (("b", ZB, YB, CB, WB, [0.3, -1.2], [0.4, -0.9]),
                                   ("m", ZM, YM, CM, WM, [1.5, 0.2, -0.4, -2.], [0.7, 0.1, -1.1, -2.3])):
    for tau in (0., 1.5):
        start = (tau * (torch.tensor(n) / sum(n)).log()).tolist()
        case("autobalance", form, z, autobalance(form, [1.] * len(n), start), labels=y, counts=n,
             params={"tau": tau} if tau else {})
    state = {"delta": delta, "l": l}
    for weights in (None, w):
        case("autobalance", form, z, autobalance(form, delta, l), labels=y, counts=n, class_weights=weights,
             state_before=state, state_after=state)
# multi_margin_loss divides by K, too.
for given in ({}, {"margin": 0.2}):
    m = given.get("margin", 1.)
    both("hinge", lambda z: F.relu(m - XB(z)), lambda z: F.multi_margin_loss(z, ym, margin=m, reduction="none"), given)

# -- per output --
for given in ({}, {"gamma-neg": 2., "gamma-pos": 0., "clip": 0.2}, {"clip": 0.}):
    gn, gp, m = given.get("gamma-neg", 4.), given.get("gamma-pos", 1.), given.get("clip", 0.05)

    def asymmetric(z, y):
        p = torch.sigmoid(z)
        shifted = (p - m).clamp(min=0)
        negative = F.softplus(z) if m == 0 else -torch.log1p(-shifted)
        return y * torch.sigmoid(-z) ** gp * F.softplus(-z) + (1 - y) * shifted ** gn * negative
    both("asymmetric", lambda z: asymmetric(z, yb), lambda z: asymmetric(z, hot).sum(1), given)

for given in ({}, {"bins": 30}, {"bins": 4, "ghm-momentum": 0.75}):
    bins, momentum = given.get("bins", 10), given.get("ghm-momentum", 0.)
    for form, z0, y in (("b", ZB, yb), ("m", ZM, hot)):
        before = None
        for turn in range(2):
            z1 = (torch.tensor(z0) * (1 - 0.4 * turn)).tolist()
            g = (torch.sigmoid(torch.tensor(z1)) - y).abs()
            where = (g * bins).floor().clamp(max=bins - 1).long().flatten()
            now = torch.bincount(where, minlength=bins).double()
            kept = now.clone() if before is None else before.clone()
            if before is not None:
                for b in range(bins):
                    if now[b] > 0:
                        kept[b] = momentum * before[b] + (1 - momentum) * now[b] if before[b] > 0 else now[b]
            crowd = kept if momentum else now
            weights = (where.numel() / ((now > 0).sum() * crowd[where])).reshape(y.shape)
            width = 1 if form == "b" else y.shape[1]

            def ghm(z):
                each = weights * BCE(z, y, reduction="none") / width
                return each if form == "b" else each.sum(1)
            state = {"state_before": {} if before is None else {"bin-counts": rounded(before)},
                     "state_after": {"bin-counts": rounded(kept)}} if momentum else {}
            case("ghm", form, z1, ghm, labels=YB if form == "b" else YM, params=given, training=True, **state)
            before = kept if momentum else None

for given in ({}, {"lambda": 0.1}, {"lambda": 1.}):
    rare = (nm / nm.sum() < given.get("lambda", 0.00177)).double()
    both("equalization", None, lambda z: ((1 - rare * (1 - hot)) * BCE(z, hot, reduction="none")).sum(1), given)
for gamma, limit in ((0., 0.1), (1., 0.1), (1., 0.5)):
    left_out = (nm / nm.sum() < limit).double() * gamma
    both("softmax-equalization", None, lambda z: F.cross_entropy(
        z + torch.where((left_out > 0) & (hot == 0), -torch.inf, 0.), ym, reduction="none"),
         {"gamma": gamma, "lambda": limit}, training=True, state_before={"batches": [3.]}, state_after={"batches": [4.]})
for given in ({}, {"gamma": 4., "mu": 0.5, "alpha": 1.5}):
    gamma, mu, alpha = given.get("gamma", 12.), given.get("mu", 0.8), given.get("alpha", 4.)
    positive, negative = torch.zeros(4), torch.zeros(4)
    for turn in range(3):
        z1 = torch.tensor(ZM) * (1 - 0.3 * turn)
        ratio = positive / (negative + 1e-10) if turn else torch.full((4,), 100.)
        f = 1 / (1 + torch.exp(-gamma * (ratio - mu)))
        up, down = 1 + alpha * (1 - f), f
        g = (torch.sigmoid(z1) - hot).abs()
        after = positive + (g * hot * up).sum(0), negative + (g * (1 - hot) * down).sum(0)
        names = ("positive-gradients", "negative-gradients")
        case("equalization-v2", "m", z1.tolist(),
             lambda z: ((hot * up + (1 - hot) * down) * BCE(z, hot, reduction="none")).sum(1), labels=YM, params=given,
             training=True, state_before={} if turn == 0 else dict(zip(names, map(rounded, (positive, negative)))),
             state_after=dict(zip(names, map(rounded, after))))
        positive, negative = after

# -- adaptive --
for given in ({}, {"p": 0.3, "q": 0.}, {"p": 0., "q": 1.}):
    p, q = given.get("p", 0.8), given.get("q", 2.)
    for training, before in ((False, None), (True, None), (True, [5., 90., 2., 0.]), (False, [5., 90., 2., 0.])):
        seen = torch.tensor(before) if before else torch.zeros(4)
        if training:
            seen = seen + torch.bincount(ym, minlength=4)
        n = (seen if training or before else nm).clamp(min=1)

        def seesaw(z):
            with torch.no_grad():
                mitigation = (n[None, :] / n[ym][:, None]).clamp(max=1) ** p
                scores = F.softmax(z, 1)
                compensation = (scores / scores.gather(1, ym[:, None]).clamp(min=1e-2)).clamp(min=1) ** q
                s = torch.where(hot > 0, 1., mitigation * compensation)
            return F.cross_entropy(z + s.log(), ym, reduction="none")
        case("seesaw", "m", ZM, seesaw, labels=YM, params=given, counts=CM, training=training,
             state_before={"seen": before} if before else {}, state_after={"seen": rounded(seen)} if training else {})

H = torch.randn(10, 3, generator=generator)
MILD = (torch.tensor(ZM[:8]) / 2).tolist() + [[2., -2., 1., 0.], [0., 1., -1., 0.5]]
for given in ({}, {"alpha": 3., "eps": 0.5}, {"detach": 0., "eps": 0.1}, {"detach": 0., "alpha": 2., "start": 0.8}):
    alpha, eps = given.get("alpha", 1000.), given.get("eps", 1e-3)
    for progress in (0.3, 0.6, 1.):
        for features in (None, H):
            def influence(z):
                if progress < given.get("start", 0.5):
                    return CE(z)
                size = 2 * QM(z) if features is None else 2 * QM(z) * features.abs().sum(1)
                weight = (1 / nm * 4 / (1 / nm).sum())[ym] * alpha / (size + eps)
                return CE(z) * (weight if given.get("detach", 1.) == 0 else weight.detach())
            more = {} if features is None else {"features": rounded(H), "feature_dim": 3}
            case("influence-balanced", "m", MILD, influence, labels=YM, params=given, counts=CM, progress=progress, **more)


# -- overlap --
def tversky(form, alpha, beta, gamma, above, weights=None):
    """1 - (TP + above) / (TP + alpha FP + beta FN + above), to the power gamma, the mean over classes."""
    def loss(z):
        p, y = (torch.sigmoid(z)[:, None], yb[:, None]) if form == "b" else (F.softmax(z, 1), hot)
        v = 1. if weights is None else torch.tensor(weights)[yb.long() if form == "b" else ym][:, None]
        tp, fp, fn = (v * p * y).sum(0), (v * p * (1 - y)).sum(0), (v * (1 - p) * y).sum(0)
        return ((1 - (tp + above) / (tp + alpha * fp + beta * fn + above)) ** gamma).mean()
    return loss


for loss, given, settings in (
        ("dice", {}, (0.5, 0.5, 1., 0.5)), ("dice", {"smooth": 0.01}, (0.5, 0.5, 1., 0.005)),
        ("tversky", {}, (0.3, 0.7, 1., 1.)), ("tversky", {"alpha": 0.8, "beta": 0.1, "smooth": 2.}, (0.8, 0.1, 1., 2.)),
        ("focal-tversky", {}, (0.3, 0.7, 0.75, 1.)), ("focal-tversky", {"gamma": 2.}, (0.3, 0.7, 2., 1.)),
        ("soft-f1", {}, (0.5, 0.5, 1., 0.5e-7))):
    for form, z, y, w in (("b", ZB, YB, WB), ("m", ZM, YM, WM)):
        for weights in (None, w):
            case(loss, form, z, tversky(form, *settings, weights), labels=y, params=given, class_weights=weights,
                 batch_level=True)

target = pathlib.Path(__file__).with_name("losses.json")
target.write_text('{"cases":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
print(f"{len(cases)} cases, {target.stat().st_size / 1024:.0f} KiB")
