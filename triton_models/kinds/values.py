"""Numbers of an answer, as several kinds read them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

DIGITS = 4  # of probabilities and scores, as in the worker's events
TOLERANCE = 1e-5  # of rounding, above 1 and below 0
SUM_TOLERANCE = 1e-3
CLOSE = 0.01  # answers this near decide alike: a tie may fall either way


def least_share(rows: int) -> float:
    """The share of equal answers from which a model of lower precision says the same: 19 in 20, and
    of fewer rows all but one.
    """
    return min(0.95, 1 - 1 / max(1, rows))


def close(expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Which rows differ by no more than `CLOSE` in any value: [rows], of [rows, values] both.

    For answers by which a label or a threshold decides, not for vectors.
    """
    return np.abs(found - expected).max(axis=-1) <= CLOSE


def same_labels(expected: np.ndarray, found: np.ndarray) -> float:
    """The share of rows with the same likeliest label, or that are `close`."""
    same = expected.argmax(axis=-1) == found.argmax(axis=-1)
    return float((same | close(expected, found)).mean())


def rounded(values: Iterable[float]) -> list[float]:
    return [round(float(value), DIGITS) for value in values]


def no_chances(values: np.ndarray) -> str:
    """Why these are no probabilities, of which each row sums to 1; "" if they are."""
    if not within(values):
        return "probabilities that are not from 0 to 1"
    if np.abs(values.sum(axis=-1) - 1).max() > SUM_TOLERANCE:
        return "probabilities that do not sum to 1"
    return ""


def within(values: np.ndarray) -> bool:
    """Whether all values are from 0 to 1."""
    return bool(values.min() >= -TOLERANCE and values.max() <= 1 + TOLERANCE)
