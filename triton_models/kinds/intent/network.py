"""The intent model's network: a sequence classifier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from triton_models.settings import usable
from triton_models.training.networks import (
    DROPOUTS,
    ONE_SCORE,
    is_classifier,
    labels,
    masked_mean,
    read,
    sequence_classifier,
)

MULTI = "multi_label_classification"


class ProbabilityModel(nn.Module):
    """Queries to probabilities: float32 [batch, labels]; the temperature is in the last layer.

    Two notes in the checkpoint's config change it: with `"pooling": "mean"` the head sees the
    mean of the tokens instead of [CLS], which suits a BERT that was trained for that, and with
    the problem type `MULTI` each label has a probability of its own.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        self.mean = getattr(classifier.config, "pooling", "cls") == "mean"
        self.multi = classifier.config.problem_type == MULTI

    def logits(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        if not self.mean:
            return read(self.classifier, input_ids, attention_mask).logits
        pooled = self.pooled(input_ids, attention_mask)
        return self.classifier.classifier(self.classifier.dropout(pooled))

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """What the head sees with pooling "mean": [batch, width]."""
        states = read(self.classifier.base_model, input_ids, attention_mask)[0]
        return masked_mean(states, attention_mask)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits = self.logits(input_ids, attention_mask)
        return logits.sigmoid() if self.multi else logits.softmax(dim=-1)


def classifier(
    folder: Path,
    names: Sequence[str],
    pooling: str = "cls",
    multi: bool = False,
    dropout: float | None = None,
) -> ProbabilityModel:
    """A classifier with labels of your own on a checkpoint's BERT; the head is new.

    `pooling` and `multi` as in `ProbabilityModel`; `dropout` instead of the checkpoint's.
    """
    changed = {} if dropout is None else dict.fromkeys(DROPOUTS, dropout)
    with usable(folder, "give the folder of a BERT checkpoint"):
        config = AutoConfig.from_pretrained(
            folder,
            id2label=dict(enumerate(names)),
            label2id={name: i for i, name in enumerate(names)},
            problem_type=f"{'multi' if multi else 'single'}_label_classification",
            **changed,
        )
        config.pooling = pooling  # the library leaves out what its own config does not know
        return ProbabilityModel(
            AutoModelForSequenceClassification.from_pretrained(
                folder, config=config, attn_implementation="eager", ignore_mismatched_sizes=True
            )
        )


def load(folder: Path) -> ProbabilityModel:
    return ProbabilityModel(sequence_classifier(folder, labels(folder)))


def trained(folder: Path) -> bool:
    """Whether a checkpoint is a trained intent model."""
    return is_classifier(folder) and labels(folder) != ONE_SCORE


def contract(folder: Path, notes: dict[str, Any]) -> dict[str, Any]:
    """What model.json says of a checkpoint's output."""
    names = list(labels(folder))
    several = json.loads((folder / "config.json").read_text()).get("problem_type") == MULTI
    return {"dimension": len(names), "labels": names} | ({"multi": True} if several else {})
