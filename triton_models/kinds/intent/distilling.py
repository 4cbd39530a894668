"""What an intent model learns from teachers: their probabilities of the labels, of the sentiments,
and of the tags of each word; and the labels of the queries where they are known.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from triton_models.data import named, texts
from triton_models.kinds.intent import classify, combining, examples, training
from triton_models.kinds.intent.classify import Lesson
from triton_models.kinds.intent.combining import in_order, labelled
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.network import SENTIMENTS, TAGS, ProbabilityModel, classifier
from triton_models.kinds.intent.tag_task import Tagger, WordHead
from triton_models.kinds.tagging import distilling as tagging
from triton_models.kinds.tagging.data import Tagged
from triton_models.kinds.tagging.loss import Reading, said
from triton_models.kinds.tagging.words import words_of
from triton_models.query_text import normal_form
from triton_models.training import ensemble, families, networks
from triton_models.training.course import refuse
from triton_models.training.ensemble import divergence
from triton_models.training.inputs import answers, asked


class Material(training.Material):
    """Labelled queries, and others without labels."""

    def texts(self) -> list[tuple[str]]:
        """Of each query to learn from, what is read of it."""
        return [(form,) for form in asked([e.text for e in self.learned])]


@dataclass(frozen=True)
class Said:
    """What a model says of queries, or several together; all by logits.

    Attributes:
        intents: [queries, labels].
        sentiments: [queries, sentiments]; None without such a head.
        tags: of the words of each query, [words, tags]; None without such a head.
    """

    labels: tuple[str, ...]
    intents: Tensor
    sentiments: Tensor | None
    tags: list[Tensor] | None


def gather(args: argparse.Namespace, teachers: Sequence[Path]) -> Material:
    """Labelled queries, and others without labels; 15 % are dev by hash, unless it is given."""
    combining.require_alike(teachers)
    labels = networks.labels(teachers[0])
    given = named.places(args.queries, args.columns)
    found = labelled(given, labels) if given else []
    plain = [Example(text, ()) for text in texts.read(args.text)]
    found += examples.without(plain, found)
    if args.dev:
        learned, dev = found, labelled(named.places(args.dev, args.columns), labels)
    else:
        learned, dev = examples.split(found)
    material = Material(examples.without(learned, dev), dev, labels)
    refuse(
        (not material.learned, "nothing left to learn from: give more queries, not those of --dev"),
        (not dev, "too few queries: none of them falls to dev; give more, or --dev"),
    )
    return material


def student(begun: Path, teachers: Sequence[Path]) -> ProbabilityModel:
    """A classifier with the teachers' labels: with a sentiment if any teacher has one, and with
    tags if all have the same. It keeps its own heads that have the same labels.
    """
    configs = [networks.config(folder) for folder in teachers]
    sentiments = next((one[SENTIMENTS] for one in configs if one.get(SENTIMENTS)), ())
    tags = [one.get(TAGS) or [] for one in configs]
    alike = all(one == tags[0] for one in tags)
    if not alike:
        print("tags are not learned: not all teachers have the same", flush=True)
    return classifier(
        begun,
        networks.labels(teachers[0]),
        networks.config(begun).get("pooling", "cls"),
        sentiments=sentiments,
        tags=tags[0] if alike else (),
    )


def says(network: ProbabilityModel, tokenizer: Tokenizer, found: Sequence[Example]) -> Said:
    """What a network says of queries, normalised."""
    forms = asked([e.text for e in found])
    labels = network.classifier.config.id2label
    moods = tags = None
    if hasattr(network, "head"):
        moods = answers(
            lambda *given: network.head(network.features(*given)), network, tokenizer, forms
        )
        moods = moods.log_softmax(dim=1)
    if hasattr(network, "tags"):
        tags = said(Tagger(network), tokenizer, [Tagged(form, (), ()) for form in forms])
    intents = classify.logits(network, tokenizer, forms).log_softmax(dim=1)
    return Said(tuple(labels[i] for i in range(len(labels))), intents, moods, tags)


def pooled(given: Sequence[Said], weights: Sequence[float] | None = None) -> Said:
    """What teachers say together, in the order of the first one's labels; the weights are of the
    intents. Of the sentiment speak those that have it, of the tags all or none.
    """
    labels = given[0].labels
    intents = [in_order(one.intents, one.labels, labels) for one in given]
    moods = [one.sentiments for one in given if one.sentiments is not None]
    tags = [one.tags for one in given if one.tags is not None]
    return Said(
        labels,
        ensemble.pooled(intents, weights),
        ensemble.pooled(moods) if moods else None,
        tagging.pooled(tags) if len(tags) == len(given) else None,
    )


def distance(found: Said, wanted: Said) -> float:
    """How far what a student says is from what is wanted: the mean Kullback-Leibler divergence of
    its heads, one beside the other.
    """
    total = divergence(found.intents, wanted.intents).mean()
    if found.sentiments is not None:
        total = total + divergence(found.sentiments, wanted.sentiments).mean()
    apart = tagging.distance(found.tags, wanted.tags) if found.tags is not None else 0.0
    return float(total) + apart


def figures(found: Said, wanted: Said, of: Sequence[Example]) -> dict[str, float]:
    """How often the teachers are agreed with, and the figures of the labelled queries."""
    measured = {"agreement": same(found.intents, wanted.intents)}
    if found.sentiments is not None:
        measured["sentiment_agreement"] = same(found.sentiments, wanted.sentiments)
    if found.tags is not None:
        measured["tags_agreement"] = tagging.agreement(found.tags, wanted.tags)
    if known := [i for i, example in enumerate(of) if example.labels]:
        right = classify.targets([of[i] for i in known], found.labels)
        measured |= combining.figures(found.intents[known], right)
    return measured


def same(found: Tensor, wanted: Tensor) -> float:
    """The share of rows with the same likeliest label."""
    return float((found.argmax(dim=1) == wanted.argmax(dim=1)).float().mean())


def finish(
    network: ProbabilityModel,
    found: Said,
    of: Sequence[Example],
    teachers: Sequence[Path],
    out: Path,
) -> tuple[Said, dict]:
    """Calibrate on the labelled queries of dev; what is said then, each fold at the temperature of
    the others, and the temperature.
    """
    known = [i for i, example in enumerate(of) if example.labels]
    if not known:
        return found, {}
    wanted, intents = classify.targets([of[i] for i in known], found.labels), found.intents.clone()
    honest = classify.cross_fitted(intents[known], wanted, [of[i].text for i in known])
    temperature = classify.calibrate(network, intents[known], wanted)
    intents[known] = honest
    return replace(found, intents=intents), {"temperature": temperature}


class Moods:
    """How far the student's sentiments are from the teachers', added to the loss of a batch."""

    def __init__(self, network: ProbabilityModel, wanted: Tensor, temperature: float) -> None:
        self.head, self.wanted, self.temperature = network.head, wanted, temperature
        families.last(network.classifier).register_forward_pre_hook(self._look)

    def _look(self, module: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
        self.seen = given[0]

    def loss(self, rows: list[int], texts: Sequence[str]) -> Tensor:
        found = self.head(self.seen).float()
        return divergence(found, self.wanted[rows].to(found.device), self.temperature).mean()


class Tags(WordHead):
    """How far the tags of the student's words are from the teachers', the mean of a batch's words.

    A query whose words another reading changed in number does not count.
    """

    def __init__(
        self,
        network: ProbabilityModel,
        tokenizer: Tokenizer,
        wanted: Sequence[Tensor],
        temperature: float,
    ) -> None:
        super().__init__(network, tokenizer)
        self.wanted, self.temperature = wanted, temperature

    def loss(self, rows: list[int], texts: Sequence[str]) -> Tensor:
        readings = {i: Reading(text, tuple(words_of(text)), ()) for i, text in enumerate(texts)}
        mine = {i: r for i, r in readings.items() if len(r.words) == len(self.wanted[rows[i]])}
        if not any(reading.words for reading in mine.values()):
            return self.states.new_zeros(())
        logits, read = self.logits(mine)
        if not read.any():
            return self.states.new_zeros(())
        wanted = torch.cat([self.wanted[rows[i]] for i in mine]).to(logits.device)
        return divergence(logits, wanted, self.temperature)[read].mean()


class Loss(classify.Loss):
    """How far the student is from its teachers, and, where they are known, from the labels.

    The divergence from the teachers is shared with the cross-entropy of the label.
    """

    def __init__(
        self,
        network: ProbabilityModel,
        tokenizer: Tokenizer,
        found: Sequence[Example],
        wanted: Said,
        recipe: Any,
    ) -> None:
        lesson = Lesson(
            smoothing=0.0,
            misspelled=recipe.misspelled,
            language=recipe.language,
            confusions=recipe.confusions,
        )
        tasks: list[Any] = []
        if hasattr(network, "head"):
            tasks.append(Moods(network, wanted.sentiments, recipe.temperature))
        if hasattr(network, "tags"):
            tasks.append(Tags(network, tokenizer, wanted.tags, recipe.temperature))
            found = [replace(one, text=normal_form(one.text)) for one in found]
        super().__init__(network, tokenizer, found, wanted.labels, lesson, tasks)
        self.recipe = recipe
        self.targets = torch.cat((self.targets, wanted.intents), dim=1)

    def costs(self, logits: Tensor, wanted: Tensor) -> Tensor:
        hard, soft = wanted.chunk(2, dim=1)
        distance = divergence(logits, soft, self.recipe.temperature)
        share = self.recipe.label_weight * (hard.sum(dim=1) > 0)
        return (1 - share) * distance + share * super().costs(logits, hard)
