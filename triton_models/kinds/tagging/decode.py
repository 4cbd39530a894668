"""The likeliest valid tags of queries, and how likely each span is. Without torch.

A model gives each word probabilities by itself. Here they are taken together: of all sequences in
which every I continues its own tag, Viterbi finds the likeliest, and the forward and backward sums
give the probability that a span stands exactly so.

O and B may follow anything, so what comes before them counts as one sum; only I looks at its own
tag. The work of a word is thus in proportion to the labels. All queries of a batch are decoded
together, word by word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from triton_models.kinds.tagging import OUTSIDE
from triton_models.kinds.tagging.words import NOT_READ, Place, Span

TINY = 1e-12  # of a label that the model gives no chance, or that has no answer
LEAST = 1e-100  # of a label beside the likeliest one of its word


class Found(NamedTuple):
    """The spans of a query.

    Attributes:
        probabilities: of each span.
        whole: the probability that all labels are right.
    """

    spans: list[Span]
    probabilities: list[float]
    whole: float


class Decoder:
    """Decodes the answers of a model with these labels."""

    def __init__(self, labels: Sequence[str]) -> None:
        place = {label: i for i, label in enumerate(labels)}
        tags = [label[2:] for label in labels if label.startswith("B-")]
        names = [OUTSIDE, *(f"B-{tag}" for tag in tags), *(f"I-{tag}" for tag in tags)]
        self._columns = [place[name] for name in names]
        self._tags = [OUTSIDE, *tags, *tags]
        self._end = 1 + len(tags)  # of O and the Bs; the Is follow, in the same order
        self._outside = np.zeros(len(place))
        self._outside[place[OUTSIDE]] = 1.0

    def words(self, answers: np.ndarray, pieces: Sequence[Sequence[int]]) -> np.ndarray:
        """Probabilities of words, [queries, most words, labels], from those of tokens, [queries,
        length, labels].

        Args:
            pieces: of each query, where its words begin among its tokens. A word that the model has
                not read is outside.
        """
        count = max(map(len, pieces), default=0)
        places = np.array([[*of, *[NOT_READ] * (count - len(of))] for of in pieces], np.intp)
        read = answers[np.arange(len(places))[:, None], places]
        return np.where((places == NOT_READ)[:, :, None], self._outside, read)

    def together(self, chances: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities [words, labels] of several queries as `find` takes them."""
        count = max(map(len, chances), default=0)
        made = np.tile(self._outside, (len(chances), count, 1))
        for row, mine in zip(made, chances, strict=True):
            row[: len(mine)] = mine
        return made

    def find(self, chances: np.ndarray, words: Sequence[Sequence[Place]]) -> list[Found]:
        """The spans of each query.

        Args:
            chances: of words, [queries, most words, labels]; outside what a query has not.
        """
        if not chances.size:
            return [Found([], [], 1.0)] * len(words)
        rows = self._rows(chances)
        path, totals = self._path(rows), self._totals(rows)
        steps = np.take_along_axis(rows, path[:, :, None], axis=2)[:, :, 0] / totals
        behind = self._behind(rows, totals)
        return list(map(self._found, words, *(a.T.tolist() for a in (path, steps, behind))))

    def share(self, chances: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """The probability, in each query, that the label of every word is one that it may have.

        Args:
            chances: of words, [queries, words, labels]; all queries have as many words.
            allowed: bool [words, labels]; at least one valid sequence is.
        """
        rows = self._rows(chances)
        among = rows * allowed[:, None, self._columns]
        return np.minimum(1.0, (self._totals(among) / self._totals(rows)).prod(axis=0))

    def _rows(self, chances: np.ndarray) -> np.ndarray:
        """Chances beside that of the likeliest label of their word: [words, queries, labels]."""
        scaled = np.maximum(chances[:, :, self._columns], TINY, dtype=np.float64)
        scaled /= scaled.max(axis=2, keepdims=True)
        return np.maximum(scaled, LEAST).swapaxes(0, 1)

    def _found(
        self, words: Sequence[Place], path: list[int], steps: list[float], behind: list[float]
    ) -> Found:
        """The spans of one query.

        Args:
            path: of each word, its label, as a place in `_tags`.
            steps: the probability of each, given the one before.
            behind: see `_behind`.
        """
        spans, chances, begin, chance, whole = [], [], 0, 1.0, 1.0
        for n, (start, stop) in enumerate(words):
            state, step = path[n], steps[n]
            whole *= step
            if not state:
                continue
            if state < self._end:
                begin, chance = start, 1.0
            chance *= step
            if n + 1 == len(words) or path[n + 1] < self._end:
                spans.append(Span(begin, stop, self._tags[state]))
                chances.append(min(1.0, chance * behind[n]))
        return Found(spans, chances, min(1.0, whole))

    def _path(self, rows: np.ndarray) -> np.ndarray:
        """The likeliest valid labels, as places in `_tags`, [most words, queries]."""
        likeliest = rows.argmax(axis=2)
        if not self._broken(likeliest).any():  # nothing is likelier than each word's likeliest
            return likeliest
        end, best, reached = self._end, 0.0, []  # of the sequences that end in each tag
        for row in rows:
            states = np.concatenate([row[:, :end], row[:, end:] * best], axis=1)
            reached.append(states)
            best = np.maximum(states[:, 1:end], states[:, end:])
            best /= states.max(axis=1, keepdims=True)
        every = np.arange(rows.shape[1])
        path = [reached[-1].argmax(axis=1)]
        for states in reversed(reached[:-1]):
            after = path[-1]  # before an I stands its own tag's I or B
            begin = np.maximum(after - end + 1, 0)
            own = np.where(states[every, begin] >= states[every, after], begin, after)
            path.append(np.where(after >= end, own, states.argmax(axis=1)))
        return np.stack(path[::-1])

    def _broken(self, path: np.ndarray) -> np.ndarray:
        """Where an I does not continue its own tag."""
        before = np.vstack([np.zeros_like(path[:1]), path[:-1]])
        continues = (before == path) | (before == path - self._end + 1)
        return (path >= self._end) & ~continues

    def _totals(self, rows: np.ndarray) -> np.ndarray:
        """Of each word, the sum over its labels, given all that may stand before it."""
        end, before = self._end, 0.0  # the share of each tag in the word before
        totals = []
        for row in rows:
            mine = row[:, 1:end] + row[:, end:] * before
            totals.append(row[:, 0] + mine.sum(axis=1))
            before = mine / totals[-1][:, None]
        return np.stack(totals)

    def _behind(self, rows: np.ndarray, totals: np.ndarray) -> np.ndarray:
        """Of each word, the share of what may stand behind it that does not continue its tag."""
        end = self._end
        other, own = np.ones(rows.shape[1]), 1.0  # behind a word with O, and with each tag
        behind = [other]
        for row, total in zip(rows[:0:-1], totals[:0:-1], strict=True):
            other = (row[:, 0] * other + (row[:, 1:end] * own).sum(axis=1)) / total
            own = row[:, end:] * own / total[:, None] + other[:, None]
            behind.append(other)
        return np.stack(behind[::-1])
