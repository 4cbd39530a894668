"""Telling what is out of scope: by its own label, or when no other label is likely enough. NumPy,
no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triton_models.evaluation import folds
from triton_models.query_text import normal_form

GIVEN_UP = 0.003  # of in-scope accuracy, for finding what is out of scope


def judged(
    chances: np.ndarray, right: np.ndarray, column: int, texts: Sequence[str]
) -> dict[str, float]:
    """The threshold is fitted on all rows; the figures of each fold are at that of the other folds.

    Args:
        chances: probabilities, [rows, labels].
        right: the wanted column of each row.
        column: of the label of what is out of scope.
    """
    found = np.empty_like(right)
    for mine, rest in folds.parts(list(map(normal_form, texts))):
        limit = threshold(chances[rest], right[rest], column)
        named, others = best_labels(chances[mine], column)
        found[mine] = np.where(others < limit, column, named)
    outside = right == column
    return {
        "threshold": threshold(chances, right, column),
        "in_scope_accuracy": float((found == right)[~outside].mean()),
        "out_of_scope_recall": float((found == column)[outside].mean()),
    }


def best_labels(chances: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    """The label of each row, and the probability of the best other than `column`: both [rows]."""
    return chances.argmax(axis=1), np.delete(chances, column, axis=1).max(axis=1)


def threshold(chances: np.ndarray, right: np.ndarray, column: int) -> float:
    """The threshold that finds most of what is out of scope, while the accuracy in scope stays
    within `GIVEN_UP` of the best.
    """
    outside, table = right == column, []
    named, others = best_labels(chances, column)
    for limit in np.round(np.arange(0.0, 1.0, 0.01), 2):
        found = np.where(others < limit, column, named)
        accuracy = (found == right)[~outside].mean() if not outside.all() else 1.0
        recall = (found == column)[outside].mean() if outside.any() else 1.0
        table.append((float(accuracy), float(recall), float(limit)))
    least = max(accuracy for accuracy, _, _ in table) - GIVEN_UP
    recall, accuracy = max((r, a) for a, r, _ in table if a >= least)
    fitting = [t for a, r, t in table if (r, a) == (recall, accuracy)]
    return fitting[len(fitting) // 2]  # the middle, as the nearest to other data
