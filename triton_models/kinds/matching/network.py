"""The matching model's network: a cross-encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel

from triton_models.training.networks import (
    DROPOUTS,
    HEAD,
    ONE_SCORE,
    is_classifier,
    labels,
    read,
    sequence_classifier,
    unit_mean,
)

PAIR_DROPOUT = 0.1


class ScoreModel(nn.Module):
    """Pairs (query, term) to scores between 0 and 1, float32 [batch, 1], by a classifier."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def logits(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        return read(self.classifier, input_ids, attention_mask, token_type_ids).logits

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        return self.logits(input_ids, attention_mask, token_type_ids).sigmoid()


class PairModel(ScoreModel):
    """The same by comparing the two texts' mean states, after each has read the other.

    It begins as a threshold on their cosine, which is what the encoder it starts from knows.
    """

    def __init__(self, bert: nn.Module) -> None:
        nn.Module.__init__(self)
        self.bert = bert
        self.width = bert.config.hidden_size
        self.dropout = nn.Dropout(PAIR_DROPOUT)
        self.head = nn.Linear(2 * self.width + 1, 1)
        with torch.no_grad():
            self.head.weight.zero_()
            self.head.weight[0, -1], self.head.bias[0] = 10.0, -7.0

    def logits(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        states = read(self.bert, input_ids, attention_mask, token_type_ids)[0]
        term = attention_mask * token_type_ids
        a, b = unit_mean(states, attention_mask - term), unit_mean(states, term)
        product = a * b
        compared = torch.cat((product * self.width, (a - b).abs() * self.width**0.5), dim=-1)
        cosine = product.sum(dim=-1, keepdim=True)
        return self.head(torch.cat((self.dropout(compared), cosine), dim=-1))


def load(folder: Path) -> ScoreModel:
    """A sequence classifier of one score where there is one, else our own head."""
    if is_classifier(folder):
        return ScoreModel(sequence_classifier(folder, ONE_SCORE))
    dropout = dict.fromkeys(DROPOUTS, PAIR_DROPOUT)
    bert = AutoModel.from_pretrained(folder, attn_implementation="eager", **dropout)
    network = PairModel(bert)
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
    return {"dimension": 1, "labels": [], "threshold": notes.get("threshold", 0.5)}
