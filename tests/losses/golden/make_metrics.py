"""Writes metrics.json: what scikit-learn and imbalanced-learn compute of 250 small sets of decisions and scores, for
tests/losses/test_metrics*.cpp to agree with.

    python3 -W ignore tests/losses/golden/make_metrics.py        (needs scikit-learn, imbalanced-learn; torchmetrics to check)

The calibration error is written out here in NumPy, for scikit-learn has none; where torchmetrics is installed, its own
must agree, to the digits of its float32. NaN is written as null. Lists of three are for zero_division 0, 1 and NaN.
"""
import json
import math
import os

import numpy as np
from imblearn.metrics import geometric_mean_score, specificity_score
from scipy.special import log_expit
from sklearn import metrics
from sklearn.calibration import calibration_curve

try:
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error
except ImportError:
    torch = None

FOLDER = os.path.dirname(os.path.abspath(__file__))
POLICIES = [0.0, 1.0, np.nan]
rng = np.random.default_rng(2024)


def plain(x):
    """x as JSON has it."""
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if isinstance(x, (list, tuple, np.ndarray)):
        return [plain(value) for value in x]
    if isinstance(x, (int, np.integer, str)):
        return int(x) if not isinstance(x, str) else x
    x = float(x)
    return None if math.isnan(x) else int(x) if x == int(x) else x


def ratios(actual, said, **options):
    """Precision, recall and F-scores, each for the three policies."""
    beta = {"f1": 1, "f0.5": 0.5, "f2": 2}
    y = {name: [] for name in ["precision", "recall", *beta]}
    for policy in POLICIES:
        given = {**options, "zero_division": policy}
        y["precision"].append(metrics.precision_score(actual, said, **given))
        y["recall"].append(metrics.recall_score(actual, said, **given))
        for name in beta:
            y[name].append(metrics.fbeta_score(actual, said, beta=beta[name], **given))
    return y


def binary(actual, scores, threshold):
    actual, scores = np.array(actual), np.array(scores, dtype=float)
    said = (scores >= threshold).astype(int)
    tn, fp, fn, tp = metrics.confusion_matrix(actual, said, labels=[0, 1]).ravel()
    y = {"actual": actual, "scores": scores, "threshold": threshold, "counts": [tp, fp, fn, tn]}
    y.update(ratios(actual, said))
    y["accuracy"] = metrics.accuracy_score(actual, said)
    y["balanced_accuracy"] = metrics.balanced_accuracy_score(actual, said)
    y["mcc"] = metrics.matthews_corrcoef(actual, said)
    y["kappa"] = metrics.cohen_kappa_score(actual, said)
    # With average="binary" imbalanced-learn returns 0 where neither list has a 1; of label 1 it is the ratio.
    y["specificity"] = specificity_score(actual, said, labels=[1], average=None)[0]
    y["g_mean"] = geometric_mean_score(actual, said, average="binary")
    fpr, tpr, thresholds = metrics.roc_curve(actual, scores)
    assert thresholds[0] == np.inf
    y["roc"] = [fpr, tpr, thresholds[1:]]
    fpr, tpr, _ = metrics.roc_curve(actual, scores, drop_intermediate=False)
    y["roc_all"] = [fpr, tpr]
    y["pr"] = metrics.precision_recall_curve(actual, scores)[:2]
    tns, fps, fns, tps, thresholds = metrics.confusion_matrix_at_thresholds(actual, scores)
    y["sweep"] = [thresholds, tps, fps, fns, tns]
    y["roc_auc"] = metrics.roc_auc_score(actual, scores)
    y["average_precision"] = metrics.average_precision_score(actual, scores)
    if scores.min() >= 0 and scores.max() <= 1:
        y["log_loss"] = metrics.log_loss(actual, scores, labels=[0, 1])
        y["brier"] = metrics.brier_score_loss(actual, scores, pos_label=1)
    return y


def multiclass(actual, said, classes):
    labels = list(range(classes))
    y = {"actual": actual, "said": said, "classes": classes}
    y["matrix"] = metrics.confusion_matrix(actual, said, labels=labels)
    y["accuracy"] = metrics.accuracy_score(actual, said)
    y["balanced_accuracy"] = metrics.balanced_accuracy_score(actual, said)
    y["mcc"] = metrics.matthews_corrcoef(actual, said)
    y["kappa"] = metrics.cohen_kappa_score(actual, said)
    y["g_mean"] = geometric_mean_score(actual, said, labels=labels)
    y["g_mean_of_present"] = geometric_mean_score(actual, said, labels=sorted(set(actual)))
    for average in ["macro", "weighted", "micro", None]:
        row = ratios(actual, said, labels=labels, average=average)
        row["specificity"] = specificity_score(actual, said, labels=labels, average=average)
        y[average or "each"] = row
    return y


