"""Confident learning (Northcutt et al. 2021): which given labels are likely wrong.

A row is suspect when a model that never saw it is surer of another label than it usually is of
rows that have that one. By cleanlab, which the training extra brings.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import numpy as np

from triton_models.settings import UsageError


def flagged(given: np.ndarray, said: np.ndarray) -> np.ndarray:
    """The suspect rows, the least likely labels first.

    Args:
        given: index of each row's label, [rows].
        said: probabilities of the labels by a model that has not learned from the row, [rows,
            labels].
    """
    from cleanlab.filter import find_label_issues

    require_two(given.tolist())
    with quietly():
        order = "self_confidence"
        return find_label_issues(given, said, return_indices_ranked_by=order, n_jobs=1)


def flagged_words(given: Sequence[Sequence[int]], said: Sequence[np.ndarray]) -> list[int]:
    """The texts that have a suspect word, the least likely first.

    Args:
        given: indices of the labels of each text's words.
        said: probabilities, [words, labels] of each text.
    """
    from cleanlab.token_classification.filter import find_label_issues

    require_two(chain.from_iterable(given))
    with quietly():
        found = find_label_issues([list(one) for one in given], list(said), n_jobs=1)
    return list(dict.fromkeys(int(text) for text, _ in found))


def require_two(given: Iterable[int]) -> None:
    """Raises UsageError for rows that all have one label, which can be compared with no other."""
    if len(set(given)) < 2:
        raise UsageError("fewer than two labels in the rows; give rows of two labels or more")


@contextmanager
def quietly() -> Iterator[None]:
    """No warnings about labels of which there are no rows, or few: none of them is suspect."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
