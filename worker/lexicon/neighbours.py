"""How many nodes a search for neighbours looks at: as few as find nearly all that are nearest."""

from __future__ import annotations

import numpy as np
from usearch.index import Index

RECALL, OF = 0.99, 8  # the nearest, as many as a query has candidates by default
FETCHED = 16  # at once, so that eight are left without those that stand in the query
EFFORTS = (16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256)
MOST_QUERIES, COMPARISONS = 256, 2**20  # few queries on a large lexicon, so that it loads quickly
FEWEST_QUERIES = 32


def effort(index: Index) -> int:
    """The least of EFFORTS with which RECALL of the exact neighbours is found.

    The queries that it is measured on lie between the vectors of two terms; they are the same each
    time, so that every worker of a group finds the same neighbours.
    """
    terms = len(index)
    if terms <= FETCHED:
        return EFFORTS[0]
    count = min(MOST_QUERIES, max(FEWEST_QUERIES, COMPARISONS // terms))
    chosen = np.random.default_rng(7).integers(0, terms, 2 * count)
    pairs = np.vstack(index.get(chosen)).astype(np.int16).reshape(count, 2, -1)
    queries = (pairs.sum(axis=1) // 2).astype(np.int8)
    exact = index.search(queries, OF, exact=True, threads=1).keys
    for tried in EFFORTS[:-1]:
        index.expansion_search = tried
        found = index.search(queries, FETCHED, threads=1).keys
        if _recall(found, exact) >= RECALL:
            return tried
    return EFFORTS[-1]


def _recall(found: np.ndarray, exact: np.ndarray) -> float:
    return float((found[:, :, None] == exact[:, None, :]).any(axis=1).mean())
