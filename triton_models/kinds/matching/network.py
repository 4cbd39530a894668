"""The matching model's network: a cross-encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel

from triton_models.kinds.kind import IDS, PAIRS
from triton_models.settings import UsageError
from triton_models.text import special
from triton_models.training import families
from triton_models.training.networks import (
    HEAD,
    ONE_SCORE,
    dropouts,
    is_classifier,
    labels,
    product_text,
    sequence_classifier,
    unit_mean,
)
from triton_models.training.vocabulary import bare_tokenizer

PAIR_DROPOUT = 0.1


class ScoreModel(nn.Module):
    """Pairs (query, term) to scores between 0 and 1, float32 [batch, 1], by a classifier."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        self.inputs = inputs_of(classifier)

    def logits(self, ids: Tensor, mask: Tensor, types: Tensor | None = None) -> Tensor:
        types = types if self.inputs == PAIRS else None
        seen = families.features(self.classifier, ids, mask, types)
        return families.last(self.classifier)(seen)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Tensor:
        return self.logits(input_ids, attention_mask, token_type_ids).sigmoid()


class PairModel(ScoreModel):
    """The same by comparing the two texts' mean states, after each has read the other.

    It begins as a threshold on their cosine, which is what the encoder it starts from knows.

    Args:
        sep: the id of the separator, by which a BERT without token types tells the two texts.
    """

    def __init__(self, bert: nn.Module, sep: int | None = None) -> None:
        nn.Module.__init__(self)
        self.bert, self.sep = bert, sep
        self.inputs = inputs_of(bert)
        self.width = bert.config.hidden_size
        self.dropout = nn.Dropout(PAIR_DROPOUT)
        self.head = nn.Linear(2 * self.width + 1, 1)
        with torch.no_grad():
            self.head.weight.zero_()
            self.head.weight[0, -1], self.head.bias[0] = 10.0, -7.0

    def logits(self, ids: Tensor, mask: Tensor, types: Tensor | None = None) -> Tensor:
        if self.inputs == IDS:
            states = families.read(self.bert, ids, mask)[0]
            types = after(ids, self.sep)
        else:
            states = families.read(self.bert, ids, mask, types)[0]
        term = mask * types
        a, b = unit_mean(states, mask - term), unit_mean(states, term)
        product = a * b
        compared = torch.cat((product * self.width, (a - b).abs() * self.width**0.5), dim=-1)
        cosine = product.sum(dim=-1, keepdim=True)
        return self.head(torch.cat((self.dropout(compared), cosine), dim=-1))


def inputs_of(bert: nn.Module) -> tuple[str, ...]:
    """What a cross-encoder on it takes: token types only where its family reads them."""
    return PAIRS if families.of(bert.config).token_types(bert.config) else IDS


def separator(folder: Path) -> int:
    """The id of what a tokenizer puts between two texts."""
    if (found := special(bare_tokenizer(folder), "sep")) is None:
        raise UsageError(f"{folder}: its tokenizer has no [SEP] and no </s>: give another")
    return found


def after(ids: Tensor, sep: int) -> Tensor:
    """1 from the first separator's successor on, which is the second text of a pair."""
    found = (ids == sep).to(ids.dtype)
    return ((found.cumsum(dim=1) - found) > 0).to(ids.dtype)


def load(folder: Path) -> ScoreModel:
    """A sequence classifier of one score where there is one, else our own head."""
    if is_classifier(folder):
        return ScoreModel(sequence_classifier(folder, ONE_SCORE))
    dropout = dropouts(folder, PAIR_DROPOUT)
    bert = AutoModel.from_pretrained(folder, attn_implementation="eager", **dropout)
    network = PairModel(bert, separator(folder) if inputs_of(bert) == IDS else None)
    if (folder / HEAD).is_file():
        network.head.load_state_dict(load_file(folder / HEAD))
    return network


def trained(folder: Path) -> bool:
    """Whether a checkpoint is a trained matching model."""
    if is_classifier(folder):
        return labels(folder) == ONE_SCORE
    return (folder / HEAD).is_file()


def contract(folder: Path, notes: dict[str, Any]) -> dict[str, Any]:
    """What model.json says of a checkpoint's output."""
    found = {"dimension": 1, "labels": [], "threshold": notes.get("threshold", 0.5)}
    return found | product_text(folder)
