"""Measures of association between two things that are seen together."""

from __future__ import annotations

from math import log

SIGNIFICANT = 10.83  # of the log-likelihood ratio: one chance in a thousand (chi-square, 1 degree)


def log_likelihood(both: float, first: float, second: float, total: float) -> float:
    """Dunning's log-likelihood ratio of two things ("Accurate Methods for the Statistics of
    Surprise and Coincidence", 1993); 0 where they are together no more often than by chance.

    Args:
        both: how often they are seen together.
        first, second: how often each is seen.
        total: how many observations there are.
    """
    table = [
        (both, first, second),
        (first - both, first, total - second),
        (second - both, total - first, second),
        (total - first - second + both, total - first, total - second),
    ]
    if both * total <= first * second:
        return 0.0
    return 2 * sum(n * log(n * total / (row * column)) for n, row, column in table if n > 0)


def lower_bound(right: float, seen: float) -> float:
    """Wilson's lower bound of a share, one chance in twenty to lie below: few observations count
    less than many."""
    if not seen:
        return 0.0
    z = 1.645
    share, square = right / seen, z * z / seen
    centre = share + square / 2
    spread = z * (share * (1 - share) / seen + square / (4 * seen)) ** 0.5
    return (centre - spread) / (1 + square)
