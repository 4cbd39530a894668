"""What a tagging model learns from teachers: their mean probabilities of each word's labels."""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from triton_models.data import texts
from triton_models.data.typos import typos_of
from triton_models.kinds.tagging.data import Tagged
from triton_models.kinds.tagging.loss import Reading, misspelled, reading, said, word_logits
from triton_models.kinds.tagging.network import TagModel, classifier
from triton_models.query_text import normal_form
from triton_models.settings import UsageError
from triton_models.training import networks, unlabelled
from triton_models.training.ensemble import TINY, divergence
from triton_models.training.unlabelled import Texts


def gather(args: argparse.Namespace, teachers: Sequence[Path]) -> Texts:
    """The texts of --text."""
    return unlabelled.gather(args, read)


def read(places: Sequence[Path]) -> Iterator[tuple[str, ...]]:
    """Texts of files, in normal form."""
    return ((form,) for text in texts.read(places) if (form := normal_form(text)))


def student(folder: Path, teachers: Sequence[Path]) -> TagModel:
    """A token classifier with the teachers' labels.

    Raises UsageError for teachers whose labels differ.
    """
    names = networks.labels(teachers[0])
    for other in teachers[1:]:
        if networks.labels(other) != names:
            raise UsageError(f"{other}: its tags are not those of {teachers[0]}; give such runs")
    return classifier(folder, names)


def says(network: TagModel, tokenizer: Tokenizer, asked: Sequence[tuple[str, ...]]) -> list[Tensor]:
    """Log-probabilities of each text's words, [words, labels]."""
    return said(network, tokenizer, [Tagged(text, (), ()) for (text,) in asked])


def pooled(given: Sequence[list[Tensor]], weights: None = None) -> list[Tensor]:
    """The logarithms of the mean probabilities."""
    each = zip(*given, strict=True)
    return [torch.stack(mine).exp().mean(dim=0).clamp(min=TINY).log() for mine in each]


def figures(found: list[Tensor], wanted: list[Tensor], of: Sequence[Any]) -> dict[str, float]:
    return {"agreement": agreement(found, wanted)}


def agreement(found: list[Tensor], wanted: list[Tensor]) -> float:
    """The share of words with the same label."""
    found, wanted = torch.cat(found), torch.cat(wanted)
    return float((found.argmax(dim=1) == wanted.argmax(dim=1)).float().mean())


def distance(found: list[Tensor], wanted: list[Tensor]) -> float:
    """How far the probabilities are apart: the mean Kullback-Leibler divergence of a word."""
    return float(divergence(torch.cat(found), torch.cat(wanted)).mean())


class Loss:
    """The mean divergence of the words of a batch of text indices."""

    def __init__(
        self,
        network: TagModel,
        tokenizer: Tokenizer,
        asked: Sequence[tuple[str, ...]],
        wanted: Sequence[Tensor],
        recipe: Any,
    ) -> None:
        self.network, self.tokenizer, self.recipe = network, tokenizer, recipe
        self.readings = [reading(Tagged(text, (), ())) for (text,) in asked]
        self.wanted = wanted
        self.typos = typos_of(recipe.language, recipe.confusions)

    def __call__(self, rows: list[int]) -> Tensor:
        rng = random.Random(int(torch.randint(2**31, ())))  # so that torch's state says it all
        readings = [self.typed(self.readings[i], rng) for i in rows]
        logits, read = word_logits(self.network, self.tokenizer, readings)
        wanted = torch.cat([self.wanted[i] for i in rows]).to(logits.device)
        return divergence(logits, wanted, self.recipe.temperature)[read].mean()

    def typed(self, one: Reading, rng: random.Random) -> Reading:
        typed = rng.random() < self.recipe.misspelled
        return misspelled(one, rng, self.typos) if typed else one


def finish(
    network: TagModel, found: list[Tensor], of: Sequence[Any], teachers: Sequence[Path], out: Path
) -> tuple[list[Tensor], dict]:
    return found, {}
