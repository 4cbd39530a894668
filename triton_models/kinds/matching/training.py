"""The course of a matching model: a cross-encoder on graded pairs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from triton_models.data.graded import GradedPair
from triton_models.data.typos import typos_of
from triton_models.evaluation import figures, statistics
from triton_models.kinds.matching import summary
from triton_models.kinds.matching.network import ScoreModel
from triton_models.training import course, lengths, networks
from triton_models.training.adapt import Adaptation
from triton_models.training.course import (
    adaptation_of,
    came_of,
    drop_out,
    fingerprint,
    language_of,
    place,
    refuse,
    schedule_of,
)
from triton_models.training.inputs import answers, asked, device, misspelled, tensors
from triton_models.training.judged import Pairs, by_query, gather
from triton_models.training.loop import Watch, learn
from triton_models.training.schedule import Schedule
from triton_models.training.vocabulary import bare_tokenizer

__all__ = ["Recipe", "check", "finish", "gather", "keep", "recipe_of", "train"]
NOTES = "training.json"  # where `export` looks for the threshold
UNCHOSEN = 0.5  # the threshold without a dev set


@dataclass(frozen=True)
class Recipe:
    """All settings of a run.

    Attributes:
        smoothing: of the grades, towards 0.5.
        misspelled: share of the queries that are read with a typo.
        language, confusions: of the typos; see `data.typos`.
        dropout: of the BERT and the head; None leaves the usual.
        balance: "none", "weights" (the rarer of match and no match weighs more) or "sampling".
        metric: of dev, by which the best epoch is chosen.
        length: tokens read of a pair; 0 takes what the data have.
    """

    schedule: Schedule
    adaptation: Adaptation
    smoothing: float = 0.05
    misspelled: float = 0.0
    dropout: float | None = None
    balance: str = "none"
    metric: str = "auc_roc"
    length: int = 0
    language: str = "en"
    confusions: tuple[str, ...] = ()


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The settings that the command line gives."""
    return Recipe(
        schedule_of(args),
        adaptation_of(args),
        args.smoothing,
        args.misspelled,
        args.dropout,
        args.balance,
        args.metric,
        args.length,
        *language_of(args),
    )


def check(recipe: Recipe, material: Pairs) -> None:
    """Raises UsageError for settings and data that do not go together."""
    kinds = {pair.match for pair in material.learned}
    of_dev = {pair.match for pair in material.dev}
    ranked = [rows for rows in by_query(material.dev).values() if len(rows) > 1]
    both = "pairs that match and pairs that do not (a grade from 0.5 is a match)"
    refuse(
        (len(kinds) < 2, f"to learn from it needs {both}"),
        (material.dev and len(of_dev) < 2, f"dev needs {both}: give --dev, or --no-dev"),
        (
            material.dev and recipe.metric == "ndcg@10" and not ranked,
            "--metric ndcg@10: no query of dev has two documents to rank; choose another",
        ),
    )


def train(
    material: Pairs, start: Path, out: Path, recipe: Recipe, watch: Watch | None = None
) -> dict:
    """Train and write the checkpoint `out`; returns what came of it."""
    torch.manual_seed(recipe.schedule.seed)
    network = networks.load(start, "matching").eval()
    drop_out(network, recipe.dropout)
    setattr(networks.config_in(network), networks.PRODUCT_TEXT, material.product_text)
    network.to(place())
    tokenizer = bare_tokenizer(start)
    pairs, weights = material.learned, rarity(material.learned)
    forms = asked([p.query for p in pairs])
    lengths.settle(network, tokenizer, recipe.length, forms, [p.term for p in pairs])

    def judged() -> dict[str, float]:
        return measure(scores(network, tokenizer, material.dev), material.dev)

    before = judged() if material.dev else {}
    history = learn(
        network,
        [len(p.query) + len(p.term) for p in pairs],
        Loss(network, tokenizer, material, recipe),
        recipe.schedule,
        adaptation=recipe.adaptation,
        judge=judged if material.dev else None,
        metric=recipe.metric,
        watch=watch,
        weights=weights if recipe.balance == "sampling" else None,
        folder=out,
        key=fingerprint(material, recipe, start),
    )
    result = came_of(history) | finish(network, tokenizer, material, recipe)
    result |= {"start": before} if material.dev else {}
    keep(network, tokenizer, out, result)
    return result


