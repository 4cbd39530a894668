"""What a matching model learns from teachers: their mean probability of each pair."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from triton_models.data import records
from triton_models.data.typos import typos_of
from triton_models.kinds.matching.network import ScoreModel
from triton_models.kinds.matching.training import NOTES, UNCHOSEN
from triton_models.settings import UsageError
from triton_models.training import networks, unlabelled
from triton_models.training.inputs import answers, asked, device, misspelled, tensors
from triton_models.training.unlabelled import Texts

TINY = 1e-6
Pair = tuple[str, ...]


def gather(args: argparse.Namespace, teachers: Sequence[Path]) -> Texts:
    """The pairs of --text."""
    return unlabelled.gather(args, read)


def read(places: Sequence[Path]) -> Iterator[Pair]:
    """Pairs of files: lines of query<TAB>term (.txt), or the columns of both."""
    for place in places:
        blame = records.refusing(place)
        for line, _, (query, term) in unlabelled.pairs(place):
            if not (isinstance(query, str) and isinstance(term, str) and query and term):
                blame(line, "no query and term; write both, in a .txt with a tab between them")
            yield " ".join(query.split()), " ".join(term.split())


def student(folder: Path, teachers: Sequence[Path]) -> ScoreModel:
    return networks.load(folder, "matching")


def says(network: ScoreModel, tokenizer: Tokenizer, pairs: Sequence[Pair]) -> Tensor:
    """Logits, [pairs]."""
    queries, terms = zip(*pairs, strict=True)
    return answers(network.logits, network, tokenizer, asked(queries), terms)[:, 0]


def pooled(said: Sequence[Tensor], weights: None = None) -> Tensor:
    """The logit of the mean probability, [pairs]."""
    return torch.stack(list(said)).sigmoid().mean(dim=0).clamp(TINY, 1 - TINY).logit()


def figures(found: Tensor, wanted: Tensor, of: Sequence[Pair]) -> dict[str, float]:
    """The share of pairs on the same side of 0.5."""
    return {"agreement": float(((found > 0) == (wanted > 0)).float().mean())}


def distance(found: Tensor, wanted: Tensor, temperature: float = 1.0) -> float:
    """How far the probabilities are apart: the mean Kullback-Leibler divergence."""
    return float(divergence(found, wanted, temperature))


def divergence(found: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """The same of logits softened by a temperature, times its square, so that its gradient does
    not hang on it."""
    share = (wanted / temperature).sigmoid()
    cross = functional.binary_cross_entropy_with_logits(found / temperature, share)
    own = functional.binary_cross_entropy_with_logits(wanted / temperature, share)
    return temperature**2 * (cross - own)


class Loss:
    """The divergence of a batch of pair indices."""

    def __init__(
        self,
        network: ScoreModel,
        tokenizer: Tokenizer,
        pairs: Sequence[Pair],
        wanted: Tensor,
        recipe: Any,
    ) -> None:
        self.network, self.tokenizer, self.pairs = network, tokenizer, pairs
        self.wanted, self.recipe = wanted, recipe
        self.typos = typos_of(recipe.language, recipe.confusions)

    def __call__(self, rows: list[int]) -> Tensor:
        queries, terms = zip(*(self.pairs[i] for i in rows), strict=True)
        read = asked(misspelled(queries, self.recipe.misspelled, self.typos))
        logits = self.network.logits(*tensors(self.tokenizer, read, device(self.network), terms))
        wanted = self.wanted[rows].to(logits.device)
        return divergence(logits[:, 0].float(), wanted, self.recipe.temperature)


def finish(
    network: ScoreModel, said: Tensor, of: Sequence[Pair], teachers: Sequence[Path], out: Path
) -> tuple[Tensor, dict]:
    """Keep the threshold, the mean of the teachers', beside the checkpoint `out`."""
    found = []
    for folder in teachers:
        try:
            found.append(json.loads((folder / NOTES).read_text())["threshold"])
        except (OSError, ValueError, KeyError):
            found.append(UNCHOSEN)
    if not all(isinstance(one, float | int) for one in found):
        raise UsageError(f"{teachers[0] / NOTES}: its threshold is no number; train it again")
    notes = {"kind": "matching", "threshold": sum(found) / len(found)}
    (out / NOTES).write_text(json.dumps(notes) + "\n")
    return said, notes
