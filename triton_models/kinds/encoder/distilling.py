"""What an encoder learns from teachers: how similar each two texts are, by their mean cosine.

Queries and documents are read as in training, each with its prompt. The teachers' vectors may be of
any widths: side by side, and scaled, they are one unit vector whose cosines are the mean of theirs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from triton_models.data import records
from triton_models.data.typos import ENGLISH, Typos, typos_of
from triton_models.kinds.encoder.contrast import vectors
from triton_models.kinds.encoder.network import VectorModel
from triton_models.training import networks, unlabelled
from triton_models.training.inputs import asked, device, misspelled, tensors
from triton_models.training.unlabelled import Asked, Texts

SHARPNESS = 0.05  # what cosines are divided by, as in the encoder's own loss
AT_ONCE = 512  # texts that are compared with each other to judge


def gather(args: argparse.Namespace, teachers: Sequence[Path]) -> Texts:
    """The queries and documents of --text."""
    return unlabelled.gather(args, read)


def read(places: Sequence[Path]) -> Iterator[Asked]:
    """(query, "") and ("", document) of files: of plain text each line is a query, or a query and a
    document with a tab between the two; of others by the columns of judged pairs, and `description`
    is a document too.

    Raises UsageError that names a file, and the line that is wrong.
    """
    for place in places:
        empty = True
        for _, row, (query, term) in unlabelled.pairs(place):
            for text, document in ((query, False), (term, True), (row.get("description"), True)):
                if isinstance(text, str) and (text := " ".join(text.split())):
                    empty = False
                    yield ("", text) if document else (text, "")
        if empty:
            records.refusing(place)(0, "no text in it; give columns query and document, or lines")


def student(folder: Path, teachers: Sequence[Path]) -> VectorModel:
    return networks.load(folder, "encoder")


def says(network: VectorModel, tokenizer: Tokenizer, found: Sequence[Asked]) -> Tensor:
    """Unit vectors, [texts, width]."""
    return vectors(network, tokenizer, as_read(network, found))


def as_read(
    network: VectorModel, found: Sequence[Asked], share: float = 0.0, typos: Typos = ENGLISH
) -> list[str]:
    """Texts with their prompts, the queries in their normal form, a share of them with a typo."""
    prompts, queries = network.sentence.prompts, [query for query, _ in found if query]
    typed = iter(prompts.queries(asked(misspelled(queries, share, typos))))
    return [next(typed) if query else prompts.document + document for query, document in found]


def pooled(said: Sequence[Tensor], weights: None = None) -> Tensor:
    """Unit vectors whose cosines are the mean of the teachers', [texts, widths]."""
    return torch.cat(list(said), dim=1) / len(said) ** 0.5


def figures(found: Tensor, wanted: Tensor, of: Sequence[Asked]) -> dict[str, float]:
    """The share of texts with the same nearest neighbour among the others, of dev's first."""
    near, right = (others(x[:AT_ONCE]).argmax(dim=1) for x in (found, wanted))
    return {"agreement": float((near == right).float().mean())}


def distance(found: Tensor, wanted: Tensor) -> float:
    """How far the similarities are apart, among dev's first texts."""
    return float(divergence(found[:AT_ONCE], wanted[:AT_ONCE]))


def others(found: Tensor) -> Tensor:
    """The cosines of each text with the others, its own being far below: [texts, texts]."""
    own = torch.eye(len(found), dtype=torch.bool, device=found.device)
    return (found @ found.T).masked_fill(own, -10.0)


def divergence(found: Tensor, wanted: Tensor) -> Tensor:
    """The mean Kullback-Leibler divergence of which other text each is nearest to."""
    said, right = ((others(x) / SHARPNESS).log_softmax(dim=1) for x in (found, wanted))
    return functional.kl_div(said, right, log_target=True, reduction="batchmean")


class Loss:
    """The divergence among a batch of text indices, and how far the cosines are apart."""

    def __init__(
        self,
        network: VectorModel,
        tokenizer: Tokenizer,
        found: Sequence[Asked],
        wanted: Tensor,
        recipe: Any,
    ) -> None:
        self.network, self.tokenizer, self.recipe = network, tokenizer, recipe
        self.texts, self.wanted = found, wanted
        self.typos = typos_of(recipe.language, recipe.confusions)

    def __call__(self, rows: list[int]) -> Tensor:
        texts = [self.texts[i] for i in rows]
        read = as_read(self.network, texts, self.recipe.misspelled, self.typos)
        found = self.network(*tensors(self.tokenizer, read, device(self.network))).float()
        wanted = self.wanted[rows].to(found.device)
        apart = functional.mse_loss(found @ found.T, wanted @ wanted.T)
        return divergence(found, wanted) + apart if len(rows) > 1 else apart


def finish(
    network: VectorModel, found: Tensor, of: Sequence[Asked], teachers: Sequence[Path], out: Path
) -> tuple[Tensor, dict]:
    return found, {}
