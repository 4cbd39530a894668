"""The course of a classifier: labelled queries with any labels."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from triton_models.data import dataset, named
from triton_models.data.split import too_rare
from triton_models.kinds.intent import classify, examples, scope
from triton_models.kinds.intent.classify import Lesson
from triton_models.kinds.intent.examples import CATEGORY, Example
from triton_models.kinds.intent.material import Material, labelled, material
from triton_models.kinds.intent.network import TAGS, ProbabilityModel, classifier, remembered
from triton_models.kinds.intent.tasks import Task, tasks_of
from triton_models.kinds.tagging.data import tags_of
from triton_models.kinds.tagging.training import refuse_joined
from triton_models.kinds.tagging.words import labels_of
from triton_models.training import lengths
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
        tag_weight: of learning tags as well, by a head that is kept; 0 does not.
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
    tag_weight: float = 0.0


class Trained(NamedTuple):
    """A network at the end of its training."""

    network: ProbabilityModel
    tokenizer: Tokenizer
    history: History
    tasks: dict[str, Task]

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
        tag_weight=args.tag_weight,
    )


def gather(args: argparse.Namespace) -> Material:
    """Read the sources; of files without --dev, 15 % are kept for it by the hash of the query."""
    if args.manifest:
        data = dataset.load(args.manifest)
        learned, dev = examples.of_manifest(data, tags=args.tag_weight > 0)
        rows = sum(labelled(row) and not row.dev for row in data.queries)
        repeated = rows - len(dataset.load_labelled(data).train)
        dropped = sum(map(labelled, data.dropped))
        return material(learned, dev, str(args.manifest), repeated, dropped)
    read = map(examples.read, named.places(args.queries, args.columns))
    every = [e for found in read for e in found]
    found = examples.once(every)
    repeated = len(every) - len(found)
    if args.dev:
        [place] = named.places([args.dev], args.columns)
        return material(found, examples.read(place), args.dev, repeated)
    if args.no_dev:
        return Material(found, [], examples.label_names(found))
    learned, dev = examples.split(found)
    return material(learned, dev, args.queries[0], repeated)


def check(recipe: Recipe, material: Material) -> None:
    """Raises UsageError for settings and data that do not go together."""
    outlier, labels, tags = recipe.out_of_scope, material.labels, examples.tagged(material.learned)
    categories = {e.category for e in material.learned} - {""}
    rare = too_rare(label for e in material.learned for label in e.labels)
    rare_tags = too_rare(tag for one in tags for tag in tags_of([one]))
    outside = {outlier in e.labels for e in material.dev}
    refuse(
        (len(labels) < 2, f"{len(labels)} label in the queries: give at least two"),
        (rare, f"{rare}; give more, or leave the label out (in a manifest, by `labels`)"),
        (
            recipe.tag_weight and not material.tags,
            "--tag-weight: no tagged query to learn from: give a manifest with a source of format"
            " tagged",
        ),
        (
            recipe.tag_weight and recipe.lesson.restyled,
            "--restyled moves words, by whose order the tags go: leave it or --tag-weight out",
        ),
        (rare_tags, f"{rare_tags}; give more, or leave the tag out (in a manifest, by `labels`)"),
        (not material.learned, "nothing left to learn from: all queries are in --dev as well"),
        (
            outlier and outlier not in labels,
            f"--out-of-scope: no query has the label {outlier!r}",
        ),
        (
            outlier and len(outside) < 2,
            f"--out-of-scope: the threshold is chosen on dev, which needs queries of {outlier!r}"
            " and others: give --dev, or leave it out",
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
        labels_of(material.tags) if material.tags else (),
    )
    tokenizer = bare_tokenizer(start)
    lengths.settle(network, tokenizer, recipe.length, asked([e.text for e in material.learned]))
    refuse_joined(tokenizer, examples.tagged(material.learned))
    tasks = tasks_of(network, tokenizer, material, recipe)
    network.to(place())
    if known is not None and not material.tags:
        network.pooled = remembered(network.pooled, known)
    loss = classify.Loss(
        network, tokenizer, material.learned, material.labels, recipe.lesson, list(tasks.values())
    )
    wanted = classify.targets(material.judged, material.labels)
    texts = [e.text for e in material.judged]

    def judge() -> dict[str, float]:
        found = classify.measure(classify.logits(network, tokenizer, texts), wanted)
        if TAGS in tasks:
            found["tags_micro_f1"] = tasks[TAGS].measure(material.dev, fold=False)["micro_f1"]
        return found

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


def finish(
    network: ProbabilityModel,
    tokenizer: Tokenizer,
    material: Material,
    recipe: Recipe,
    tasks: dict[str, Task] | None = None,
) -> dict:
    """Calibrate on dev, and measure, each fold of dev as calibrated on the others; {} without dev.

    `tasks` are those that were learned beside; of a network that was not just trained, its heads.
    """
    if not material.judged:
        return {}
    if tasks is None:
        tasks = tasks_of(network, tokenizer, material, replace(recipe, category_weight=0))
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
        chances = (said / result["temperature"]).softmax(dim=1).numpy()
        result["scope"] = scope.judged(chances, wanted.numpy().argmax(axis=1), column, asked)
    for name, task in tasks.items():
        result[name] = task.measure(material.dev, fold=name != CATEGORY)  # which is not kept
    return result
