"""The loss of a tagging model: cross-entropy of the first piece of each word."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from triton_models.data.typos import misspell
from triton_models.kinds.tagging.data import Tagged
from triton_models.kinds.tagging.network import TagModel
from triton_models.kinds.tagging.words import NOT_READ, Place, first_pieces, tagged, words_of
from triton_models.settings import MAX_LENGTH
from triton_models.text import arrays_of
from triton_models.training.inputs import device, on_device

AT_ONCE = 128  # queries of a batch without gradients


@dataclass(frozen=True)
class Lesson:
    """How the loss is made.

    Attributes:
        smoothing: of the labels.
        misspelled: share of the queries that are read with a typo.
        exchanged: share in which a span is exchanged for another of its tag.
        consistency: weight of the divergence between two readings of a query; each has its own
            dropout, and the second the typos (R-Drop).
    """

    smoothing: float = 0.05
    misspelled: float = 0.0
    exchanged: float = 0.0
    consistency: float = 0.0


@dataclass(frozen=True)
class Reading:
    """A text with its words and their labels."""

    text: str
    words: tuple[Place, ...]
    labels: tuple[str, ...]


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
        self.column = {label: i for i, label in enumerate(labels)}
        self.known: dict[str, list[str]] = defaultdict(list)  # texts of the spans of each tag
        for one in examples:
            for start, end, tag in one.spans:
                self.known[tag].append(one.text[start:end])

    def __call__(self, rows: list[int]) -> Tensor:
        rng = random.Random(int(torch.randint(2**31, ())))  # so that torch's state says it all
        lesson = self.lesson
        clean = [self.exchanged(self.examples[i], rng) for i in rows]
        typed = [misspelled(r, rng) if rng.random() < lesson.misspelled else r for r in clean]
        readings = [clean, typed] if lesson.consistency else [typed]
        logits, read = word_logits(
            self.network, self.tokenizer, [one for part in readings for one in part]
        )
        wanted = torch.tensor(
            [self.column[x] for part in readings for one in part for x in one.labels]
        ).to(logits.device)
        each = functional.cross_entropy(
            logits[read], wanted[read], label_smoothing=lesson.smoothing
        )
        if not lesson.consistency:
            return each
        a, b = logits.log_softmax(dim=1).chunk(2)
        both = read.chunk(2)[0] & read.chunk(2)[1]
        apart = ((a.exp() - b.exp()) * (a - b)).sum(dim=1)[both].mean() / 2
        return each + lesson.consistency * apart

    def exchanged(self, one: Tagged, rng: random.Random) -> Reading:
        """The example, or one in which another span of the same tag stands for one of its own."""
        text, spans = one.text, one.spans
        if spans and rng.random() < self.lesson.exchanged:
            chosen = rng.choice(spans)
            other = rng.choice(self.known[chosen.tag])
            moved = len(other) - (chosen.end - chosen.start)
            text = text[: chosen.start] + other + text[chosen.end :]
            spans = [
                s._replace(end=s.end + moved)
                if s == chosen
                else s._replace(start=s.start + moved, end=s.end + moved)
                if s.start > chosen.start
                else s
                for s in spans
            ]
            words = words_of(text)
            return Reading(text, tuple(words), tuple(tagged(words, spans)))
        return Reading(text, tuple(words_of(text)), one.labels)


def misspelled(one: Reading, rng: random.Random) -> Reading:
    """The same with a typo in one to three words."""
    words = [one.text[start:end] for start, end in one.words]
    typed = misspell(" ".join(words), {}, rng).split(" ")
    text, places, end = "", [], 0
    for (start, stop), word in zip(one.words, typed, strict=True):
        text += one.text[end:start]
        places.append((len(text), len(text) + len(word)))
        text, end = text + word, stop
    return Reading(text, tuple(places), one.labels)


def word_logits(
    network: TagModel, tokenizer: Tokenizer, readings: Sequence[Reading]
) -> tuple[Tensor, Tensor]:
    """Logits of all words one after the other, [words, labels], and which of them were read."""
    tokenizer.enable_truncation(MAX_LENGTH)
    encodings = tokenizer.encode_batch([one.text for one in readings])
    logits = network.logits(*on_device(arrays_of(encodings), device(network), 2)).float()
    pieces = [first_pieces(e, r.words) for e, r in zip(encodings, readings, strict=True)]
    rows = torch.tensor([row for row, mine in enumerate(pieces) for _ in mine])
    columns = torch.tensor([piece for mine in pieces for piece in mine])
    return logits[rows, columns], (columns != NOT_READ).to(logits.device)


def said(network: TagModel, tokenizer: Tokenizer, examples: Sequence[Tagged]) -> list[Tensor]:
    """Log-probabilities of each query's words, [words, labels]; 0 for those beyond its length."""
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].text))
    found: list[Tensor] = [torch.empty(0)] * len(examples)
    with torch.inference_mode():
        for start in range(0, len(order), AT_ONCE):
            rows = order[start : start + AT_ONCE]
            readings = [
                Reading(examples[i].text, tuple(words_of(examples[i].text)), ()) for i in rows
            ]
            logits, read = word_logits(network, tokenizer, readings)
            logs = (logits.log_softmax(dim=1) * read[:, None]).cpu()
            parts = logs.split([len(one.words) for one in readings])
            for row, part in zip(rows, parts, strict=True):
                found[row] = part
    return found
