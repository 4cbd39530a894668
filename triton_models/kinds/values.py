"""Numbers of an answer, as several kinds read them."""

from __future__ import annotations

import numpy as np

DIGITS = 4  # of probabilities and scores, as in the worker's events
TOLERANCE = 1e-5  # of rounding, above 1 and below 0


def rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), DIGITS) for value in values]


def within(values: np.ndarray) -> bool:
    """Whether all values are from 0 to 1."""
    return bool(values.min() >= -TOLERANCE and values.max() <= 1 + TOLERANCE)
