"""The tagging model's network: a token classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import AutoModelForTokenClassification

from triton_models.kinds.tagging import OUTSIDE
from triton_models.settings import UsageError, usable
from triton_models.training import families
from triton_models.training.networks import architecture, config_of, labels


class TagModel(nn.Module):
    """Queries to probabilities of labels: float32 [batch, length, labels]; the temperature is in
    the last layer.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def logits(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return families.read(self.classifier, input_ids, attention_mask).logits

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.logits(input_ids, attention_mask).softmax(dim=-1)


def classifier(folder: Path, names: Sequence[str], dropout: float | None = None) -> TagModel:
    """A token classifier with these labels on a checkpoint's BERT; the head is new."""
    families.require(folder)
    with usable(folder, "give the folder of a BERT checkpoint"):
        config = config_of(folder, names, dropout)
        return TagModel(_of(folder, config=config, ignore_mismatched_sizes=True))


def load(folder: Path) -> TagModel:
    if not trained(folder):
        raise UsageError(f"{folder}: no token classifier; finetune tagging from it first")
    return TagModel(_of(folder))


def _of(folder: Path, **more: Any) -> nn.Module:
    return AutoModelForTokenClassification.from_pretrained(
        folder, attn_implementation="eager", **more
    )


def trained(folder: Path) -> bool:
    """Whether a checkpoint is a trained tagging model."""
    return "TokenClassification" in architecture(folder) and OUTSIDE in labels(folder)


def contract(folder: Path, notes: dict[str, Any]) -> dict[str, Any]:
    """What model.json says of a checkpoint's output."""
    names = list(labels(folder))
    return {"dimension": len(names), "labels": names}
