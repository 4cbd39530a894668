"""The encoder's network: token vectors that become one of each text."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from triton_models.kinds.encoder import sentence
from triton_models.kinds.encoder.sentence import Sentence
from triton_models.settings import UsageError
from triton_models.training.families import HIDDEN, masked_mean, read
from triton_models.training.networks import HEAD, LENGTH, architecture, length_of, product_text


class VectorModel(nn.Module):
    """Texts to unit vectors: float32 [batch, width].

    Attributes:
        sentence: says how the token vectors are pooled, and what stands before a text.
    """

    def __init__(self, bert: nn.Module, told: Sentence | None = None) -> None:
        super().__init__()
        self.bert, self.sentence = bert, told or Sentence()

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = read(self.bert, input_ids, attention_mask)[0]
        return nn.functional.normalize(self.pooled(states, attention_mask), dim=-1)

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        if self.sentence.pooling == "cls":
            return states[:, 0]
        if self.sentence.pooling == "max":
            return states.masked_fill(mask.unsqueeze(-1) == 0, HIDDEN).amax(dim=1)
        return masked_mean(states, mask)

    def save_notes(self, folder: Path) -> None:
        """What a checkpoint keeps beside its weights and config."""
        longest = length_of(self.bert.config)
        sentence.write(replace(self.sentence, longest=longest), folder)


def load(folder: Path) -> VectorModel:
    told = sentence.read(folder)
    bert = AutoModel.from_pretrained(folder, attn_implementation="eager")
    if told.longest:
        setattr(bert.config, LENGTH, min(told.longest, length_of(bert.config)))
    return VectorModel(bert, told)


def trained(folder: Path) -> bool:
    """Whether a checkpoint is an encoder: it has no head."""
    return not (folder / HEAD).is_file() and "Classification" not in architecture(folder)


def contract(folder: Path, notes: dict[str, Any]) -> dict[str, Any]:
    """What model.json says of a checkpoint's output.

    Raises UsageError for vectors whose length counts: here they are compared by their cosine.
    """
    told = sentence.read(folder)
    if told.dot:
        raise UsageError(
            f"{folder}: its vectors are compared by dot product, and here by cosine; finetune"
            " encoder from it first, or give a checkpoint for cosine"
        )
    return {
        "dimension": AutoConfig.from_pretrained(folder).hidden_size,
        "labels": [],
        "pooling": told.pooling,
        "prompts": asdict(told.prompts),
    } | product_text(folder)
