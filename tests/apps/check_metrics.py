#!/usr/bin/env python3
"""Compares the metrics in a run's result.json with scikit-learn's on its predictions.csv, to 1e-12.

  python3 tests/apps/check_metrics.py runs/a

Needs numpy and scikit-learn. Prints the largest difference of each metric; exits with 1 if one is above 1e-12.
"""
import csv
import json
import sys

import numpy as np
from sklearn import metrics as sk

folder = sys.argv[1]
with open(f"{folder}/result.json") as file:
    result = json.load(file)
with open(f"{folder}/predictions.csv", newline="") as file:
    rows = list(csv.DictReader(file))

classes = result["classes"]
K = len(classes)
if K == 2:
    z = np.array([float(row["logit"]) for row in rows])
    positive = classes.index(result["positive"])
    y = np.array([positive if row["label"] == "1" else 1 - positive for row in rows])
    predicted = np.where(z >= result["decision"]["cut"], positive, 1 - positive)
    scores = np.stack([-z, z] if positive == 1 else [z, -z], axis=1)
else:
    y = np.array([classes.index(row["label"]) for row in rows])
    predicted = np.array([classes.index(row["predicted"]) for row in rows])
    z = np.array([[float(row["logit:" + name]) for name in classes] for row in rows])
    assert (z.argmax(axis=1) == predicted).all(), "the predicted class is not the one with the largest logit"
    e = np.exp(z - z.max(axis=1, keepdims=True))
    scores = e / e.sum(axis=1, keepdims=True)

worst = {}


def compare(name, ours, theirs):
    if ours is None:
        assert np.isnan(theirs), f"{name}: ours is undefined, scikit-learn's is {theirs}"
        return
    worst[name] = max(worst.get(name, 0), abs(ours - theirs))


labels = range(K)
precision, recall, f1, support = sk.precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
for k, one in enumerate(result["per_class"]):
    assert one["class"] == classes[k]
    compare("precision of a class", one["precision"], precision[k])
    compare("recall of a class", one["recall"], recall[k])
    compare("F1 of a class", one["f1"], f1[k])
    compare("support of a class", one["support"], support[k])
    if support[k] > 0:
        compare("average precision of a class", one["average_precision"], sk.average_precision_score(y == k, scores[:, k]))
    if 0 < support[k] < len(y):
        compare("ROC AUC of a class", one["roc_auc"], sk.roc_auc_score(y == k, scores[:, k]))
for average in ("macro", "weighted"):
    values = sk.precision_recall_fscore_support(y, predicted, labels=labels, average=average, zero_division=0)
    for name, theirs in zip(("precision", "recall", "f1"), values):
        compare(f"{average} {name}", result[average][name], theirs)
compare("accuracy", result["accuracy"], sk.accuracy_score(y, predicted))
compare("balanced accuracy", result["balanced_accuracy"], sk.balanced_accuracy_score(y, predicted))
compare("Matthews' coefficient", result["mcc"], sk.matthews_corrcoef(y, predicted))
compare("Cohen's kappa", result["kappa"], sk.cohen_kappa_score(y, predicted))
assert (np.array(result["confusion"]) == sk.confusion_matrix(y, predicted, labels=labels)).all()
if K > 2:
    compare("log loss", result["log_loss"], sk.log_loss(y, scores, labels=labels))
    compare("macro ROC AUC", result["macro"]["roc_auc"], sk.roc_auc_score(y, scores, multi_class="ovr", labels=list(labels)))

for name, difference in worst.items():
    print(f"{name:32} {difference:.1e}")
print(f"{len(y)} images of {K} classes; the largest difference is {max(worst.values()):.1e}")
sys.exit(max(worst.values()) > 1e-12)
