#!/usr/bin/env python3
"""Writes scores.json: metrics of the scores of K classes, decision thresholds by rules, metrics at another prevalence and
bootstrap intervals, by scikit-learn, NumPy and SciPy, for tests/losses/test_metrics_{scores,rules,bootstrap}.cpp.

    python3 -W ignore tests/losses/golden/make_scores.py        (needs scikit-learn and SciPy)

NaN is written as null. Scores have one or two digits, so that there are ties.
"""
import json
import math
import os

import numpy as np
from scipy import stats
from scipy.special import log_softmax, softmax
from sklearn import metrics
from sklearn.preprocessing import label_binarize

FOLDER = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(31)


def plain(x):
    """x as JSON has it."""
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if isinstance(x, (list, tuple, np.ndarray)):
        return [plain(value) for value in x]
    if isinstance(x, (int, np.integer, str)):
        return int(x) if not isinstance(x, str) else x
    if x is None:
        return None
    x = float(x)
    return None if math.isnan(x) else int(x) if abs(x) < 1e9 and x == int(x) else x


def multiclass(labels, logits):
    labels, logits = np.array(labels), np.array(logits, dtype=float)
    classes = logits.shape[1]
    p = softmax(logits, axis=1)
    y = {"labels": labels, "logits": logits.ravel(), "classes": classes, "softmax": p.ravel()}
    present = [k for k in range(classes) if (labels == k).any()]
    binarized = label_binarize(labels, classes=range(classes)) if classes > 2 else np.eye(2, dtype=int)[labels]
    for name, metric in (("average_precision", metrics.average_precision_score), ("roc_auc", metrics.roc_auc_score)):
        # scikit-learn leaves no class out, so the columns without samples are left out here.
        defined = [k for k in present if name == "average_precision" or (labels != k).any()]
        each = np.full(classes, np.nan)
        each[defined] = [metric(binarized[:, k], logits[:, k]) for k in defined]
        y[name] = {"each": each}
        for average in ("macro", "weighted"):
            y[name][average] = metric(binarized[:, defined], logits[:, defined], average=average) if defined else np.nan
        if name == "roc_auc" and len(defined) == classes and classes > 2:
            for average in ("macro", "weighted"):
                theirs = metrics.roc_auc_score(labels, softmax(logits, axis=1), multi_class="ovr", average=average)
                scores = metric(binarized, p, average=average)
                assert abs(theirs - scores) < 1e-14
    # scikit-learn puts the last of equal scores first; in reversed columns that is the first.
    if classes > 2:
        y["top_k"] = [metrics.top_k_accuracy_score(classes - 1 - labels, logits[:, ::-1], k=k, labels=range(classes))
                      for k in range(1, classes + 1)]
    y["log_loss"] = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()
    assert abs(y["log_loss"] - metrics.log_loss(labels, p, labels=range(classes))) < 1e-8 or y["log_loss"] > 5
    if classes > 2:
        y["brier"] = metrics.brier_score_loss(labels, p, labels=range(classes), scale_by_half=False)
    return y


def multiclass_cases():
    yield multiclass([0], [[0.5, 0.5, 0.1]])
    yield multiclass([2, 2], [[0.5, 0.5, 0.1], [1, 2, 3]])  # all samples of one class
    yield multiclass([0, 1, 1], [[800, -800, 3], [-800, 800, 2], [40, 41, -900]])
    for i in range(30):
        classes = [3, 4, 7, 2][i % 4]
        n = int(rng.integers(2, 40))
        labels = rng.choice(classes, n, p=rng.dirichlet(np.full(classes, [2, 0.4][i % 2])))
        logits = np.round(rng.normal(0, 2, (n, classes)) + 1.5 * np.eye(classes)[labels], 1 - i % 2)
        yield multiclass(labels, logits)


