"""What it buys to answer only when the model is sure: coverage, and risk among what is answered.

Rows are answered in the order of their confidence. AURC, the mean risk over all coverages, is the
lower the better the confidence tells right answers from wrong ones; a confidence that tells nothing
has the share of errors of all rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triton_models.evaluation import folds, statistics
from triton_models.evaluation.cells import Report
from triton_models.evaluation.statistics import Statistic

TARGETS = (0.9, 0.95, 0.99)  # precisions that a threshold is given for
POINTS = 400  # of a curve that is drawn


def coverage(
    confidence: np.ndarray,
    right: np.ndarray,
    groups: Sequence[str],
    targets: Sequence[float] = TARGETS,
) -> Report:
    """The curve, AURC with its interval, and for each wished precision the threshold that gives it.

    Args:
        confidence: of each row, [rows]; `right` says whether its answer is.
        groups: rows of one group, such as readings of one query, are in one fold: what a threshold
            gives is measured on other folds than it was chosen on.
    """
    confidence, right = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
    ends, risks = _curve(confidence, right)
    kept = np.unique(np.linspace(0, len(ends) - 1, POINTS).astype(int))
    ordered = -np.sort(-confidence)
    found = statistics.intervals({"aurc": aurc(confidence, right)}, len(right))
    return found | {
        "risk": float(1 - right.mean()),
        "curve": {
            "threshold": ordered[ends[kept]].tolist(),
            "coverage": ((ends[kept] + 1) / len(right)).tolist(),
            "risk": risks[kept].tolist(),
        },
        "targets": [target(confidence, right, groups, wished) for wished in targets],
    }


def aurc(confidence: np.ndarray, right: np.ndarray) -> Statistic:
    """The area under the risk-coverage curve; rows of one confidence come evenly mixed."""
    order = np.argsort(-confidence, kind="stable")
    starts = np.append(0, np.flatnonzero(np.diff(confidence[order])) + 1)
    wrong = 1.0 - right[order]

    def statistic(draws: np.ndarray) -> np.ndarray:
        drawn = draws[:, order]
        rows, errors = (np.add.reduceat(x, starts, axis=1) for x in (drawn, drawn * wrong))
        share = np.divide(errors, rows, out=np.zeros_like(errors), where=rows > 0)
        middle = (rows + 1) / 2  # where the mean risk of rows that come together stands
        before, wrong_before = (np.cumsum(x, axis=1) - x for x in (rows, errors))
        risks = (wrong_before + middle * share) / (before + middle)
        return (rows * risks).sum(axis=1) / drawn.sum(axis=1)

    return statistic


def target(
    confidence: np.ndarray, right: np.ndarray, groups: Sequence[str], wished: float
) -> Report:
    """The lowest threshold from which answers have a precision, None where none has.

    Coverage and precision (with Wilson's interval) are of each fold at the threshold of the others.
    """
    answered = np.zeros(len(right), dtype=bool)
    for mine, rest in folds.parts(groups):
        answered[mine] = confidence[mine] >= lowest(confidence[rest], right[rest], wished)
    threshold = lowest(confidence, right, wished)
    return {
        "wished": wished,
        "threshold": threshold if np.isfinite(threshold) else None,
        "coverage": float(answered.mean()),
        "precision": statistics.wilson(right[answered]) if answered.any() else None,
    }


def lowest(confidence: np.ndarray, right: np.ndarray, wished: float) -> float:
    """The lowest threshold that gives a precision on these rows, infinity where none does."""
    ends, risks = _curve(confidence, right)
    good = ends[risks <= 1 - wished + 1e-9]
    return float(-np.sort(-confidence)[good[-1]]) if len(good) else float("inf")


def _curve(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each threshold ends in the order of confidence, and the risk there."""
    order = np.argsort(-confidence, kind="stable")
    ordered, errors = confidence[order], np.cumsum(~right[order])
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(order) - 1)  # ties are answered together
    return ends, errors[ends] / (ends + 1)