def calibration(actual, p):
    p = np.array(p, dtype=float)
    actual = np.array(actual)
    y = {"actual": actual, "p": p, "bins": {}}
    for bins in [4, 5, 15]:
        row = {"curve": calibration_curve(actual, p, n_bins=bins)}
        confidence = np.maximum(p, 1 - p)
        correct = (p >= 0.5) == (actual == 1)
        gaps = []
        for b in range(bins):
            inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
            if inside.any():
                gaps.append((inside.mean(), abs(correct[inside].mean() - confidence[inside].mean())))
        row["ece"] = sum(share * gap for share, gap in gaps)
        row["mce"] = max(gap for _, gap in gaps)
        if torch:
            rows = torch.tensor(np.stack([1 - p, p], axis=1))
            for norm, ours in [("l1", row["ece"]), ("max", row["mce"])]:
                theirs = multiclass_calibration_error(rows, torch.tensor(actual), 2, n_bins=bins, norm=norm)
                assert abs(theirs.item() - ours) < 2e-6, (theirs, ours)
        y["bins"][str(bins)] = row
    return y


def binary_cases():
    yield binary([1], [0.5], 0.5)
    yield binary([1], [0.5], 0.75)
    yield binary([0], [0.5], 0.5)
    yield binary([0], [0.5], 0.75)
    yield binary([0, 1], [0.5, 0.5], 0.5)
    yield binary([0, 0, 1, 1], [0, 0.25, 0.75, 1], 0.5)
    yield binary([1, 1, 0, 0], [0, 0.25, 0.75, 1], 0.5)
    yield binary([1, 0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4, 0.3], 0.5)
    for i in range(140):
        n = int(rng.integers(2, 19))
        share = [0.5, 0.2, 0.1, 0.9][i % 4]
        actual = (rng.random(n) < share).astype(int)
        if i % 20 == 7:
            actual[:] = 0
        if i % 20 == 13:
            actual[:] = 1
        scores = np.clip(rng.normal(0.4 + 0.2 * actual, 0.25), 0, 1)
        scores = np.round(scores, i % 3 + 1)  # one digit: many ties
        if i % 5 == 4:
            scores = np.round(8 * scores - 4, 1)  # logits
        threshold = float([np.median(scores), 0.5, scores[0], scores.max() + 1, scores.min()][i % 5])
        yield binary(actual, scores, round(threshold, 3))


def multiclass_cases():
    yield multiclass([0], [0], 3)
    yield multiclass([0], [2], 3)
    yield multiclass([0, 0, 0], [1, 1, 1], 3)  # the class with a precision has no samples
    yield multiclass([0, 1, 2], [0, 1, 2], 3)
    yield multiclass([0, 1, 2], [1, 2, 0], 3)
    yield multiclass([3, 3, 1], [3, 3, 3], 5)
    for i in range(84):
        classes = 3 + i % 3
        n = int(rng.integers(1, 31))
        shares = rng.dirichlet(np.full(classes, [3, 0.5][i % 2]))
        actual = rng.choice(classes, n, p=shares)
        said = np.where(rng.random(n) < 0.6, actual, rng.choice(classes, n))
        yield multiclass([int(c) for c in actual], [int(c) for c in said], classes)


def calibration_cases():
    for i in range(10):
        n = 5 + 5 * i
        p = np.round(rng.beta(0.7, 1.5, n), 4)
        p = np.where(np.isclose(p * 60, np.round(p * 60)), p + 0.0001, p)  # away from edges, where conventions differ
        actual = (rng.random(n) < p ** 1.5).astype(int)
        yield calibration(actual, p)


def logit_cases():
    for spread in [1, 10, 100, 1000]:
        z = np.round(rng.normal(0, spread, 12), 2)
        actual = (rng.random(12) < 0.3).astype(int)
        yield {"actual": actual, "logits": z, "log_loss": -log_expit(np.where(actual == 1, z, -z)).mean()}


def report(actual, said, names=None, digits=2):
    labels = range(len(names) if names else max(*actual, *said) + 1)
    text = metrics.classification_report(actual, said, labels=labels, target_names=names, digits=digits, zero_division=0)
    return {"actual": actual, "said": said, "names": names or [], "digits": digits, "text": text}


def report_cases():
    yield report([0] * 8 + [1] * 2, [0] * 7 + [1, 0, 1], ["dog", "cat"])
    yield report([0, 0, 1], [0, 0, 1])
    yield report([0, 0, 0], [0, 0, 0])
    yield report([0, 2, 2], [2, 2, 2], ["never predicted", "neither there nor predicted", "always predicted"])
    yield report([1, 0, 2], [1, 2, 0])  # if all are wrong, scikit-learn prints supports as fractions, 1.0
    yield report([0, 1, 1], [0, 1, 0], ["chó", "mèo"], 4)
    yield report([0] * 1100 + [1] * 100, [0] * 1095 + [1] * 75 + [0] * 30, ["dog", "cat"], 3)
    for i in range(12):
        classes = 2 + i % 5
        actual = rng.integers(0, classes, 40 + 10 * i)
        said = np.where(rng.random(len(actual)) < 0.7, actual, rng.integers(0, classes, len(actual)))
        yield report([int(c) for c in actual], [int(c) for c in said], [f"class {k}" for k in range(classes)], 2 + i % 3)


groups = {"binary": binary_cases, "multiclass": multiclass_cases, "calibration": calibration_cases,
          "logits": logit_cases, "reports": report_cases}
with open(os.path.join(FOLDER, "metrics.json"), "w") as file:
    parts = []
    for name, cases in groups.items():
        lines = [json.dumps(plain(case), separators=(",", ":"), allow_nan=False) for case in cases()]
        parts.append('"%s": [\n%s\n]' % (name, ",\n".join(lines)))
    file.write("{%s}\n" % ",\n".join(parts))
