"""The terms' vectors: along few axes, as int8, in a graph that is searched.

The vectors of one field's texts vary along fewer axes than they have numbers. They are kept along
the principal axes that hold SHARE of their squares: in the starter lexicon 160 of 384. Of the 8
exact nearest of 3,000 real queries the search finds 98 %, as it does along all axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from usearch.index import Index

VECTORS, AXES = "vectors.usearch", "axes.npy"
SHARE, STEP = 0.94, 32  # of the squares; axes are kept by so many
FEWEST = 4096  # terms; the axes of fewer say little of the queries to come, so all are kept
SAMPLE = 1 << 16  # most terms from which the axes are computed
HEADER = 8  # bytes of an index file before the vectors
CONNECTIVITY, EXPANSION_ADD = 12, 128  # of usearch's graph: links of a node, effort to find them

# How many nodes a search for neighbours looks at: as few as find nearly all that are nearest.
RECALL, OF = 0.95, 8  # the nearest, as many as a query has candidates by default
FETCHED = 16  # at once, so that eight are left without those that stand in the query
EFFORTS = (16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256)
MOST_QUERIES, COMPARISONS = 1024, 2**25  # few queries on a large lexicon
FEWEST_QUERIES = 32


class Vectors:
    """One vector a term; never changes, so any thread may search.

    Args:
        stored: what the index holds, int8, shape [terms, axes]: to get them from it takes longer.
        axes: float16, shape [dimension, axes]; [dimension, 0] where all axes are kept.

    Attributes:
        effort: how many nodes a search looks at.
    """

    def __init__(self, index: Index, stored: np.ndarray, axes: np.ndarray, effort: int) -> None:
        self._index, self._stored, self._axes = index, stored, axes.astype(np.float32)
        self.effort = index.expansion_search = effort

    @classmethod
    def of(cls, vectors: np.ndarray) -> Vectors:
        """Those of terms, float32, shape [terms, dimension]; the same for the same ones."""
        axes = _axes(vectors)
        along = _along(vectors, axes.astype(np.float32)) if axes.size else vectors
        index = Index(
            ndim=along.shape[1],
            metric="cos",
            dtype="i8",
            connectivity=CONNECTIVITY,
            expansion_add=EXPANSION_ADD,
        )
        stored = _quantized(along)
        # One thread: the same file every time.
        try:
            index.add(np.arange(len(stored)), stored, threads=1)
        except RuntimeError as error:  # what usearch makes of Ctrl-C
            if "erminated" in str(error):
                raise KeyboardInterrupt from None
            raise
        return cls(index, stored, axes, _effort(index, stored))

    @classmethod
    def read(cls, folder: Path, effort: int) -> Vectors:
        """Those that `files` gave, mapped.

        Raises:
            OSError, EOFError, ValueError, RuntimeError: the files are not such.
        """
        axes = np.load(folder / AXES, allow_pickle=False)
        index = Index.restore(folder / VECTORS, view=True)
        if axes.ndim != 2 or axes.shape[1] not in (0, index.ndim) or not np.isfinite(axes).all():
            raise ValueError(f"{AXES}: axes of other vectors")
        return cls(index, _stored(folder / VECTORS, index), axes, effort)

    def files(self) -> Mapping[str, bytes]:
        """Their files' contents, by name."""
        axes = BytesIO()
        np.save(axes, self._axes.astype(np.float16))
        return {VECTORS: self._index.save(), AXES: axes.getvalue()}

    def __len__(self) -> int:
        return len(self._index)

    def get(self, term_id: int) -> np.ndarray:
        """The term's vector: float32, shape [dimension], unit length."""
        stored = self._stored[term_id].astype(np.float32)
        whole = self._axes @ stored if self._axes.size else stored
        return whole / np.linalg.norm(whole)

    def neighbours(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Of each term, those whose vectors are nearest, itself among them, and their cosines along
        the axes that are kept."""
        found = self._index.search(self._stored, min(k, len(self)), threads=1)
        return np.atleast_2d(found.keys), 1 - np.atleast_2d(found.distances)

    def nearest(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The terms whose vectors are nearest, best first.

        Args:
            vectors: float32, shape [n, dimension], unit length.

        Returns:
            Term ids (int64) and cosines (float32), both of shape [n, min(k, terms)]; cosines are
            right within 0.04. Where there is no neighbour, as for a zero vector, the id is -1 and
            the cosine -inf.
        """
        shape = len(vectors), min(k, len(self))
        ids, cosines = np.full(shape, -1, np.int64), np.full(shape, -np.inf, np.float32)
        rows = np.flatnonzero(vectors.any(axis=1))
        if rows.size and shape[1]:
            along = _along(vectors[rows], self._axes) if self._axes.size else vectors[rows]
            # One thread: the callers' batches are small, and the models need the other cores.
            found = self._index.search(_quantized(along), shape[1], threads=1)
            keys = np.atleast_2d(found.keys)
            near = self._cosines(along, keys)
            order = np.argsort(-near, axis=1, kind="stable")
            ids[rows, : keys.shape[1]] = np.take_along_axis(keys.astype(np.int64), order, axis=1)
            cosines[rows, : keys.shape[1]] = np.take_along_axis(near, order, axis=1)
        return ids, cosines

    def _cosines(self, along: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Of each vector and the terms found for it, [n, k].

        From the vector before it is quantized: a model's answer may differ in its last bit with
        the texts beside it, which can move a quantized number by a whole step.
        """
        stored = self._stored[keys].astype(np.float32)
        dots = np.einsum("nka,na->nk", stored, along)
        return dots / np.sqrt(np.einsum("nka,nka->nk", stored, stored))


def _stored(path: Path, index: Index) -> np.ndarray:
    """The vectors of an index, mapped; its file begins with them: their number, their length, and
    one after the other.

    Raises:
        ValueError: it does not.
    """
    count, length = np.fromfile(path, np.uint32, 2).tolist()
    if (count, length) != (len(index), index.ndim):
        raise ValueError(f"{VECTORS}: vectors of another index")
    return np.memmap(path, np.int8, "r", HEADER, (count, length))


def _along(vectors: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Vectors along axes, [n, axes]. On one thread, as BLAS would not do it: the models need the
    other cores, and the sums are the same however many there are."""
    return np.einsum("nd,da->na", vectors, axes)


def _axes(vectors: np.ndarray) -> np.ndarray:
    """The principal axes that hold SHARE of the squares, as `Vectors` takes them."""
    count, dimension = vectors.shape
    none = np.empty((dimension, 0), np.float16)
    if count < FEWEST:
        return none
    some = vectors[:: -(-count // SAMPLE)].astype(np.float64)
    some /= np.linalg.norm(some, axis=1, keepdims=True)
    squares, axes = np.linalg.eigh(some.T @ some)  # the least first
    held = np.cumsum(squares[::-1]) / squares.sum()
    kept = -(-(int(np.searchsorted(held, SHARE)) + 1) // STEP) * STEP
    return axes[:, ::-1][:, :kept].astype(np.float16) if kept < dimension else none


def _quantized(vectors: np.ndarray) -> np.ndarray:
    """Vectors as int8, each stretched to the full range: the cosine does not see the scale."""
    most = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.rint(vectors * (127 / most)).astype(np.int8)


def _effort(index: Index, stored: np.ndarray) -> int:
    """The least of EFFORTS with which RECALL of the exact neighbours is found.

    The queries that it is measured on lie between the vectors of two terms, the same each time.
    """
    terms = len(index)
    if terms <= FETCHED:
        return EFFORTS[0]
    count = min(MOST_QUERIES, max(FEWEST_QUERIES, COMPARISONS // terms))
    chosen = np.random.default_rng(7).integers(0, terms, 2 * count)
    pairs = stored[chosen].astype(np.int16).reshape(count, 2, -1)
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
