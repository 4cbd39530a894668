"""The intent model's network: a sequence classifier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification

from triton_models.settings import usable
from triton_models.training import families
from triton_models.training.families import masked_mean
from triton_models.training.networks import (
    HEAD,
    ONE_SCORE,
    config_of,
    is_classifier,
    labels,
    sequence_classifier,
)

MULTI = "multi_label_classification"
SENTIMENTS = "sentiments"  # in the config: the labels of the second head


class ProbabilityModel(nn.Module):
    """Queries to probabilities: float32 [batch, labels]; the temperature is in the last layer.

    With the note `"pooling": "mean"` in the checkpoint's config the head sees the mean of the
    tokens instead of [CLS], which suits a BERT that was trained for that.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        if sentiments := getattr(classifier.config, SENTIMENTS, ()):
            self.head = nn.Linear(classifier.config.hidden_size, len(sentiments))
        self.mean = getattr(classifier.config, "pooling", "cls") == "mean"

    def logits(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return families.last(self.classifier)(self.features(input_ids, attention_mask))

    def features(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """What the heads see: [batch, width]."""
        if self.mean:
            dropout = families.of(self.classifier.config).dropout(self.classifier)
            return dropout(self.pooled(input_ids, attention_mask))
        return families.features(self.classifier, input_ids, attention_mask)

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """What the head sees with pooling "mean": [batch, width]."""
        states = families.read(self.classifier.base_model, input_ids, attention_mask)[0]
        return masked_mean(states, attention_mask)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The probabilities, and where there is a second head those of the sentiments."""
        if not hasattr(self, "head"):
            logits = self.logits(input_ids, attention_mask)
            return logits.softmax(dim=-1)
        features = self.features(input_ids, attention_mask)
        logits = families.last(self.classifier)(features)
        return logits.softmax(dim=-1), self.head(features).softmax(dim=-1)


def classifier(
    folder: Path,
    names: Sequence[str],
    pooling: str = "cls",
    dropout: float | None = None,
    sentiments: Sequence[str] = (),
) -> ProbabilityModel:
    """A classifier with labels of your own on a checkpoint's BERT; the head is new.

    `pooling` as in `ProbabilityModel`; `dropout` instead of the checkpoint's;
    `sentiments` are the labels of a second head, if there is to be one.
    """
    families.require(folder)
    with usable(folder, "give the folder of a BERT checkpoint"):
        config = config_of(folder, names, dropout, problem_type="single_label_classification")
        config.pooling = pooling  # the library leaves out what its own config does not know
        config.sentiments = list(sentiments)
        return ProbabilityModel(
            AutoModelForSequenceClassification.from_pretrained(
                folder, config=config, attn_implementation="eager", ignore_mismatched_sizes=True
            )
        )


def load(folder: Path) -> ProbabilityModel:
    """Raises ValueError for a checkpoint that gives a query several labels."""
    if json.loads((folder / "config.json").read_text()).get("problem_type") == MULTI:
        raise ValueError("it gives a query several labels, and what serves it takes one")
    network = ProbabilityModel(sequence_classifier(folder, labels(folder)))
    if hasattr(network, "head"):
        network.head.load_state_dict(load_file(folder / HEAD))
    return network


def trained(folder: Path) -> bool:
    """Whether a checkpoint is a trained intent model."""
    return is_classifier(folder) and labels(folder) != ONE_SCORE


def contract(folder: Path, notes: dict[str, Any]) -> dict[str, Any]:
    """What model.json says of a checkpoint's output."""
    names = list(labels(folder))
    config = json.loads((folder / "config.json").read_text())
    found: dict[str, Any] = {"dimension": len(names), "labels": names}
    if sentiments := config.get(SENTIMENTS):
        about = {"output": "sentiment_probabilities", "labels": sentiments}
        found["heads"] = {"sentiment": about}
    return found