def finish(network: ScoreModel, tokenizer: Tokenizer, material: Pairs, recipe: Recipe) -> dict:
    """The threshold that dev chooses, and the figures of dev."""
    if not material.dev:
        return {"threshold": UNCHOSEN}
    said = scores(network, tokenizer, material.dev)
    chosen = choose_threshold(said, material.dev)
    return {"dev": measure(said, material.dev) | chosen} | chosen


def keep(network: ScoreModel, tokenizer: Tokenizer, out: Path, result: dict) -> None:
    """Write the checkpoint, and its threshold beside it."""
    course.keep(network, tokenizer, out, result)
    notes = {"kind": "matching", "threshold": result["threshold"]}
    (out / NOTES).write_text(json.dumps(notes) + "\n")


class Loss:
    """The mean cross-entropy of a batch of pair indices, the grades being what is wanted."""

    def __init__(
        self, network: ScoreModel, tokenizer: Tokenizer, material: Pairs, recipe: Recipe
    ) -> None:
        self.network, self.tokenizer = network, tokenizer
        self.pairs, self.recipe = material.learned, recipe
        self.typos = typos_of(recipe.language, recipe.confusions)
        smooth = recipe.smoothing
        self.wanted = torch.tensor([p.grade * (1 - smooth) + smooth / 2 for p in self.pairs])
        self.weights = torch.tensor([material.weight(p) for p in self.pairs])
        if recipe.balance == "weights":
            self.weights = self.weights * torch.tensor(rarity(self.pairs))

    def __call__(self, rows: list[int]) -> Tensor:
        clean = [self.pairs[i].query for i in rows]
        queries = misspelled(clean, self.recipe.misspelled, self.typos)
        terms = [self.pairs[i].term for i in rows]
        given = tensors(self.tokenizer, asked(queries), device(self.network), terms)
        logits = self.network.logits(*given)[:, 0].float()
        each = functional.binary_cross_entropy_with_logits(
            logits, self.wanted[rows].to(logits.device), reduction="none"
        )
        return (each * self.weights[rows].to(logits.device)).mean()


def rarity(pairs: Sequence[GradedPair]) -> list[float]:
    """How much a pair counts when matches and others count alike; 1 on average."""
    matches = sum(pair.match for pair in pairs)
    count = {1: max(1, matches), 0: max(1, len(pairs) - matches)}
    return [len(pairs) / 2 / count[pair.match] for pair in pairs]


def scores(network: ScoreModel, tokenizer: Tokenizer, pairs: Sequence[GradedPair]) -> np.ndarray:
    """Scores between 0 and 1, [pairs]."""
    queries, terms = asked([p.query for p in pairs]), [p.term for p in pairs]
    return answers(network, network, tokenizer, queries, terms)[:, 0].double().numpy()


def measure(said: np.ndarray, pairs: Sequence[GradedPair]) -> dict[str, float]:
    """Figures that hang on no threshold; NDCG@10 is of queries with two documents and a match."""
    matches = np.array([p.match for p in pairs])
    grades = np.array([p.grade for p in pairs])
    ranked = [
        figures.ndcg(grades[rows][np.argsort(-said[rows], kind="stable")], grades[rows])
        for rows in map(np.array, by_query(pairs).values())
        if len(rows) > 1 and matches[rows].any()
    ]
    found = {
        "auc_roc": statistics.value(statistics.auc(said, matches), len(pairs)),
        "average_precision": figures.average_precision(said, matches),
    }
    return found | ({"ndcg@10": float(np.mean(ranked))} if ranked else {})


def choose_threshold(said: np.ndarray, pairs: Sequence[GradedPair]) -> dict[str, float]:
    """The threshold with the best F0.5, and F0.5 and F1, each fold of the queries being judged at
    the threshold of the others."""
    matches = np.array([p.match for p in pairs])
    found = summary.cross_fitted(said, matches, [p.query for p in pairs])
    return {
        "threshold": figures.best_threshold(said, matches, figures.BETA),
        "f0.5": figures.f_measure(found, matches, figures.BETA),
        "f1": figures.f_measure(found, matches),
    }
