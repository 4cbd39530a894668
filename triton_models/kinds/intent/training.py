"""The course of a classifier: labelled queries with any labels."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from triton_models.data import dataset
from triton_models.data.manifest import SENTIMENTS
from triton_models.data.split import too_rare
from triton_models.kinds.intent import classify, examples
from triton_models.kinds.intent.classify import Lesson
from triton_models.kinds.intent.examples import CATEGORY, SENTIMENT, Example
from triton_models.kinds.intent.network import ProbabilityModel, classifier
from triton_models.kinds.intent.side_task import SideTask
from triton_models.settings import UsageError
from triton_models.training import families, lengths
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
from triton_models.training.inputs import asked
from triton_models.training.loop import History, Watch, learn
from triton_models.training.schedule import Schedule
from triton_models.training.vocabulary import bare_tokenizer


@dataclass(frozen=True)
class Recipe:
    """All settings of a run.

    Attributes:
        pooling: what the head sees: "cls", by BERT's pooler, or the "mean" of the tokens.
        dropout: of the BERT and the head; None leaves what the checkpoint says.
        balance: "none", "weights" (rare labels weigh more) or "sampling" (come more often).
        metric: of dev, by which the best epoch is chosen.
        out_of_scope: the label of what belongs to no other; a threshold is chosen for it.
        category_weight: of learning the queries' categories as well; 0 does not.
        length: tokens read of a text; 0 takes what the data have.
    """

    schedule: Schedule
    adaptation: Adaptation
    lesson: Lesson
    pooling: str = "cls"
    dropout: float | None = None
    balance: str = "none"
    metric: str = "accuracy"
    out_of_scope: str = ""
    category_weight: float = 0.0
    length: int = 0


@dataclass(frozen=True)
class Material:
    """The examples, disjoint, and their labels."""

    learned: list[Example]
    dev: list[Example]
    labels: tuple[str, ...]

    @property
    def judged(self) -> list[Example]:
        """The queries of dev whose intent is known."""
        return [e for e in self.dev if e.labelled]

    @property
    def sentiments(self) -> tuple[str, ...]:
        """The labels of a second head; () where no query has one."""
        return SENTIMENTS if any(e.sentiment for e in self.learned) else ()

    def about(self) -> dict:
        told = {"sentiments": sum(bool(e.sentiment) for e in self.learned)}
        return (told if self.sentiments else {}) | {
            "learned": len(self.learned),
            "dev": len(self.dev),
            "labels": len(self.labels),
            "learned_sha256": examples.digest(self.learned),
            "dev_sha256": examples.digest(self.dev),
        }

    def dev_rows(self) -> list[dict]:
        """The dev side as `evaluate --dev` reads it."""
        return [
            {"query": e.text, "intent": e.labels[0], "source": e.source}
            | ({"sentiment": e.sentiment} if e.sentiment else {})
            for e in self.dev
            if e.labels  # text that was only distilled on has none
        ]

    def told(self) -> str:
        return (
            f"{len(self.learned)} queries to learn from, {len(self.dev)} of dev,"
            f" {len(self.labels)} labels"
        )

    def units(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(e.text, e.labels + (e.sentiment,) * bool(e.sentiment)) for e in self.learned]

    def part(self, rows: Sequence[int]) -> Material:
        return replace(self, learned=[self.learned[i] for i in rows])


class Trained(NamedTuple):
    """A network at the end of its training."""

    network: ProbabilityModel
    tokenizer: Tokenizer
    history: History
    tasks: dict[str, SideTask]

    def logits(self, found: Sequence[Example]) -> Tensor:
        return classify.logits(self.network, self.tokenizer, [e.text for e in found])


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The settings that the command line gives."""
    return Recipe(
        schedule_of(args),
        adaptation_of(args),
        Lesson(
            *(args.smoothing, args.misspelled, args.consistency),
            *(args.balance == "weights", args.restyled),
            *language_of(args),
        ),
        pooling=args.pooling,
        dropout=args.dropout,
        balance=args.balance,
        metric=args.metric,
        out_of_scope=args.out_of_scope or "",
        category_weight=args.category_weight,
        length=args.length,
    )


def gather(args: argparse.Namespace) -> Material:
    """Read the sources; of files without --dev, 15 % are kept for it by the hash of the query."""
    if args.manifest:
        learned, dev = examples.of_manifest(dataset.load(args.manifest))
        return material(learned, dev, str(args.manifest))
    columns = [name.strip() for name in args.columns.split(",")] if args.columns else ()
    read = (e for place in args.queries for e in examples.read(place, columns))
    found = examples.once(read)
    if args.dev:
        dev = examples.read(args.dev, columns)
        return material(found, dev, args.dev)
    if args.no_dev:
        return Material(found, [], examples.label_names(found))
    learned, dev = examples.split(found)
    return material(learned, dev, args.queries[0])


def material(learned: list[Example], dev: list[Example], place: str) -> Material:
    """Two sides that were given; UsageError for a dev label that is not learned."""
    left = examples.without(learned, dev)
    labels = examples.label_names(left or learned)
    if strange := set(examples.label_names(dev)) - set(labels):
        names = ", ".join(sorted(strange)[:5]) + (", …" if len(strange) > 5 else "")
        raise UsageError(f"{place}: labels without a query to learn from: {names}")
    return Material(left, dev, labels)


