"""Writes resample.json: what imbalanced-learn finds in small tables, for tests/data/test_resample.cpp to agree with.

    python3 tests/data/golden/make_resample.py        (needs imbalanced-learn, scikit-learn and NumPy)

Only what is not drawn: neighbors, rows in danger and noise, ADASYN's counts, Tomek's links, the classes' sizes. Where
imbalanced-learn raises an error there is null.

In some tables rows are equally near, or equal. scikit-learn then orders them by chance, and takes the first for the
row itself, so imbalanced-learn gets an object that looks for neighbors by the rule of data/tables/neighbors.h.
"""
import json
import os
from collections import Counter
from unittest import mock

import numpy as np
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler, TomekLinks
from imblearn.utils import check_sampling_strategy
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Exact(BaseEstimator):
    """Neighbors by distance, then by number. The last column is the row's number and no feature."""

    def __init__(self, n_neighbors=5):
        self.n_neighbors = n_neighbors

    def fit(self, X):
        self.X_ = X
        return self

    def kneighbors(self, X, return_distance=False):
        if self.n_neighbors > len(self.X_):
            raise ValueError("too few rows")
        found = []
        for row in X:
            squares = ((self.X_[:, :-1] - row[:-1]) ** 2).sum(axis=1)
            squares[self.X_[:, -1] == row[-1]] = -1
            found.append(np.lexsort((self.X_[:, -1], squares))[: self.n_neighbors])
        return np.array(found)

    def kneighbors_graph(self, X):
        raise NotImplementedError


def numbered(X):
    return np.column_stack([X, np.arange(len(X))])


def exactly_nearest(X, k):
    return Exact(k + 1).fit(numbered(X)).kneighbors(numbered(X))[:, 1:]


def sizes(y):
    return sorted([int(c), n] for c, n in Counter(y.tolist()).items())


def or_null(run):
    try:
        return run()
    except (ValueError, RuntimeError):
        return None


def run(X, y, tied, k, m):
    finder = (lambda n: Exact(n + 1)) if tied else (lambda n: n)
    data = numbered(X) if tied else X
    classes = {int(c): {"label": int(c)} for c in np.unique(y)}

    # The neighbors that SMOTE draws from, as numbers of rows of the table.
    def spy(self, X, y_dtype, y_type, nn_data, nn_num, n_samples, *args, **kwargs):
        classes[int(y_type)][key] = np.flatnonzero(y == y_type)[nn_num].ravel().tolist()
        return make(self, X, y_dtype, y_type, nn_data, nn_num, n_samples, *args, **kwargs)

    after = {}
    make = SMOTE._make_samples
    with mock.patch("imblearn.over_sampling._smote.base.BaseSMOTE._make_samples", spy):
        key = "smote"
        after["smote"] = or_null(lambda: sizes(SMOTE(random_state=0, k_neighbors=finder(k)).fit_resample(data, y)[1]))
        key = "borderline"
        borderline = BorderlineSMOTE(random_state=0, k_neighbors=finder(k), m_neighbors=finder(m))
        after["borderline_smote"] = or_null(lambda: sizes(borderline.fit_resample(data, y)[1]))

    if m < len(y):
        near = borderline.nn_m_.fit(data)
        for label, c in classes.items():
            rows = np.flatnonzero(y == label)
            for kind in ("danger", "noise"):
                c[kind] = rows[borderline._in_danger_noise(near, data[rows], label, y, kind)].tolist()
            if label in borderline.in_danger_indices:
                assert c["danger"] == borderline.in_danger_indices[label].tolist()

    counts = []
    repeat = np.repeat
    with mock.patch("numpy.repeat", lambda rows, n: (counts.append(n.tolist()), repeat(rows, n))[1]):
        after["adasyn"] = or_null(lambda: sizes(ADASYN(random_state=0, n_neighbors=finder(k)).fit_resample(data, y)[1]))
    if after["adasyn"]:
        grown = check_sampling_strategy("auto", y, "over-sampling")
        for (label, wanted), n in zip([g for g in grown.items() if g[1]], counts, strict=True):
            classes[int(label)].update(adasyn=n, wanted=int(wanted))
            # Half way between two numbers its rounding errors decide: no table for others to agree with.
            others = (y[exactly_nearest(X, k)[y == label]] != label).sum(axis=1)
            parts, whole = others * wanted, others.sum()
            assert not ((2 * parts % whole == 0) & (parts % whole != 0)).any(), (label, k)
    return {"k": k, "m": m, "classes": list(classes.values()), "after": after}


