"""Counts of millions by sorting, several times as fast as by hashing.

The sort is the stable one, which is the faster of numpy's where much is in order already.
"""

from __future__ import annotations

import numpy as np

_HALF = 32  # bits


def distinct(values: np.ndarray) -> np.ndarray:
    """Each value once, in order."""
    values = np.sort(values, kind="stable")
    return values[starts(values)]


def starts(*columns: np.ndarray) -> np.ndarray:
    """Where, of sorted rows, a row is another than the one before."""
    found = np.zeros(len(columns[0]), bool)
    found[:1] = True
    for values in columns:
        found[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(found)


def numbered(values: np.ndarray) -> tuple[np.ndarray, int]:
    """A number for each value, from 0 on, equal for equal ones; and how many numbers there are."""
    order = np.argsort(values, kind="stable")
    begins = starts(values[order])
    numbers = np.empty(len(values), np.int32)
    numbers[order] = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(values)))
    return numbers, len(begins)


def paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One number for each two, which are not negative and less than 2 ** 31: int64."""
    return (first.astype(np.int64) << _HALF) | second


def apart(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of which `paired` made one."""
    return pairs >> _HALF, pairs & ((1 << _HALF) - 1)


def counted(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each pair once, in order: its first and its second number, and how often it is there."""
    pairs = np.sort(pairs, kind="stable")
    at = starts(pairs)
    return *apart(pairs[at]), np.diff(at, append=len(pairs))
