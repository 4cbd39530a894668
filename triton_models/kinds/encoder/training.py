"""The course of an encoder: queries and the documents that belong to them."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from triton_models.evaluation import ranking
from triton_models.kinds.encoder import contrast
from triton_models.kinds.encoder.contrast import Contrast, Lesson, Mined, leading
from triton_models.kinds.encoder.network import VectorModel
from triton_models.kinds.encoder.sentence import Sentence
from triton_models.kinds.kind import Prompts
from triton_models.query_text import normal_form
from triton_models.training import lengths, networks
from triton_models.training.adapt import Adaptation
from triton_models.training.course import (
    adaptation_of,
    came_of,
    drop_out,
    fingerprint,
    keep,
    language_of,
    place,
    refuse,
    schedule_of,
)
from triton_models.training.judged import Pairs, by_query, gather
from triton_models.training.loop import Watch, learn
from triton_models.training.schedule import Schedule
from triton_models.training.vocabulary import bare_tokenizer

__all__ = ["Recipe", "check", "finish", "gather", "keep", "recipe_of", "train"]
KEPT = ("ndcg@10", "mrr", "recall@1", "recall@5")


@dataclass(frozen=True)
class Recipe:
    """All settings of a run.

    Attributes:
        dropout: of the BERT; None leaves what the checkpoint says.
        metric: of dev, by which the best epoch is chosen.
        length: tokens read of a text, prompts included; 0 takes what the data have.
        query_prompt, document_prompt: None leaves what the checkpoint says.
    """

    schedule: Schedule
    adaptation: Adaptation
    lesson: Lesson
    dropout: float | None = None
    metric: str = "ndcg@10"
    query_prompt: str | None = None
    document_prompt: str | None = None
    length: int = 0


@dataclass(frozen=True)
class Search:
    """Dev queries, and all documents, in which each looks for those that match it.

    Attributes:
        queries: in normal form.
        right: the grades of each query's matches, by their place among the documents.
    """

    queries: list[str]
    documents: list[str]
    right: list[dict[int, float]]

    def figures(self, queries: Tensor, documents: Tensor) -> dict[str, float]:
        """Means over the queries of unit vectors' rankings. A query does not find itself."""
        found = ranking.ranked(queries.numpy(), documents.numpy(), self.right, self.themselves)
        means = ranking.means(found)
        return {name: means[name] for name in KEPT}

    @cached_property
    def themselves(self) -> list[list[int]]:
        """The documents that are a query itself, and no match of it."""
        places: dict[str, list[int]] = defaultdict(list)
        for i, text in enumerate(self.documents):
            places[normal_form(text)].append(i)
        pairs = zip(self.queries, self.right, strict=True)
        return [[i for i in places.get(query, ()) if i not in right] for query, right in pairs]


def search_of(pairs: Pairs) -> Search:
    """The dev queries with a match; documents are those of both sides."""
    terms = [p.term for p in (*pairs.dev, *pairs.learned)]
    documents = list(dict.fromkeys((*terms, *pairs.documents)))
    place = {text: i for i, text in enumerate(documents)}
    matches = [p for p in pairs.dev if p.match]
    asked = by_query(matches)
    right = [{place[matches[i].term]: matches[i].grade for i in rows} for rows in asked.values()]
    return Search(list(asked), documents, right)


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The settings that the command line gives."""
    lesson = Lesson(
        args.sizes,
        args.temperature,
        args.hard_negatives,
        args.mine_every,
        args.keep,
        args.misspelled,
        args.parts,
        *language_of(args),
    )
    return Recipe(
        replace(schedule_of(args), parts=1),  # the loss is of the whole batch
        adaptation_of(args),
        lesson,
        args.dropout,
        args.metric,
        args.query_prompt,
        args.document_prompt,
        args.length,
    )


def every_text(material: Pairs, prompts: Prompts) -> list[str]:
    """The different queries and documents to learn from, as they are read."""
    queries = prompts.queries(dict.fromkeys(normal_form(p.query) for p in material.learned))
    return queries + prompts.documents(dict.fromkeys(p.term for p in material.learned))


def prompted(told: Sentence, recipe: Recipe) -> Sentence:
    """What a checkpoint says, with the prompts that were given instead of its own."""
    given = {"query": recipe.query_prompt, "document": recipe.document_prompt}
    given = {name: text for name, text in given.items() if text is not None}
    return replace(told, prompts=replace(told.prompts, **given))


def check(recipe: Recipe, material: Pairs) -> None:
    """Raises UsageError for settings and data that do not go together."""
    matches = sum(pair.match for pair in material.dev)
    refuse(
        (
            recipe.lesson.parts > 1 and recipe.schedule.adversarial,
            "--parts reads each text twice, which --adversarial does not follow: leave one out",
        ),
        (len(material.positives) < 2, "no two pairs to learn from match: grades from 0.5 do"),
        (
            material.dev and not matches,
            "no pair of dev matches (a grade from 0.5 does): give --dev another file, or --no-dev",
        ),
    )


def train(
    material: Pairs, start: Path, out: Path, recipe: Recipe, watch: Watch | None = None
) -> dict:
    """Train and write the checkpoint `out`; returns what came of it."""
    torch.manual_seed(recipe.schedule.seed)
    network = networks.load(start, "encoder").eval()
    drop_out(network, recipe.dropout)
    network.sentence = prompted(network.sentence, recipe)
    prompts, width = network.sentence.prompts, network.bert.config.hidden_size
    sizes = recipe.lesson.sizes
    refuse((max(sizes, default=0) > width, f"--sizes: the vectors are {width} wide, give less"))
    setattr(networks.config_in(network), networks.PRODUCT_TEXT, material.product_text)
    network.to(place())
    tokenizer = bare_tokenizer(start)
    lengths.settle(network, tokenizer, recipe.length, every_text(material, prompts))
    search = search_of(material) if material.dev else None

    def judge() -> dict[str, float]:
        return judged(network, tokenizer, search, [width])[width]

    before = judge() if search else {}
    mined = Mined(network, tokenizer, material, recipe.lesson)
    loss = Contrast(network, tokenizer, material, recipe.lesson, mined)
    history = learn(
        network,
        [len(p.query) + len(p.term) for p in material.positives],
        loss,
        recipe.schedule,
        adaptation=recipe.adaptation,
        judge=judge if search else None,
        metric=recipe.metric,
        watch=watch,
        renewed=mined,
        folder=out,
        key=fingerprint(material, recipe, start),
    )
    result = came_of(history) | finish(network, tokenizer, material, recipe)
    result |= {"start": before} if search else {}
    keep(network, tokenizer, out, result)
    return result


def finish(network: VectorModel, tokenizer: Tokenizer, material: Pairs, recipe: Recipe) -> dict:
    """The figures of dev; {} without."""
    if not material.dev:
        return {}
    sizes, width = recipe.lesson.sizes, network.bert.config.hidden_size
    search = search_of(material)
    after = judged(network, tokenizer, search, [width, *sizes])
    result = {"documents": len(search.documents), "dev": after[width]}
    return result | ({"sizes": {size: after[size] for size in sizes}} if sizes else {})


def judged(
    network: VectorModel, tokenizer: Tokenizer, search: Search, parts: Sequence[int]
) -> dict[int, dict[str, float]]:
    """The figures of leading parts of the vectors, by their size."""
    prompts = network.sentence.prompts
    found = [
        contrast.vectors(network, tokenizer, texts)
        for texts in (prompts.queries(search.queries), prompts.documents(search.documents))
    ]
    return {size: search.figures(*(leading(v, size) for v in found)) for size in parts}
