"""Texts that are nearly the same: character 3-grams with a Jaccard similarity of 0.8 or more.

Exact, not sampled. Two such texts differ in few 3-grams, d at most, so of d + 1 parts of all
3-grams there is one in which they have the same (PartEnum: Arasu et al., VLDB 2006). Only texts
that agree on a part are compared, all of it in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SIMILAR = 0.8
AT_ONCE = 1_000_000  # candidate pairs in memory
_HASH = 40  # bits of a 3-gram's hash; the row stands in those above
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SKETCH = 128  # bits of a row's sketch
_ONES = (
    np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8))
    .reshape(-1, 16)
    .sum(axis=1, dtype=np.uint8)
)  # how many bits of a 16-bit word are 1


@dataclass(frozen=True)
class Grams:
    """The different 3-grams of each text, a row a text.

    Attributes:
        ids: int64 [all 3-grams], their hashes, ascending within a row.
        starts: int64 [rows + 1], where each row begins in `ids`.
    """

    ids: np.ndarray
    starts: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        return np.diff(self.starts)

    def of(self, rows: np.ndarray) -> np.ndarray:
        """The 3-grams of these rows, one after the other."""
        counts = self.sizes[rows]
        return self.ids[np.repeat(self.starts[rows], counts) + _within(counts)]


def nearest(
    texts: Sequence[str], others: Sequence[str], similar: float = SIMILAR
) -> tuple[np.ndarray, np.ndarray]:
    """For each text the most similar of `others`, if any is similar enough.

    Returns its position, int64 [texts], -1 where there is none, and the similarity, float64
    [texts], 0 where there is none.
    """
    best, score = np.full(len(texts), -1), np.zeros(len(texts))
    if len(texts) == 0 or len(others) == 0:
        return best, score
    both = grams([*texts, *others])
    for mine, theirs in _candidates(both, len(texts), similar):
        found = _jaccard(both, mine, theirs)
        good = found >= similar
        mine, theirs, found = mine[good], theirs[good] - len(texts), found[good]
        order = np.argsort(found, kind="stable")  # the last one written is the best
        better = order[found[order] > score[mine[order]]]
        best[mine[better]], score[mine[better]] = theirs[better], found[better]
    return best, score


def grams(texts: Sequence[str]) -> Grams:
    """The 3-grams of texts, a space before and behind each, so that short texts have some."""
    joined = "".join(f" {text} " for text in texts)
    points = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    rows = np.repeat(np.arange(len(texts)), [len(text) + 2 for text in texts])
    inside = rows[:-2] == rows[2:]
    values = (points[:-2] << 42 | points[1:-1] << 21 | points[2:])[inside]
    hashes = (values * _MIX >> np.uint64(64 - _HASH)).astype(np.int64)
    keys = np.unique(rows[:-2][inside] << _HASH | hashes)  # each once in its row
    starts = np.searchsorted(keys >> _HASH, np.arange(len(texts) + 1))
    return Grams(keys & (1 << _HASH) - 1, starts)


def _candidates(both: Grams, split: int, similar: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (row below `split`, row from it on) that may be similar; some come twice.

    Rows are taken by size, since similar ones differ in it by a factor of at most `similar`.
    """
    sizes, sketch = both.sizes, _sketches(both)
    apart = (1 - similar) / (1 + similar)  # of the sizes' sum: 3-grams that two do not share
    low = 1
    while low <= sizes.max():
        middle = int(low / similar) + 1  # a row of low … middle - 1 has its like below high
        high = int(middle / similar) + 1
        rows = np.flatnonzero((sizes >= low) & (sizes < high))
        for same in _signatures(both, rows, int(apart * 2 * (high - 1)) + 1):
            for mine, theirs in _equal(rows, same, split):
                most = apart * (sizes[mine] + sizes[theirs]) + 1e-9
                fits = _ONES[sketch[mine] ^ sketch[theirs]].sum(axis=1) <= most
                yield mine[fits], theirs[fits]
        low = middle


def _signatures(both: Grams, rows: np.ndarray, parts: int) -> Iterator[np.ndarray]:
    """For each part of the 3-grams, a hash of those that a row has in it, uint64 [rows]."""
    ids, ends = both.of(rows), np.cumsum(both.sizes[rows])
    mixed, belongs = ids.astype(np.uint64) * _MIX, ids % parts
    mixed ^= mixed >> np.uint64(29)
    for part in range(parts):
        total = np.cumsum(mixed * (belongs == part))  # wraps around, and so do its differences
        yield np.diff(total[ends - 1], prepend=np.uint64(0))


def _sketches(both: Grams) -> np.ndarray:
    """A bit for every 3-gram, uint16 [rows, words]: where two differ, so do the 3-grams."""
    words = _SKETCH // 16
    bits = np.zeros((len(both.sizes), _SKETCH), dtype=np.uint8)
    bits[np.repeat(np.arange(len(both.sizes)), both.sizes), both.ids % _SKETCH] = 1
    return np.packbits(bits, axis=1).view(np.uint16).reshape(-1, words)


def _equal(
    rows: np.ndarray, same: np.ndarray, split: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of equal signature, about AT_ONCE at a time."""
    mine, theirs = rows < split, rows >= split
    order = np.argsort(same[theirs], kind="stable")
    posting, holder = same[theirs][order], rows[theirs][order]
    rows, same = rows[mine], same[mine]
    first = np.searchsorted(posting, same, "left")
    counts = np.searchsorted(posting, same, "right") - first
    for part in _chunks(counts):
        repeated = np.repeat(first[part], counts[part]) + _within(counts[part])
        yield np.repeat(rows[part], counts[part]), holder[repeated]


def _chunks(counts: np.ndarray) -> Iterator[slice]:
    """Slices of the rows with AT_ONCE candidates each, or one row."""
    total, start, done = np.cumsum(counts), 0, 0
    while start < len(counts):
        end = max(int(np.searchsorted(total, done + AT_ONCE, "right")), start + 1)
        yield slice(start, end)
        start, done = end, int(total[end - 1])


def _within(counts: np.ndarray) -> np.ndarray:
    """0, 1 … counts[0] - 1, then 0, 1 … counts[1] - 1, and so on."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def _jaccard(both: Grams, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The similarity of row pairs, float64 [pairs]."""
    sizes, counts = both.sizes, both.sizes[theirs]
    rows, place = np.unique(mine, return_inverse=True)  # a small table, for the cache's sake
    table = np.repeat(np.arange(len(rows)), sizes[rows]) << _HASH | both.of(rows)  # ascending
    wanted = np.repeat(place, counts) << _HASH | both.of(theirs)
    found = table[np.minimum(np.searchsorted(table, wanted), len(table) - 1)] == wanted
    shared = np.diff(np.cumsum(found)[np.cumsum(counts) - 1], prepend=0)
    return shared / (sizes[mine] + counts - shared)