def rule(actual, scores):
    """Brute force over scikit-learn's precision-recall curve; a threshold is halfway between neighboring scores."""
    actual, scores = np.array(actual), np.array(scores, dtype=float)
    precision, recall, thresholds = metrics.precision_recall_curve(actual, scores)
    precision, recall = precision[:-1], recall[:-1]
    tns, fps, fns, tps, high_to_low = metrics.confusion_matrix_at_thresholds(actual, scores)
    low_to_high = high_to_low[::-1]
    assert (low_to_high == thresholds).all()
    halfway = [thresholds[0], *((thresholds[1:] + thresholds[:-1]) / 2)]
    y = {"actual": actual, "scores": scores, "rules": {}}
    for target in (0.3, 0.5, 0.8, 0.95, 1):
        for name, limited, best in (("recall", recall, precision), ("precision", precision, recall)):
            allowed = [i for i in range(len(thresholds)) if limited[i] >= target - 1e-12]
            chosen = max(allowed, key=lambda i: (round(best[i], 12), limited[i], -i), default=None)
            y["rules"][f"{name}={target}"] = None if chosen is None else [halfway[chosen], best[chosen]]
    for fn, fp in ((10, 1), (1, 1), (1, 5), (0, 1)):
        costs = [*((fn * fns + fp * fps) / len(actual))[::-1], fn * actual.sum() / len(actual)]
        chosen = min(range(len(costs)), key=lambda i: (round(costs[i], 12), i))
        threshold = halfway[chosen] if chosen < len(halfway) else np.nextafter(scores.max(), np.inf)
        y["rules"][f"cost fn={fn},fp={fp}"] = [threshold, costs[chosen]]
    return y


def rule_cases():
    yield rule([0, 1, 1], [3, 2, 1])
    for i in range(24):
        n = int(rng.integers(3, 40))
        actual = (rng.random(n) < [0.2, 0.5, 0.1][i % 3]).astype(int)
        actual[0] = 1
        yield rule(actual, np.round(rng.normal(actual, 1), 1 + i % 2))


def prevalence_cases():
    """Weights of the samples give the positive class the share."""
    for i in range(12):
        n = 40
        actual = np.array([1] * 4 + [0] * 4 + list((rng.random(n) < 0.4).astype(int)))
        said = np.where(rng.random(len(actual)) < [0.7, 0.95][i % 2], actual, 1 - actual)
        share = [0.01, 0.1, 0.5, 0.9][i % 4]
        weights = np.where(actual == 1, share / actual.mean(), (1 - share) / (1 - actual.mean()))
        tn, fp, fn, tp = metrics.confusion_matrix(actual, said).ravel()
        yield {"counts": [tp, fp, fn, tn], "share": share,
               "precision": metrics.precision_score(actual, said, sample_weight=weights, zero_division=0),
               "f1": metrics.f1_score(actual, said, sample_weight=weights, zero_division=0),
               "accuracy": metrics.accuracy_score(actual, said, sample_weight=weights)}


def bootstrap_cases():
    """SciPy's percentile intervals. They use other random numbers, so they agree within the error of 10,000 resamples."""
    n = 300
    actual = (rng.random(n) < 0.3).astype(int)
    scores = np.round(rng.normal(1.5 * actual - 0.75, 1), 2)
    functions = {"accuracy": lambda a, s: metrics.accuracy_score(a, s >= 0),
                 "precision": lambda a, s: metrics.precision_score(a, s >= 0),
                 "recall": lambda a, s: metrics.recall_score(a, s >= 0),
                 "f1": lambda a, s: metrics.f1_score(a, s >= 0),
                 "balanced_accuracy": lambda a, s: metrics.balanced_accuracy_score(a, s >= 0),
                 "average_precision": metrics.average_precision_score,
                 "roc_auc": metrics.roc_auc_score}
    yield intervals(functions, actual, scores)
    labels = rng.choice(4, 200, p=[0.5, 0.3, 0.15, 0.05])
    said = np.where(rng.random(200) < 0.7, labels, rng.choice(4, 200))
    yield intervals({"accuracy": metrics.accuracy_score, "balanced_accuracy": metrics.balanced_accuracy_score,
                     "macro_f1": lambda a, s: metrics.f1_score(a, s, average="macro")}, labels, said)


def intervals(functions, actual, scores):
    y = {"actual": actual, "scores": scores, "intervals": {}}
    for name, function in functions.items():
        found = stats.bootstrap((actual, scores), function, paired=True, vectorized=False, n_resamples=10000,
                                method="percentile", rng=np.random.default_rng(5))
        y["intervals"][name] = [round(found.confidence_interval.low, 4), round(found.confidence_interval.high, 4)]
    return y


groups = {"multiclass": multiclass_cases, "rules": rule_cases, "prevalence": prevalence_cases,
          "bootstrap": bootstrap_cases}
with open(os.path.join(FOLDER, "scores.json"), "w") as file:
    parts = []
    for name, cases in groups.items():
        lines = [json.dumps(plain(case), separators=(",", ":"), allow_nan=False) for case in cases()]
        parts.append('"%s": [\n%s\n]' % (name, ",\n".join(lines)))
    file.write("{%s}\n" % ",\n".join(parts))
