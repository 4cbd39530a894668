"""Figures of merit, in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def label_table(
    wanted: Sequence[str], found: Sequence[str], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Precision, recall, f1 and count of each label."""
    table = {}
    for label in labels:
        hits = sum(w == f == label for w, f in zip(wanted, found, strict=True))
        count, given = wanted.count(label), found.count(label)
        table[label] = {
            "precision": hits / given if given else 0.0,
            "recall": hits / count if count else 0.0,
            "f1": 2 * hits / (count + given) if count + given else 0.0,
            "count": count,
        }
    return table


def macro_f1(wanted: Sequence[str], found: Sequence[str], labels: Sequence[str]) -> float:
    """The mean of the labels' f1."""
    return float(np.mean([row["f1"] for row in label_table(wanted, found, labels).values()]))


def calibration_error(probabilities: np.ndarray, wanted: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: how far confidence is from accuracy, weighted over the bins.

    `probabilities` is [queries, labels], `wanted` holds the right column of each row.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == wanted
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[which == b].mean() - right[which == b].mean()) * (which == b).mean()
        for b in range(bins)
        if (which == b).any()
    ]
    return float(sum(gaps))


def average_precision(scores: np.ndarray, matches: np.ndarray) -> float:
    """The area under the precision-recall curve of scored pairs."""
    ordered = matches[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    return float((precision * ordered).sum() / max(1, ordered.sum()))


def best_threshold(scores: np.ndarray, matches: np.ndarray, beta: float = 1.0) -> float:
    """The score from which calling a pair a match gives the highest f-measure."""
    steps = np.round(np.arange(0.05, 0.96, 0.01), 2)
    return float(max(steps, key=lambda t: f_measure(scores >= t, matches, beta)))


def f_measure(found: np.ndarray, matches: np.ndarray, beta: float = 1.0) -> float:
    """F of the positive class; a beta below 1 weighs precision over recall."""
    hits = (found & (matches > 0)).sum()
    weighted = found.sum() + beta**2 * (matches > 0).sum()
    return float((1 + beta**2) * hits / max(1e-9, weighted))


def ndcg(grades: Sequence[float], ideal: Sequence[float], depth: int = 10) -> float:
    """Normalised discounted cumulative gain of a ranking, with gains 2^grade - 1."""

    def gain(values: Sequence[float]) -> float:
        return sum((2**g - 1) / np.log2(i + 2) for i, g in enumerate(values[:depth]))

    best = gain(sorted(ideal, reverse=True))
    return gain(grades) / best if best else 0.0
