"""`explain`: how much each word of a query weighs in a model's answer, by occlusion.

The served model is asked again with words left out: each alone, and in many combinations, from
which come the words' Shapley values. Those add up to what all words do together, and share out
what several words say alike, where leaving out one of them shows nothing. In pairs a word is
replaced by [MASK] instead, since two texts without words are alike, and each text has its turn
while the other stays whole. What tagging finds is explained in `spans`. A leaf that the worker may
import: ONNX Runtime, no torch.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
from tokenizers import Encoding

from triton_models.query_text import normal_form
from triton_models.serving.predictor import Predictor, Tokens
from triton_models.settings import UsageError, listed
from triton_models.text import special

# What a reader takes for a word: no white space in it; scripts without spaces go by character.
_ALONE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
PARTS = ("query", "term")
EXACT = 6  # words up to which every order is gone through
ORDERS = 48  # for longer texts: drawn, each with its reverse; the same for every call
WORD = re.compile(rf"[{_ALONE}]|[^\s{_ALONE}]+")
Value = Callable[[np.ndarray], np.ndarray]  # what is explained: of answers, a figure of each


@dataclass(frozen=True)
class Word:
    """A word and its weight.

    Attributes:
        part: "query" or "term".
        tokens: its places in the model's sequence; none where the model read no further.
        without: the answer when this word alone is left out.
        effect: its Shapley value; above 0 it speaks for the answer.
        gradient: the same by integrated gradients on the checkpoint, if asked for.
    """

    text: str
    part: str
    tokens: tuple[int, ...]
    without: float = 0.0
    effect: float = 0.0
    gradient: float | None = None


@dataclass(frozen=True)
class Explanation:
    """Why a model answers as it does.

    Attributes:
        kind: of the model.
        label: the intent or tag that is explained; None for matching.
        score: its probability, or the pair's score.
        without_words: the same when no word of a part is left, by part.
        scores: every label's probability; empty for matching.
        threshold: the score from which a pair is a match; None for other kinds.
    """

    kind: str
    query: str
    term: str | None
    label: str | None
    score: float
    without_words: dict[str, float]
    scores: dict[str, float]
    threshold: float | None
    words: tuple[Word, ...]

    @property
    def totals(self) -> dict[str, float]:
        """What all words of a part do together."""
        return {part: self.score - rest for part, rest in self.without_words.items()}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {n: v for n, v in asdict(self).items() if n != "kind"} | {"totals": self.totals}


def explain(
    predictor: Predictor, query: str, term: str | None = None, label: str | None = None
) -> Explanation:
    """The words' effects on the probability of `label`, by default the predicted one; of a query
    and a term, on the pair's score.

    Raises:
        UsageError: a text has no visible character, or the model has no such label.
    """
    labels = predictor.contract.labels
    if label is not None and label not in labels:
        raise UsageError(f"--label {label}: the model has no such label; {listed(labels)}")
    mask = None if term is None else special(predictor.tokenizer, "mask")
    asked = Asked(predictor, *read(predictor, query, term), mask)
    answer = asked([()])[0]
    column = int(answer.argmax()) if label is None else labels.index(label)

    def value(answers: np.ndarray) -> np.ndarray:
        return answers[:, column]

    return Explanation(
        kind=predictor.contract.kind,
        query=normal_form(query),
        term=term,
        label=labels[column] if labels else None,
        score=float(answer[column]),
        without_words=asked.without_words(value),
        scores=dict(zip(labels, map(float, answer), strict=True)) if labels else {},
        threshold=predictor.contract.threshold,
        words=weighed(asked, value),
    )


def read(
    predictor: Predictor, query: str, term: str | None = None
) -> tuple[Encoding, tuple[Word, ...]]:
    """The model's sequence, and the words with their places in it."""
    texts = (normal_form(query),) if term is None else (normal_form(query), term)
    if not all(map(normal_form, texts)):
        raise UsageError("no visible character to explain; give a query, and for matching a term")
    encoding = predictor.encode([texts[0]], None if term is None else [texts[1]])[0]
    return encoding, place(encoding, texts)


