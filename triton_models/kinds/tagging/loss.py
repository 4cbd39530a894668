"""The loss of a tagging model: cross-entropy of the first piece of each word."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor
from torch.nn import functional

from triton_models.data.typos import ENGLISH, Typos, misspell, typos_of
from triton_models.kinds.tagging.data import Tagged
from triton_models.kinds.tagging.network import TagModel
from triton_models.kinds.tagging.words import NOT_READ, Place, first_pieces, words_of
from triton_models.text import arrays_of, cut
from triton_models.training.inputs import AT_ONCE, device, on_device

NEVER = -1e9  # the logarithm of what cannot be


@dataclass(frozen=True)
class Lesson:
    """How the loss is made.

    Attributes:
        smoothing: of the labels.
        misspelled: share of the queries that are read with a typo.
        consistency: weight of the divergence between two readings of a query; each has its own
            dropout, and the second the typos (R-Drop).
        language, confusions: of the typos; see `data.typos`.
    """

    smoothing: float = 0.05
    misspelled: float = 0.0
    consistency: float = 0.0
    language: str = "en"
    confusions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """A text with its words and their labels."""

    text: str
    words: tuple[Place, ...]
    labels: tuple[str, ...]
    weight: float = 1.0


def reading(one: Tagged) -> Reading:
    return Reading(one.text, tuple(words_of(one.text)), one.labels, one.weight)


class Loss:
    """The mean loss of the words of a batch of example indices."""

    def __init__(
        self,
        network: TagModel,
        tokenizer: Tokenizer,
        examples: Sequence[Tagged],
        labels: Sequence[str],
        lesson: Lesson,
    ) -> None:
        self.network, self.tokenizer, self.lesson = network, tokenizer, lesson
        self.examples = examples
        self.typos = typos_of(lesson.language, lesson.confusions)
        self.column = {label: i for i, label in enumerate(labels)}

    def __call__(self, rows: list[int]) -> Tensor:
        rng = random.Random(int(torch.randint(2**31, ())))  # so that torch's state says it all
        lesson = self.lesson
        clean = [reading(self.examples[i]) for i in rows]
        typed = [
            misspelled(r, rng, self.typos) if rng.random() < lesson.misspelled else r for r in clean
        ]
        readings = [clean, typed] if lesson.consistency else [typed]
        every = [one for part in readings for one in part]
        logits, read = word_logits(self.network, self.tokenizer, every)
        return mean_loss(logits, read, every, self.column, lesson)


def mean_loss(
    logits: Tensor,
    read: Tensor,
    readings: Sequence[Reading],
    column: Mapping[str, int],
    lesson: Lesson,
) -> Tensor:
    """The mean loss of the words of readings, by their logits and which of them were `read`; with
    consistency the second half of the readings is of the same queries as the first.
    """
    wanted = torch.tensor([column[x] for one in readings for x in one.labels])
    weights = torch.tensor([one.weight for one in readings for _ in one.labels])
    each = functional.cross_entropy(
        logits, wanted.to(logits.device), reduction="none", label_smoothing=lesson.smoothing
    )
    each = (each * weights.to(logits.device))[read].mean()
    if not lesson.consistency:
        return each
    a, b = logits.log_softmax(dim=1).chunk(2)
    both = read.chunk(2)[0] & read.chunk(2)[1]
    apart = ((a.exp() - b.exp()) * (a - b)).sum(dim=1)[both].mean() / 2
    return each + lesson.consistency * apart


def misspelled(one: Reading, rng: random.Random, typos: Typos = ENGLISH) -> Reading:
    """The same with a typo in one to three words."""
    words = [one.text[start:end] for start, end in one.words]
    typed = misspell(" ".join(words), rng, typos).split(" ")
    text, places, end = "", [], 0
    for (start, stop), word in zip(one.words, typed, strict=True):
        text += one.text[end:start]
        places.append((len(text), len(text) + len(word)))
        text, end = text + word, stop
    return Reading(text, tuple(places), one.labels, one.weight)


def word_logits(
    network: TagModel, tokenizer: Tokenizer, readings: Sequence[Reading]
) -> tuple[Tensor, Tensor]:
    """Logits of all words one after the other, [words, labels], and which of them were read."""
    longest = cut(tokenizer)
    encodings = tokenizer.encode_batch([one.text for one in readings])
    logits = network.logits(*on_device(arrays_of(encodings, longest), device(network), 2)).float()
    rows, columns = places_of(encodings, readings)
    return logits[rows, columns], (columns != NOT_READ).to(logits.device)


def places_of(encodings: Sequence[Encoding], readings: Sequence[Reading]) -> tuple[Tensor, Tensor]:
    """The row of each word and the column of its first piece, `NOT_READ` for none: [words] both."""
    pieces = [first_pieces(e, r.words) for e, r in zip(encodings, readings, strict=True)]
    rows = torch.tensor([row for row, mine in enumerate(pieces) for _ in mine])
    return rows, torch.tensor([piece for mine in pieces for piece in mine])


def outside(logits: Tensor) -> Tensor:
    """Log-probabilities of a word that surely has the first label, which is O."""
    return torch.full_like(logits[0], NEVER).index_fill(0, logits.new_zeros(1).long(), 0.0)


def said(network: TagModel, tokenizer: Tokenizer, examples: Sequence[Tagged]) -> list[Tensor]:
    """Log-probabilities of each query's words, [words, labels]; those that the model does not
    read are outside.
    """
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].text))
    found: list[Tensor] = [torch.empty(0)] * len(examples)
    with torch.inference_mode():
        for start in range(0, len(order), AT_ONCE):
            rows = order[start : start + AT_ONCE]
            readings = [reading(examples[i]) for i in rows]
            logits, read = word_logits(network, tokenizer, readings)
            logs = torch.where(read[:, None], logits.log_softmax(dim=1), outside(logits)).cpu()
            parts = logs.split([len(one.words) for one in readings])
            for row, part in zip(rows, parts, strict=True):
                found[row] = part
    return found
