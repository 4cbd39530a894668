"""`explain tagging`: how much each word of a query weighs in a span that is found.

As in `explain`, by Shapley values; absent words are replaced by [MASK], so that the others keep
their places. What is shared out is the decoder's probability of exactly the span, the one that
`predict` tells. A leaf that the worker may import: ONNX Runtime, no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from triton_models.explanation.explain import Asked, Explanation, read, weighed
from triton_models.query_text import normal_form
from triton_models.serving.predictor import Predictor
from triton_models.settings import UsageError
from triton_models.text import special


@dataclass(frozen=True)
class SpanExplanation(Explanation):
    """Why a span is found; or, of a tag that has none, why no span begins at its likeliest word.

    `label` is the tag, `score` the probability of exactly this span, or that one begins at the
    word; `scores` is the same for each tag.

    Attributes:
        start, end: its characters in the query, [start, end).
        found: whether the model finds it.
    """

    start: int
    end: int
    found: bool

    @property
    def text(self) -> str:
        return self.query[self.start : self.end]

    def as_dict(self) -> dict[str, Any]:
        """For JSON, by the names that `predict` gives to a span."""
        span = {"start": self.start, "end": self.end, "tag": self.label, "text": self.text}
        span |= {"probability": self.score, "found": self.found}
        every = super().as_dict()
        return span | {n: every[n] for n in ("scores", "without_words", "totals", "words")}


def explain(predictor: Predictor, query: str, tag: str | None = None) -> list[SpanExplanation]:
    """The words' effects on each span that is found, in the query's order; with `tag` on those of
    that tag, or if there is none, on the word that is likeliest to begin one.

    Raises:
        UsageError: the query has no visible character, or the model has no such tag or no [MASK].
    """
    encoding, words = read(predictor, query)
    form, contract = normal_form(query), predictor.contract
    candidates = contract.spec.part("candidates").Candidates(contract.labels, form, encoding)
    if tag is not None and tag not in candidates.tags:
        raise UsageError(f"--label {tag}: the model has no such tag; {', '.join(candidates.tags)}")
    asked = Asked(predictor, encoding, words, _mask(predictor))
    answer = asked([()])[0]
    found = [one for one in candidates.found(answer) if tag in (None, one.tag)]
    if tag is not None and not found:
        found = [candidates.likeliest(answer, tag)]
    return [_explained(asked, candidates, one, form) for one in found]


def _explained(asked: Asked, candidates: Any, one: Any, form: str) -> SpanExplanation:
    """The words' effects on one of the candidates, which are of the kind's own classes."""

    def value(answers: np.ndarray) -> np.ndarray:
        return candidates.probability(answers, one)

    scores = candidates.scores(asked([()])[0], one)
    return SpanExplanation(
        kind="tagging",
        query=form,
        term=None,
        label=one.tag,
        score=scores[one.tag],
        without_words=asked.without_words(value),
        scores=scores,
        threshold=None,
        words=weighed(asked, value),
        start=one.start,
        end=one.end,
        found=one.found,
    )


def _mask(predictor: Predictor) -> int:
    """The token in the place of an absent word; raises UsageError where there is none."""
    mask = special(predictor.tokenizer, "mask")
    if mask is None:
        raise UsageError(
            f"{predictor.contract.folder}: its tokenizer has no mask token to replace words by;"
            " give --model another folder"
        )
    return mask
