"""The likeliest valid tags of queries, and how likely each span is. Without torch.

A model gives each word probabilities by itself. Here they are taken together: of all sequences in
which every I continues its own tag, Viterbi finds the likeliest, and the forward and backward sums
give the probability that a span stands exactly so.

O and B may follow anything, so what comes before them counts as one sum; only I looks at its own
tag. The work of a word is thus in proportion to the labels, and plain lists are faster than arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import add, mul
from typing import NamedTuple

import numpy as np

from triton_models.kinds.tagging import OUTSIDE
from triton_models.kinds.tagging.words import NOT_READ, Place, Span, spans_of

NEVER = -1e9  # the logarithm of what cannot be
TINY = 1e-12
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
        self._names = [OUTSIDE, *(f"B-{tag}" for tag in tags), *(f"I-{tag}" for tag in tags)]
        self._columns = [place[name] for name in self._names]
        self._end = 1 + len(tags)  # of O and the Bs; the Is follow, in the same order
        self._outside = np.full(len(place), NEVER)
        self._outside[place[OUTSIDE]] = 0.0

    def words(self, answer: np.ndarray, pieces: Sequence[int]) -> np.ndarray:
        """Log-probabilities of words, [words, labels], from those of tokens, [length, labels].

        A word that the model has not read is outside.
        """
        logs = np.log(np.maximum(answer[np.maximum(pieces, 0)], TINY))
        return np.where(np.array(pieces)[:, None] == NOT_READ, self._outside, logs)

    def find(self, logs: np.ndarray, words: Sequence[Place]) -> Found:
        """The spans of one query, from log-probabilities [words, labels]."""
        if not len(words):
            return Found([], [], 1.0)
        scaled = np.exp(logs - logs.max(axis=1, keepdims=True))[:, self._columns]
        rows = np.maximum(scaled, LEAST).tolist()
        path, totals = self._path(rows), self._totals(rows)
        steps = [row[state] / total for row, state, total in zip(rows, path, totals, strict=True)]
        behind = self._behind(rows, totals)
        chances, whole = [], 1.0
        for n, (state, step) in enumerate(zip(path, steps, strict=True)):
            whole *= step
            if not state:
                continue
            if state < self._end:
                chances.append(1.0)
            ends = n + 1 == len(path) or path[n + 1] < self._end
            chances[-1] *= step * (behind[n] if ends else 1.0)
        spans = spans_of(words, [self._names[state] for state in path])
        return Found(spans, [min(1.0, chance) for chance in chances], min(1.0, whole))

    def _path(self, rows: Sequence[list[float]]) -> list[int]:
        """The likeliest valid labels, as places in `_names`."""
        end = self._end
        best, reached = repeat(0.0), []  # of the sequences that end in each tag
        for row in rows:
            states = row[:end]
            states += map(mul, row[end:], best)
            reached.append(states)
            scale = repeat(1 / max(states))
            best = map(mul, map(max, states[1:end], states[end:]), scale)
        path: list[int] = []
        for states in reversed(reached):
            if path and path[-1] >= end:  # an I: before it stands its own tag's I or B
                begin = path[-1] - end + 1
                path.append(begin if states[begin] >= states[path[-1]] else path[-1])
            else:
                path.append(states.index(max(states)))
        return path[::-1]

    def _totals(self, rows: Sequence[list[float]]) -> list[float]:
        """Of each word, the sum over its labels, given all that may stand before it."""
        end = self._end
        before, totals = repeat(0.0), []  # the share of each tag in the word before
        for row in rows:
            mine = [*map(add, row[1:end], map(mul, row[end:], before))]
            total = row[0] + sum(mine)
            before = map(mul, mine, repeat(1 / total))
            totals.append(total)
        return totals

    def _behind(self, rows: Sequence[list[float]], totals: Sequence[float]) -> list[float]:
        """Of each word, the share of what may stand behind it that does not continue its tag."""
        end = self._end
        other, own = 1.0, [1.0] * (end - 1)  # behind a word with O, and with each tag
        behind = [other]
        for row, total in zip(rows[:0:-1], totals[:0:-1], strict=True):
            other = (row[0] * other + sum(map(mul, row[1:end], own))) / total
            shares = map(mul, map(mul, row[end:], own), repeat(1 / total))
            own = [*map(add, shares, repeat(other))]
            behind.append(other)
        return behind[::-1]
