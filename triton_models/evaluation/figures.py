"""Figures of merit, in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triton_models.evaluation import statistics

BETA = 0.5  # of a match: a wrong one costs more than a missing one


def label_table(
    wanted: Sequence[str], found: Sequence[str], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Precision, recall, f1 and count of each label."""
    table = confusion(wanted, found, labels)
    hits, count, given = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
    return {
        label: {
            "precision": float(hits[i] / given[i]) if given[i] else 0.0,
            "recall": float(hits[i] / count[i]) if count[i] else 0.0,
            "f1": float(2 * hits[i] / (count[i] + given[i])) if hits[i] else 0.0,
            "count": int(count[i]),
        }
        for i, label in enumerate(labels)
    }


def confusion(wanted: Sequence[str], found: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """How often each label [rows] was taken for each [columns]: int64 [labels, labels]."""
    place = {label: i for i, label in enumerate(labels)}
    cells = np.array(
        [place[w] * len(labels) + place[f] for w, f in zip(wanted, found, strict=True)]
    )
    counts = np.bincount(cells.astype(int), minlength=len(labels) ** 2)
    return counts.reshape(len(labels), len(labels))


def macro_f1(wanted: Sequence[str], found: Sequence[str], labels: Sequence[str]) -> float:
    """The mean f1 of the labels that are wanted at least once."""
    table = label_table(wanted, found, labels).values()
    return float(np.mean([row["f1"] for row in table if row["count"]]))


def calibration_error(probabilities: np.ndarray, wanted: np.ndarray) -> float:
    """Expected calibration error: how far confidence is from accuracy, weighted over 15 bins.

    `probabilities` is [queries, labels], `wanted` holds the right column of each row.
    """
    right = probabilities.argmax(axis=1) == wanted
    gap = statistics.CalibrationError(probabilities.max(axis=1), right)
    return statistics.value(gap, len(wanted))


def average_precision(scores: np.ndarray, matches: np.ndarray) -> float:
    """The area under the precision-recall curve of scored pairs, 0 where none is a match."""
    if not np.any(matches):
        return 0.0
    return statistics.value(statistics.average_precision(scores, matches), len(matches))


def best_threshold(scores: np.ndarray, matches: np.ndarray, beta: float = 1.0) -> float:
    """The score from which calling a pair a match gives the highest f-measure."""
    steps = np.round(np.arange(0.05, 0.96, 0.01), 2)
    rising, hits = np.sort(scores), np.sort(scores[matches > 0])
    found = len(rising) - np.searchsorted(rising, steps)
    right = len(hits) - np.searchsorted(hits, steps)
    return float(steps[np.argmax((1 + beta**2) * right / (found + beta**2 * len(hits) + 1e-9))])


def f_measure(found: np.ndarray, matches: np.ndarray, beta: float = 1.0) -> float:
    """F of the positive class; a beta below 1 weighs precision over recall."""
    hits = (found & (matches > 0)).sum()
    weighted = found.sum() + beta**2 * (matches > 0).sum()
    return float((1 + beta**2) * hits / max(1e-9, weighted))


def ndcg(grades: Sequence[float], ideal: Sequence[float], depth: int = 10) -> float:
    """Normalised discounted cumulative gain of a ranking, with gains 2^grade - 1."""
    best = gain(np.sort(np.asarray(ideal, dtype=float))[::-1], depth)
    return float(gain(np.asarray(grades, dtype=float), depth) / best) if best else 0.0


def gain(grades: np.ndarray, depth: int = 10) -> np.ndarray:
    """Discounted cumulative gain of rankings: grades [..., ranks] in their order, to [...]."""
    top = grades[..., :depth]
    return (np.exp2(top) - 1) @ (1 / np.log2(np.arange(top.shape[-1]) + 2))