def tomek(X, y, tied, strategy):
    if tied:
        targets = check_sampling_strategy(strategy, y, "clean-sampling")
        return np.flatnonzero(~TomekLinks.is_tomek(y, exactly_nearest(X, 1)[:, 0], targets)).tolist()
    sampler = TomekLinks(sampling_strategy=strategy)
    sampler.fit_resample(X, y)
    return sampler.sample_indices_.tolist()


def table(name, X, y, runs, tied=False):
    X, y = np.asarray(X, dtype=float), np.asarray(y)
    near = exactly_nearest(X, 5)
    if not tied:
        assert (near == NearestNeighbors(n_neighbors=6).fit(X).kneighbors(X, return_distance=False)[:, 1:]).all(), name
    over, under = RandomOverSampler(random_state=0), RandomUnderSampler(random_state=0)
    return {
        "name": name,
        "columns": X.shape[1],
        "labels": y.tolist(),
        "features": X.ravel().tolist(),
        "nearest": near.ravel().tolist(),
        "tomek": tomek(X, y, tied, "auto"),
        "tomek_all": tomek(X, y, tied, "all"),
        "random_oversample": sizes(over.fit_resample(X, y)[1]),
        "random_undersample": sizes(under.fit_resample(X, y)[1]),
        "runs": [run(X, y, tied, k, m) for k, m in runs],
    }


def clouds(seed, columns, *classes):
    """(label, rows, center, spread) each; features have three digits, rows are shuffled."""
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.normal(center, spread, (n, columns)) for _, n, center, spread in classes])
    y = np.concatenate([np.full(n, label) for label, n, _, _ in classes])
    order = rng.permutation(len(y))
    return np.round(X, 3)[order], y[order]


def lattice(seed, side, *classes):
    """(label, rows) each, on whole numbers: many distances are equal, and many rows, of one class and of several."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.concatenate([np.full(n, label) for label, n in classes]))
    return rng.integers(0, side, (len(y), 2)), y


def main():
    tables = [
        table("two classes", *clouds(1, 3, (0, 60, 0, 1), (1, 18, 1, 1)), [(5, 10), (3, 7)]),
        table("three classes", *clouds(2, 2, (0, 50, 0, 1), (1, 20, 1, 1), (2, 12, -1, 0.7)), [(5, 10), (4, 5)]),
        table("many columns", *clouds(3, 20, (0, 20, 0.7, 1), (1, 55, 0, 1)), [(5, 10), (1, 1)]),
        table("equal largest", *clouds(4, 2, (-1, 25, 0, 1), (7, 25, 1, 1), (3, 10, 0.5, 0.5)), [(5, 10)]),
        table("equal smallest", *clouds(5, 2, (4, 30, 0, 1), (9, 12, 1, 1), (2, 12, -1, 1)), [(5, 10), (9, 10)]),
        table("far apart", *clouds(6, 2, (0, 30, 0, 1), (1, 12, 40, 1)), [(5, 10)]),
        table("too few", *clouds(7, 2, (0, 30, 0, 1), (1, 5, 1, 1)), [(5, 10), (4, 40)]),
        table("all noise", *clouds(8, 2, (0, 60, 0, 1), (1, 8, 0, 3)), [(5, 3), (5, 10)]),
        table("spread thin", *clouds(9, 2, (0, 41, 0, 1), (1, 40, 0, 1)), [(5, 10)]),
        table("lattice", *lattice(10, 9, (0, 50), (1, 16)), [(5, 10), (3, 6)], tied=True),
        table("three on a lattice", *lattice(11, 5, (5, 30), (1, 14), (3, 9)), [(5, 10)], tied=True),
        table("all rows equal", np.ones((20, 2)), [0, 0, 1] * 6 + [0, 0], [(5, 10)], tied=True),
    ]
    with open(os.path.join(FOLDER, "resample.json"), "w") as file:
        lines = [json.dumps(t, separators=(",", ":")) for t in tables]
        file.write('{"tables":[\n%s\n]}\n' % ",\n".join(lines))


if __name__ == "__main__":
    main()
