"""The encoder's network: a BERT whose token vectors are averaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import AutoModel

from triton_models.training.networks import HEAD, architecture, read, unit_mean


class VectorModel(nn.Module):
    """Queries to unit vectors: float32 [batch, width], the mean over the real tokens."""

    def __init__(self, bert: nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return unit_mean(read(self.bert, input_ids, attention_mask)[0], attention_mask)


def load(folder: Path) -> VectorModel:
    return VectorModel(AutoModel.from_pretrained(folder, attn_implementation="eager"))


def trained(folder: Path) -> bool:
    """Whether a checkpoint is an encoder: it has no head."""
    return not (folder / HEAD).is_file() and "Classification" not in architecture(folder)


def contract(folder: Path, notes: dict[str, Any]) -> dict[str, Any]:
    """What model.json says of a checkpoint's output."""
    width = json.loads((folder / "config.json").read_text())["hidden_size"]
    return {"dimension": width, "labels": []}
