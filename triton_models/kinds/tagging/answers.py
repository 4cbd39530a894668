"""What the label probabilities of a tagging model say."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from triton_models.contract import ModelContract
from triton_models.kinds.tagging.decode import Decoder, Found
from triton_models.kinds.tagging.words import first_pieces, words_of
from triton_models.kinds.values import DIGITS, least_share, no_chances, same_labels

AGREEMENT = "equal labels of tokens {:.1%}"
least = least_share


def fault(contract: ModelContract, values: np.ndarray) -> str:
    """Why no tagging model gives such an answer; "" if one may."""
    return no_chances(values)


def agreement(contract: ModelContract, expected: np.ndarray, found: np.ndarray) -> float:
    """The share of tokens with the same likeliest label; both are [tokens, labels]."""
    return same_labels(expected, found)


def word_chances(model: Any, form: str, answer: np.ndarray) -> np.ndarray:
    """Probabilities of the words of a query in normal form, [words, labels], from its answer
    [length, labels].

    `model` has a `contract`, and the `tokenizer` that made the answer's tokens, which cuts.
    """
    pieces = first_pieces(model.tokenizer.encode(form), words_of(form))
    [chances] = decoder_of(model.contract.labels).words(answer[None], [pieces])
    return chances


def decoded(model: Any, form: str, answer: np.ndarray) -> Found:
    """The spans of the same."""
    chances = word_chances(model, form, answer)
    [found] = decoder_of(model.contract.labels).find(chances[None], [words_of(form)])
    return found


def prediction(predictor: Any, form: str, answer: np.ndarray) -> dict[str, Any]:
    """What `predict` says of a query: spans as characters of its normal form, each with the
    probability that it is right, and the probability that all of them are.
    """
    found = decoded(predictor, form, answer)
    spans = [
        {**span._asdict(), "text": form[span.start : span.end], "probability": round(p, DIGITS)}
        for span, p in zip(found.spans, found.probabilities, strict=True)
    ]
    return {"normalized_query": form, "spans": spans, "confidence": round(found.whole, DIGITS)}


@lru_cache(maxsize=8)
def decoder_of(labels: tuple[str, ...]) -> Decoder:
    return Decoder(labels)
