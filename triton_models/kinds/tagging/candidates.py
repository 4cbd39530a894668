"""Spans of a query, found or not, and how likely each is by several answers to it. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from tokenizers import Encoding

from triton_models.kinds.tagging.answers import decoder_of
from triton_models.kinds.tagging.words import first_pieces, words_of


@dataclass(frozen=True)
class Candidate:
    """A span that is found; or a word at which one might begin, of which none is.

    Attributes:
        first, last: its words.
        start, end: its characters in the query, [start, end).
    """

    tag: str
    first: int
    last: int
    start: int
    end: int
    found: bool


class Candidates:
    """The candidates of a query.

    Args:
        labels: of the model.
        form: the query in normal form.
        encoding: its tokens, as the model reads them.
    """

    def __init__(self, labels: Sequence[str], form: str, encoding: Encoding) -> None:
        self.tags = [name[2:] for name in labels if name.startswith("B-")]
        self._labels, self._decoder = np.array(labels), decoder_of(tuple(labels))
        self._places = words_of(form)
        self._pieces = first_pieces(encoding, self._places)

    def found(self, answer: np.ndarray) -> list[Candidate]:
        """The spans that an answer, [length, labels], tells."""
        starts, ends = ([place[side] for place in self._places] for side in (0, 1))
        [found] = self._decoder.find(self._words(answer[None]), [self._places])
        return [
            Candidate(tag, starts.index(start), ends.index(end), start, end, found=True)
            for start, end, tag in found.spans
        ]

    def likeliest(self, answer: np.ndarray, tag: str) -> Candidate:
        """The word at which a span of the tag is likeliest to begin."""
        words = [
            Candidate(tag, word, word, start, end, found=False)
            for word, (start, end) in enumerate(self._places)
        ]
        return max(words, key=lambda word: self.probability(answer[None], word)[0])

    def scores(self, answer: np.ndarray, candidate: Candidate) -> dict[str, float]:
        """The probability of the same span with each tag."""
        others = ((tag, replace(candidate, tag=tag)) for tag in self.tags)
        return {tag: float(self.probability(answer[None], other)[0]) for tag, other in others}

    def probability(self, answers: np.ndarray, candidate: Candidate) -> np.ndarray:
        """The decoder's probability that exactly this span stands, as `predict` tells it: its tag
        begins at its first word, continues to its last, and no further. Of a word where none is
        found: that one begins there.

        Args:
            answers: to the query with several of its tokens replaced, [answers, length, labels].
        """
        tag, first, end = candidate.tag, candidate.first, candidate.last + 1
        allowed = np.ones((len(self._places), len(self._labels)), bool)
        allowed[first] = self._labels == f"B-{tag}"
        allowed[first + 1 : end] = self._labels == f"I-{tag}"
        if candidate.found:
            allowed[end : end + 1] = self._labels != f"I-{tag}"
        return self._decoder.share(self._words(answers), allowed)

    def _words(self, answers: np.ndarray) -> np.ndarray:
        """Probabilities of words, [answers, words, labels], from those of tokens."""
        return self._decoder.words(answers, [self._pieces] * len(answers))