def place(encoding: Encoding, texts: Sequence[str]) -> tuple[Word, ...]:
    """The words of the texts, word pieces joined."""
    words = []
    for number, text in enumerate(texts):
        mine = [
            (index, *offsets)
            for index, (offsets, sequence) in enumerate(
                zip(encoding.offsets, encoding.sequence_ids, strict=True)
            )
            if sequence == number
        ]
        for found in WORD.finditer(text):
            inside = (i for i, start, end in mine if start < found.end() and end > found.start())
            words.append(Word(found.group(), PARTS[number], tuple(inside)))
    return tuple(words)


class Asked:
    """The model's answers to the text without some of its words, each asked for once.

    Args:
        mask: the id of the token in the place of an absent word; None leaves the word out.
    """

    def __init__(
        self, predictor: Predictor, encoding: Encoding, words: Sequence[Word], mask: int | None
    ) -> None:
        self.words = words
        self._predictor, self._encoding, self._mask = predictor, encoding, mask
        self._known: dict[frozenset[int], np.ndarray] = {}

    def parts(self) -> dict[str, list[int]]:
        """The indices of the words that the model reads, by part."""
        found: dict[str, list[int]] = {word.part: [] for word in self.words}
        for index, word in enumerate(self.words):
            found[word.part] += [index] if word.tokens else []
        return found

    def without_words(self, value: Value) -> dict[str, float]:
        parts = self.parts()
        return dict(zip(parts, map(float, value(self(list(parts.values())))), strict=True))

    def __call__(self, absent: Sequence[Iterable[int]]) -> np.ndarray:
        """Answers without the words at these indices: float32 [len(absent), dimension]; of a kind
        that answers by token, for which words must be masked, [len(absent), length, dimension].
        """
        sets = [frozenset(i for i in indices if self.words[i].tokens) for indices in absent]
        new = [words for words in dict.fromkeys(sets) if words not in self._known]
        if new:
            answers = self._predictor.answer([self._left(words) for words in new])
            self._known.update(zip(new, answers, strict=True))
        return np.stack([self._known[words] for words in sets])

    def _left(self, absent: Set[int]) -> Tokens:
        gone = {token for i in absent for token in self.words[i].tokens}
        ids, types = self._encoding.ids, self._encoding.type_ids
        if self._mask is not None:
            return [self._mask if i in gone else piece for i, piece in enumerate(ids)], types
        kept = [i for i in range(len(ids)) if i not in gone]
        return [ids[i] for i in kept], [types[i] for i in kept]


def weighed(asked: Asked, value: Value) -> tuple[Word, ...]:
    """The words with what the value is without each, and with their Shapley values."""
    words = asked.words
    without = value(asked([(i,) for i in range(len(words))]))
    effects = np.zeros(len(words))
    for indices in asked.parts().values():
        orders = _orders(indices)
        values = value(asked([order[:k] for order in orders for k in range(len(order) + 1)]))
        steps = values.astype(float).reshape(len(orders), -1)
        for order, loss in zip(orders, steps[:, :-1] - steps[:, 1:], strict=True):
            effects[list(order)] += loss / len(orders)
    return tuple(
        replace(word, without=float(rest), effect=float(effect))
        for word, rest, effect in zip(words, without, effects, strict=True)
    )


def _orders(indices: list[int]) -> list[tuple[int, ...]]:
    """Orders in which the words go: all of them, or a fixed sample."""
    if len(indices) <= EXACT:
        return list(permutations(indices))
    rng = random.Random(7)
    drawn = [tuple(rng.sample(indices, len(indices))) for _ in range(ORDERS // 2)]
    return drawn + [order[::-1] for order in drawn]


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's, ties sharing their mean rank; 0 where one of the two is constant."""
    ranks = [_ranks(np.asarray(values, float)) for values in (a, b)]
    x, y = (r - r.mean() for r in ranks)
    length = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / length if length else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]
