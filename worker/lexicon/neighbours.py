"""The terms whose vectors are nearest to a query's, and which of them might expand it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np

from worker.lexicon.reading import Reading
from worker.lexicon.words import named, signature


class Neighbours(NamedTuple):
    """The terms that are nearest to a query.

    Attributes:
        ids: nearest first.
        similarity: cosine of the nearest; -inf where there is none.
        departments: of each, as `Lexicon.department_number` gives them.
        categories: of each, a number for its category.
        within: those that are similar enough and may name nothing that the query does not.
    """

    ids: list[int]
    similarity: float
    departments: list[int]
    categories: list[int]
    within: list[int]


def neighbours(
    reads: Sequence[Reading],
    ids: np.ndarray,
    cosines: np.ndarray,
    signatures: np.ndarray,
    departments: np.ndarray,
    categories: np.ndarray,
    min_similarity: float,
) -> list[Neighbours]:
    """Those of each query.

    Args:
        ids, cosines: as `Lexicon.nearest` gives them, shape [queries, k].
        signatures, departments, categories: int, one a term.
        min_similarity: cosine from which a neighbour might expand a query.
    """
    said = np.array([signature(read.words) for read in reads], np.int32)
    within = (signatures[ids] & ~said[:, None]) == 0
    within &= cosines >= min_similarity
    best = cosines.max(axis=1, initial=-np.inf)
    rows = (a.tolist() for a in (ids, best, departments[ids], categories[ids], within))
    found = [
        named(Neighbours, (near, cosine, of, paths, list(compress(near, fits))))
        for near, cosine, of, paths, fits in zip(*rows, strict=True)
    ]
    return found if (ids >= 0).all() else [_found(near) for near in found]


def _found(near: Neighbours) -> Neighbours:
    """Without the ids of no term."""
    ids = [term_id for term_id in near.ids if term_id >= 0]
    count = len(ids)
    return near._replace(
        ids=ids, departments=near.departments[:count], categories=near.categories[:count]
    )
