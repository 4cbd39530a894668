"""The course of a tagging model: queries whose words have tags."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from triton_models.data import dataset, noticed
from triton_models.data.noticed import Noticed
from triton_models.data.rows import TaggedQuery
from triton_models.data.split import stratified, too_rare
from triton_models.kinds.tagging import calibration, entities
from triton_models.kinds.tagging.data import (
    Tagged,
    digest,
    every,
    of_manifest,
    once,
    tag_counts,
    tags_of,
)
from triton_models.kinds.tagging.decode import Decoder
from triton_models.kinds.tagging.loss import Lesson, Loss, said
from triton_models.kinds.tagging.network import classifier
from triton_models.kinds.tagging.words import NOT_READ, first_pieces, labels_of, words_of
from triton_models.settings import DEV, UsageError, listed
from triton_models.training import lengths, temperature
from triton_models.training.adapt import Adaptation
from triton_models.training.course import (
    adaptation_of,
    came_of,
    fingerprint,
    keep,
    language_of,
    place,
    refuse,
    schedule_of,
)
from triton_models.training.loop import Watch, learn
from triton_models.training.schedule import Schedule
from triton_models.training.vocabulary import bare_tokenizer

LOOKED_AT = 2000  # queries
MOST_JOINED = 0.1  # share of the words
TAGGED = ("query", "queries", "tagging")  # what has how many of what, in the line of a run


@dataclass(frozen=True)
class Recipe:
    """All settings of a run.

    Attributes:
        dropout: of the BERT and the head; None leaves what the checkpoint says.
        metric: of dev, by which the best epoch is chosen.
        length: tokens read of a text; 0 takes what the data have.
    """

    schedule: Schedule
    adaptation: Adaptation
    lesson: Lesson
    dropout: float | None = None
    metric: str = "micro_f1"
    length: int = 0


@dataclass(frozen=True)
class Material:
    """The tagged queries, disjoint, and the tags of those to learn from."""

    learned: list[Tagged]
    dev: list[Tagged]
    tags: tuple[str, ...]
    noticed: Noticed = Noticed()

    def about(self) -> dict:
        return {
            "learned": len(self.learned),
            "dev": len(self.dev),
            "tags": len(self.tags),
            "spans": sum(len(one.spans) for one in self.learned),
            "tag_counts": tag_counts(self.learned),
            "learned_sha256": digest(self.learned),
            "dev_sha256": digest(self.dev),
        }

    def dev_files(self) -> dict[str, list[dict]]:
        rows = [
            {"query": one.text, "spans": [span._asdict() for span in one.spans]} | one.about
            for one in self.dev
        ]
        return {DEV: rows}

    def units(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(one.text, tags_of([one])) for one in self.learned]

    def part(self, rows: Sequence[int]) -> Material:
        return replace(self, learned=[self.learned[i] for i in rows])

    def told(self) -> str:
        found = self.about()
        return (
            f"{found['learned']} queries to learn from with {found['spans']} spans,"
            f" {found['dev']} of dev, {found['tags']} tags"
        )


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The settings that the command line gives."""
    lesson = Lesson(args.smoothing, args.misspelled, args.consistency, *language_of(args))
    return Recipe(
        schedule_of(args), adaptation_of(args), lesson, args.dropout, args.metric, args.length
    )


def gather(args: argparse.Namespace) -> Material:
    """Read the files; without --dev, 15 % are kept for it by the hash of the query."""
    if args.manifest:
        data = dataset.load(args.manifest)
        sides = dataset.load_tagged(data)
        weights = data.manifest.weights
        learned, dev = (of_manifest(side, weights) for side in sides)
        repeated = sum(not row.dev for row in data.tagged) - len(learned)
        dropped = sum(isinstance(row, TaggedQuery) for row in data.dropped)
        return material(learned, dev, str(args.manifest), repeated, dropped)
    rows = [one for file in args.queries for one in every(file)]
    found = list(dict.fromkeys(rows))
    repeated = len(rows) - len(found)
    if args.dev:
        dev = every(args.dev)
    elif args.no_dev:
        dev = []
    else:
        found, dev = stratified(found, lambda one: one.text, lambda one: tags_of([one]))
    return material(found, dev, args.dev or args.queries[0], repeated)