def check(recipe: Recipe, material: Material) -> None:
    """Raises UsageError for settings and data that do not go together."""
    scope, labels = recipe.out_of_scope, material.labels
    categories = {e.category for e in material.learned} - {""}
    rare = too_rare(label for e in material.learned for label in e.labels)
    outside = {scope in e.labels for e in material.dev}
    refuse(
        (len(labels) < 2, f"{len(labels)} label in the queries: give at least two"),
        (rare, f"{rare}; give more, or leave the label out (in a manifest, by `labels`)"),
        (not material.learned, "nothing left to learn from: all queries are in --dev as well"),
        (scope and scope not in labels, f"--out-of-scope: no query has the label {scope!r}"),
        (
            scope and len(outside) < 2,
            f"--out-of-scope: the threshold is chosen on dev, which needs queries of {scope!r} and"
            " others: give --dev, or leave it out",
        ),
        (
            recipe.category_weight and len(categories) < 2,
            f"--category-weight: {len(categories)} values in the column `category`, beside the"
            " label: give at least two",
        ),
    )


def train(
    material: Material, start: Path, out: Path, recipe: Recipe, watch: Watch | None = None
) -> dict:
    """Train and write the checkpoint `out`; returns what came of it."""
    network, tokenizer, history, tasks = fit(material, start, recipe, out, watch=watch)
    result = came_of(history) | finish(network, tokenizer, material, recipe, tasks)
    keep(network, tokenizer, out, result)
    return result


def fit(
    material: Material,
    start: Path,
    recipe: Recipe,
    folder: Path | None = None,
    known: dict | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Train; in `folder` each epoch leaves what is needed to go on.

    `known` is filled with what a BERT that stays as it is says of each text, and read in its
    place: for several runs from one start (see `remembered`).
    """
    torch.manual_seed(recipe.schedule.seed)
    network = classifier(
        start,
        material.labels,
        recipe.pooling,
        recipe.dropout,
        material.sentiments,
    )
    tokenizer = bare_tokenizer(start)
    lengths.settle(network, tokenizer, recipe.length, asked([e.text for e in material.learned]))
    tasks = side_tasks(network, material, recipe)
    network.to(place())
    if known is not None:
        network.pooled = remembered(network.pooled, known)
    loss = classify.Loss(
        network, tokenizer, material.learned, material.labels, recipe.lesson, list(tasks.values())
    )
    wanted = classify.targets(material.judged, material.labels)
    texts = [e.text for e in material.judged]

    def judge() -> dict[str, float]:
        return classify.measure(classify.logits(network, tokenizer, texts), wanted)

    history = learn(
        network,
        [len(e.text) for e in material.learned],
        loss,
        recipe.schedule,
        adaptation=recipe.adaptation,
        judge=judge if texts else None,
        metric=recipe.metric,
        watch=watch,
        weights=classify.rarity(material.learned) if recipe.balance == "sampling" else None,
        folder=folder,
        key=fingerprint(material, recipe, start),
    )
    return Trained(network, tokenizer, history, tasks)


def remembered(read: Callable[[Tensor, Tensor], Tensor], known: dict) -> Callable:
    """The same as `read`, a frozen network's `pooled`, each sequence of ids being read once."""

    def pooled(ids: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.sum(dim=1).tolist()
        keys = [tuple(row[:n]) for row, n in zip(ids.tolist(), lengths, strict=True)]
        if new := [i for i, key in enumerate(keys) if key not in known]:
            with torch.no_grad():
                found = read(ids[new], mask[new])
            known.update(zip((keys[i] for i in new), found.clone(), strict=True))
        return torch.stack([known[key] for key in keys])

    return pooled


def finish(
    network: ProbabilityModel,
    tokenizer: Tokenizer,
    material: Material,
    recipe: Recipe,
    tasks: dict[str, SideTask] | None = None,
) -> dict:
    """Calibrate on dev, and measure, each fold of dev as calibrated on the others; {} without dev.

    `tasks` are those that were learned beside; of a network that was not just trained, its heads.
    """
    if not material.judged:
        return {}
    if tasks is None:
        tasks = side_tasks(network, material, replace(recipe, category_weight=0))
    wanted = classify.targets(material.judged, material.labels)
    asked = [e.text for e in material.judged]
    said = classify.logits(network, tokenizer, asked)
    before = classify.measure(said, wanted)
    honest = classify.cross_fitted(said, wanted, asked)
    result = {
        "temperature": classify.calibrate(network, said, wanted),
        "dev": classify.measure(honest, wanted),
    }
    result["calibration_error_before"] = before["calibration_error"]
    if recipe.out_of_scope:
        column = material.labels.index(recipe.out_of_scope)
        calibrated = said / result["temperature"]
        result["scope"] = classify.out_of_scope(calibrated, wanted, column, asked)
    texts = [e.text for e in material.dev]
    for name, task in tasks.items():
        values = [getattr(e, name) for e in material.dev]
        fold = name == SENTIMENT  # the category's head is not kept
        result[name] = task.measure(tokenizer, texts, values, fold)
    return result


def side_tasks(
    network: ProbabilityModel, material: Material, recipe: Recipe
) -> dict[str, SideTask]:
    """What is learned beside the intent, by the column that it stands in."""
    tasks = {}
    if recipe.category_weight:
        values = [e.category for e in material.learned]
        names = sorted(set(values) - {""})
        width = families.last(network.classifier).in_features
        network.category = torch.nn.Linear(width, len(names))  # a checkpoint does not keep it
        weight = recipe.category_weight
        tasks[CATEGORY] = SideTask(network, network.category, names, values, weight)
    if hasattr(network, "head"):
        values = [e.sentiment for e in material.learned]
        tasks[SENTIMENT] = SideTask(network, network.head, SENTIMENTS, values)
    return tasks
