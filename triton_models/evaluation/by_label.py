"""Precision and recall by label: with intervals for one model, with tests for two.

Counts are [rows, labels, 3]: of each row and label how many were right, said and wanted. Labels
that both models are tested on are many, so p is corrected by Holm's method: the chance that any of
them comes out below 0.05, where no label differs, is 0.05.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triton_models.evaluation import statistics
from triton_models.evaluation.cells import Report

DRAWS = 2000  # of the randomisation test
ALPHA = 0.05  # corrected values below it are told


def counts(wanted: np.ndarray, found: np.ndarray, labels: int) -> np.ndarray:
    """The counts of rows that have one label each; both arrays hold label indices."""
    mine, theirs = np.eye(labels)[found], np.eye(labels)[wanted]
    return np.stack([mine * theirs, mine, theirs], axis=2)


def table(labels: Sequence[str], found: np.ndarray) -> Report:
    """Precision and recall with Wilson's intervals, F1 and count of each label."""
    return {
        label: {
            "precision": statistics.wilson_of(right, int(said)),
            "recall": statistics.wilson_of(right, int(wanted)),
            "f1": 2 * right / (said + wanted) if right else 0.0,
            "count": int(wanted),
        }
        for label, (right, said, wanted) in zip(labels, found.sum(axis=0), strict=True)
    }


def compared(labels: Sequence[str], a: np.ndarray, b: np.ndarray) -> list[Report]:
    """Each label's figures of two models, B less A, those that differ most surely first.

    p is of a paired randomisation test of F1: how often it differs as much when each row's two
    answers are swapped at random.
    """
    rng = np.random.default_rng(0)
    swapped = rng.random((DRAWS, len(a))) < 0.5
    rows = []
    for i, label in enumerate(labels):
        one, other = figures(a[:, i].sum(axis=0)), figures(b[:, i].sum(axis=0))
        if a[:, i].any() or b[:, i].any():
            rows.append(
                {"label": label, "count": int(a[:, i, 2].sum()), "a": one, "b": other}
                | {"difference": other["f1"] - one["f1"], "p": p_of(a[:, i], b[:, i], swapped)}
            )
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = corrected
    return sorted(rows, key=lambda row: (row["p_holm"], row["p"], -abs(row["difference"])))


def figures(sums: np.ndarray) -> dict[str, float]:
    """Precision, recall and F1 of (right, said, wanted)."""
    right, said, wanted = map(float, sums)
    return {
        "precision": right / said if said else 0.0,
        "recall": right / wanted if wanted else 0.0,
        "f1": 2 * right / (said + wanted) if said + wanted else 0.0,
    }


def p_of(a: np.ndarray, b: np.ndarray, swapped: np.ndarray) -> float:
    """The two-sided p of F1's difference; a and b are [rows, 3], `swapped` is [draws, rows]."""
    differ = np.flatnonzero((a != b).any(axis=1))
    moved = swapped[:, differ] @ (b - a)[differ]  # what A gains by its swaps, and B loses
    apart = np.abs(_f1(b.sum(axis=0) - moved) - _f1(a.sum(axis=0) + moved))
    seen = abs(figures(b.sum(axis=0))["f1"] - figures(a.sum(axis=0))["f1"])
    return float((1 + (apart >= seen - 1e-12).sum()) / (1 + len(swapped)))


def _f1(sums: np.ndarray) -> np.ndarray:
    under = sums[:, 1] + sums[:, 2]
    return np.divide(2 * sums[:, 0], under, out=np.zeros(len(sums)), where=under > 0)


def holm(p: Sequence[float]) -> list[float]:
    """The values of several tests, corrected for their number (Holm 1979)."""
    order, found, most = np.argsort(p, kind="stable"), np.zeros(len(p)), 0.0
    for rank, i in enumerate(order):
        most = max(most, (len(p) - rank) * p[i])
        found[i] = min(1.0, most)
    return found.tolist()
