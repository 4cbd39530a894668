"""Folds for cross-fitting: what is fitted on some rows is measured on the others.

A temperature, a threshold or weights that were fitted on the rows they are judged by flatter
themselves. Here each fold is judged with what the other folds asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

FOLDS = 5


def folds(groups: Sequence[str]) -> np.ndarray:
    """The fold of each row, [rows], from 0; rows of one group (a query) share theirs."""
    names = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    fold = np.random.default_rng(0).permutation(len(names)) % FOLDS
    return fold[[names[group] for group in groups]]


def parts(groups: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows of a fold, rows of the others) of every fold, as indices.

    One group alone leaves nothing to fit on, and is its own rest.
    """
    fold = folds(groups)
    for here in np.unique(fold):
        mine, rest = np.flatnonzero(fold == here), np.flatnonzero(fold != here)
        yield mine, rest if len(rest) else mine
