"""The likeliest valid tags of queries, and how likely each span is. NumPy only.

A model gives each word probabilities by itself. Here they are taken together: of all sequences in
which every I continues its own tag, Viterbi finds the likeliest, and the forward and backward sums
give the probability that a span stands exactly so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from triton_models.kinds.tagging import OUTSIDE
from triton_models.kinds.tagging.words import NOT_READ, Place, Span, spans_of

NEVER = -1e9  # the logarithm of what cannot be
TINY = 1e-12


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
        self.labels = list(labels)
        inside = np.array([label.startswith("I-") for label in labels])
        tags = np.array([label.partition("-")[2] for label in labels])
        wrong = inside[None, :] & (tags[:, None] != tags[None, :])
        self.start = np.where(inside, NEVER, 0.0)
        self.steps = np.where(wrong, NEVER, 0.0)  # [from, to]
        self.outside = np.full(len(self.labels), NEVER)
        self.outside[self.labels.index(OUTSIDE)] = 0.0

    def words(self, answer: np.ndarray, pieces: Sequence[int]) -> np.ndarray:
        """Log-probabilities of words, [words, labels], from those of tokens, [length, labels].

        A word that the model has not read is outside.
        """
        logs = np.log(np.maximum(answer[np.maximum(pieces, 0)], TINY))
        return np.where(np.array(pieces)[:, None] == NOT_READ, self.outside, logs)

    def find(self, logs: np.ndarray, words: Sequence[Place]) -> Found:
        """The spans of one query, from log-probabilities [words, labels]."""
        if not len(words):
            return Found([], [], 1.0)
        path, score = self.path(logs)
        forward, backward = self.sums(logs)
        total = _sum(forward[-1])
        names = [self.labels[i] for i in path]
        spans = spans_of(words, names)
        starts = [i for i, name in enumerate(names) if name.startswith("B-")]
        found = [self.span(logs, forward, backward, path, start) for start in starts]
        chances = [float(np.exp(min(0.0, log - total))) for log in found]
        return Found(spans, chances, float(np.exp(min(0.0, score - total))))

    def path(self, logs: np.ndarray) -> tuple[list[int], float]:
        """The likeliest valid labels, and the logarithm of their product."""
        best, back = logs[0] + self.start, []
        for row in logs[1:]:
            moves = best[:, None] + self.steps
            back.append(moves.argmax(axis=0))
            best = moves.max(axis=0) + row
        path = [int(best.argmax())]
        for came in reversed(back):
            path.append(int(came[path[-1]]))
        return path[::-1], float(best.max())

    def sums(self, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logarithms of the sums over valid labels, [words, labels]: of the words up to each, it
        included, and of those after it.
        """
        forward, backward = np.empty_like(logs), np.zeros_like(logs)
        forward[0] = logs[0] + self.start
        for i in range(1, len(logs)):
            forward[i] = _sum(forward[i - 1][:, None] + self.steps) + logs[i]
        for i in range(len(logs) - 2, -1, -1):
            backward[i] = _sum((self.steps + (logs[i + 1] + backward[i + 1])).T)
        return forward, backward

    def span(
        self,
        logs: np.ndarray,
        forward: np.ndarray,
        backward: np.ndarray,
        path: Sequence[int],
        start: int,
    ) -> float:
        """The logarithm of the sum over all labels in which a span of the path stands exactly."""
        inside = self.labels.index("I-" + self.labels[path[start]][2:])
        end, log = start + 1, forward[start, path[start]]
        while end < len(path) and path[end] == inside:
            log, end = log + logs[end, inside], end + 1
        if end == len(path):
            return log
        after = self.steps[path[end - 1]] + logs[end] + backward[end]
        after[inside] = NEVER  # there it would be longer
        return log + _sum(after)


def _sum(values: np.ndarray) -> np.ndarray:
    """The logarithm of the sum of exponentials over the first axis."""
    most = values.max(axis=0)
    return most + np.log(np.exp(values - most).sum(axis=0))