def material(
    found: list[Tagged], dev: list[Tagged], place: str, repeated: int = 0, dropped: int = 0
) -> Material:
    """Two sides, without what is of dev in the first; UsageError for a tag of dev that no query to
    learn from has. Of a query that is tagged in several ways, dev has the first.

    `repeated` rows and `dropped` ones of dev queries are left out already.
    """
    said = noticed.conflicting((one.text, one.spans) for one in (*found, *dev))
    dev = once(dev)
    held_out = {one.text for one in dev}
    learned = [one for one in found if one.text not in held_out]
    tags = tags_of(learned)
    if strange := set(tags_of(dev)) - set(tags):
        raise UsageError(f"{place}: tags without a query to learn: {listed(sorted(strange), 5)}")
    gone = dropped + len(found) - len(learned)
    told = Noticed(gone, repeated, said, noticed.case(tags), TAGGED)
    return Material(learned, dev, tags, told)


def check(recipe: Recipe, material: Material) -> None:
    """Raises UsageError for settings and data that do not go together."""
    rare = too_rare(tag for one in material.learned for tag in tags_of([one]))
    refuse(
        (not material.tags, "no query with a span to learn from"),
        (rare, f"{rare}; give more, or leave the tag out (in a manifest, by `labels`)"),
        (
            material.dev and not tags_of(material.dev),
            "no query of dev has a span: give --dev another file, or --no-dev",
        ),
    )


def refuse_joined(tokenizer: Tokenizer, learned: Sequence[Tagged]) -> None:
    """Raises UsageError where many words share a piece, and so a label: a tokenizer that joins
    Chinese characters.
    """
    words = joined = 0
    for one in learned[:LOOKED_AT]:
        pieces = first_pieces(tokenizer.encode(one.text), words_of(one.text))
        read = [piece for piece in pieces if piece != NOT_READ]
        words, joined = words + len(read), joined + len(read) - len(set(read))
    refuse(
        (
            joined > MOST_JOINED * words,
            f"the checkpoint's tokenizer joins words: {joined} of {words} share a piece with"
            " another; give --start one that reads each Chinese character by itself",
        )
    )


def train(
    material: Material, start: Path, out: Path, recipe: Recipe, watch: Watch | None = None
) -> dict:
    """Train and write the checkpoint `out`; returns what came of it."""
    torch.manual_seed(recipe.schedule.seed)
    labels = labels_of(material.tags)
    network = classifier(start, labels, recipe.dropout).to(place())
    tokenizer = bare_tokenizer(start)
    lengths.settle(network, tokenizer, recipe.length, [one.text for one in material.learned])
    refuse_joined(tokenizer, material.learned)
    decoder = Decoder(labels)

    def judged() -> dict[str, float]:
        return measure(said(network, tokenizer, material.dev), material, decoder)

    history = learn(
        network,
        [len(one.text) for one in material.learned],
        Loss(network, tokenizer, material.learned, labels, recipe.lesson),
        recipe.schedule,
        adaptation=recipe.adaptation,
        judge=judged if material.dev else None,
        metric=recipe.metric,
        watch=watch,
        folder=out,
        key=fingerprint(material, recipe, start),
    )
    result = came_of(history) | finish(network, tokenizer, material, recipe)
    keep(network, tokenizer, out, result)
    return result


def finish(
    network: torch.nn.Module, tokenizer: Tokenizer, material: Material, recipe: Recipe
) -> dict:
    """Calibrate on dev, and measure, each fold as calibrated on the others; {} without dev."""
    if not material.dev:
        return {}
    decoder, logs = Decoder(labels_of(material.tags)), said(network, tokenizer, material.dev)
    found = calibrate(network.classifier.classifier, logs, material.dev, decoder)
    dev = measure(logs, material, decoder) | {"calibration_error": found.pop("calibration_error")}
    return found | {"dev": dev}


def calibrate(
    last: torch.nn.Linear, logs: Sequence[Tensor], dev: Sequence[Tagged], decoder: Decoder
) -> dict[str, float]:
    """Fit the temperature so that the probabilities of dev's spans are how often they are right,
    and fold it into the layer that gave the logits. It changes no span.

    Returns the temperature and the spans' calibration errors: before, and of each fold of dev at
    the temperature that the other folds ask for.
    """
    found = calibration.at_temperatures(chances(logs), dev, decoder)
    return {
        "temperature": temperature.fold(last, calibration.best(found)),
        "calibration_error": calibration.error(calibration.cross_fitted(found, dev)),
        "calibration_error_before": calibration.error(found[1.0]),
    }


def chances(logs: Sequence[Tensor]) -> list[np.ndarray]:
    """Probabilities of words, from their logarithms."""
    return [mine.exp().numpy() for mine in logs]


def measure(logs: Sequence[Tensor], material: Material, decoder: Decoder) -> dict[str, float]:
    """Figures of the spans of dev."""
    wanted = [one.spans for one in material.dev]
    found = [one.spans for one in calibration.decode(chances(logs), material.dev, decoder)]
    return entities.figures(*entities.judged(wanted, found, material.tags))
