"""What an encoder learns from teachers: how similar each two texts are, by their mean cosine.

The teachers' vectors may be of any widths: side by side, and scaled, they are one unit vector whose
cosines are the mean of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from triton_models.data import texts
from triton_models.data.typos import typos_of
from triton_models.kinds.encoder.contrast import vectors
from triton_models.kinds.encoder.network import VectorModel
from triton_models.training import networks
from triton_models.training.inputs import asked, device, misspelled, tensors

SHARPNESS = 0.05  # what cosines are divided by, as in the encoder's own loss
AT_ONCE = 512  # texts that are compared with each other to judge


def read(places: Sequence[Path]) -> Iterator[tuple[str, ...]]:
    """Texts of files."""
    return ((text,) for text in texts.read(places))


def student(folder: Path, teachers: Sequence[Path]) -> VectorModel:
    return networks.load(folder, "encoder")


def says(network: VectorModel, tokenizer: Tokenizer, found: Sequence[tuple[str, ...]]) -> Tensor:
    """Unit vectors, [texts, width]; each text is read as a query."""
    forms = asked([text for (text,) in found])
    return vectors(network, tokenizer, network.sentence.prompts.queries(forms))


def pooled(said: Sequence[Tensor]) -> Tensor:
    """Unit vectors whose cosines are the mean of the teachers', [texts, widths]."""
    return torch.cat(list(said), dim=1) / len(said) ** 0.5


def agreement(found: Tensor, wanted: Tensor) -> float:
    """The share of texts with the same nearest neighbour among the others, of dev's first."""
    near, right = (others(x[:AT_ONCE]).argmax(dim=1) for x in (found, wanted))
    return float((near == right).float().mean())


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
        found: Sequence[tuple[str, ...]],
        wanted: Tensor,
        recipe: Any,
    ) -> None:
        self.network, self.tokenizer, self.recipe = network, tokenizer, recipe
        self.texts, self.wanted = [text for (text,) in found], wanted
        self.typos = typos_of(recipe.language, recipe.confusions)

    def __call__(self, rows: list[int]) -> Tensor:
        typed = asked(misspelled([self.texts[i] for i in rows], self.recipe.misspelled, self.typos))
        read = self.network.sentence.prompts.queries(typed)
        found = self.network(*tensors(self.tokenizer, read, device(self.network))).float()
        wanted = self.wanted[rows].to(found.device)
        apart = functional.mse_loss(found @ found.T, wanted @ wanted.T)
        return divergence(found, wanted) + apart if len(rows) > 1 else apart


def notes(teachers: Sequence[Path]) -> dict:
    return {}
