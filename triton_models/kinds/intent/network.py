"""The intent model's network: a sequence classifier."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification

from triton_models.kinds.tagging import KIND as TAGGING
from triton_models.settings import usable
from triton_models.training import families, run_card
from triton_models.training.families import masked_mean
from triton_models.training.networks import (
    HEADS,
    ONE_SCORE,
    config_of,
    is_classifier,
    labels,
    sequence_classifier,
)

MULTI = "multi_label_classification"
SENTIMENTS = "sentiments"  # in the config: the labels of the second head
TAGS = "tags"  # in the config: the labels of the head that reads each token


class ProbabilityModel(nn.Module):
    """Queries to probabilities: float32 [batch, labels]; the temperature is in the last layer.

    Further heads, if the checkpoint's config names their labels: `head` of the sentiment, and
    `tags` of the words, which reads each token.

    With the note `"pooling": "mean"` in the checkpoint's config the head sees the mean of the
    tokens instead of [CLS], which suits a BERT that was trained for that.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        if sentiments := getattr(classifier.config, SENTIMENTS, ()):
            self.head = nn.Linear(classifier.config.hidden_size, len(sentiments))
        if tags := getattr(classifier.config, TAGS, ()):
            self.tags = nn.Linear(classifier.config.hidden_size, len(tags))
        self.mean = getattr(classifier.config, "pooling", "cls") == "mean"

    def logits(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return families.last(self.classifier)(self.features(input_ids, attention_mask))

    def features(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """What the heads of a query see: [batch, width]."""
        if self.mean:
            return self.dropout(self.pooled(input_ids, attention_mask))
        return self.read(input_ids, attention_mask)[1]

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """What the head sees with pooling "mean": [batch, width]."""
        states = families.read(self.classifier.base_model, input_ids, attention_mask)[0]
        return masked_mean(states, attention_mask)

    def read(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """The states of the tokens, [batch, length, width], and what the heads of a query see."""
        found = families.read(self.classifier.base_model, input_ids, attention_mask)
        if self.mean:
            return found[0], self.dropout(masked_mean(found[0], attention_mask))
        family = families.of(self.classifier.config)
        return found[0], family.features(self.classifier, found, attention_mask)

    def dropout(self, states: Tensor) -> Tensor:
        """What stands before each head."""
        return families.of(self.classifier.config).dropout(self.classifier)(states)

    def tag_logits(self, states: Tensor) -> Tensor:
        """Those of the tags' labels, by the states of tokens."""
        return self.tags(self.dropout(states))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The probabilities, and behind them those of each further head."""
        states, features = self.read(input_ids, attention_mask)
        said = [families.last(self.classifier)(features)]
        if hasattr(self, "head"):
            said.append(self.head(features))
        if hasattr(self, "tags"):
            said.append(self.tag_logits(states))
        found = tuple(logits.softmax(dim=-1) for logits in said)
        return found if len(found) > 1 else found[0]


def classifier(
    folder: Path,
    names: Sequence[str],
    pooling: str = "cls",
    dropout: float | None = None,
    sentiments: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> ProbabilityModel:
    """A classifier with labels of your own on a checkpoint's BERT. A head begins as that of the
    checkpoint if this has the same labels; else it is new.

    `pooling` as in `ProbabilityModel`; `dropout` instead of the checkpoint's; `sentiments` and
    `tags` are the labels of further heads, if there are to be any.
    """
    families.require(folder)
    with usable(folder, "give the folder of a BERT checkpoint"):
        config = config_of(folder, names, dropout, problem_type="single_label_classification")
        config.pooling = pooling  # the library leaves out what its own config does not know
        wanted = {SENTIMENTS: list(sentiments), TAGS: list(tags)}
        config.update(wanted)
        network = ProbabilityModel(
            AutoModelForSequenceClassification.from_pretrained(
                folder, config=config, attn_implementation="eager", ignore_mismatched_sizes=True
            )
        )
        if is_classifier(folder) and labels(folder) != tuple(names):
            last = families.last(network.classifier)  # as many rows may be of other labels
            nn.init.normal_(last.weight, std=config.initializer_range)
            nn.init.zeros_(last.bias)
        before = json.loads((folder / "config.json").read_text())
        for label, module in ((SENTIMENTS, "head"), (TAGS, "tags")):
            if before.get(label) == wanted[label] and (folder / HEADS[module]).is_file():
                restore(network, folder, module)
        return network


def restore(network: ProbabilityModel, folder: Path, name: str) -> None:
    """Give a further head, if there is to be one, the weights that it has in a checkpoint."""
    if hasattr(network, name):
        getattr(network, name).load_state_dict(load_file(folder / HEADS[name]))


def remembered(read: Callable[[Tensor, Tensor], Tensor], known: dict) -> Callable:
    """The same as `read`, a frozen network's `pooled`, each sequence of ids being read once."""

    def pooled(ids: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.sum(dim=1).tolist()
        keys = [tuple(row[:n]) for row, n in zip(ids.tolist(), lengths, strict=True)]
        if new := [i for i, key in enumerate(keys) if key not in known]:
            with torch.no_grad():
                found = read(ids[new], mask[new])
            known.update(zip((keys[i] for i in new), found.clone(), strict=True))
        return torch.stack([known[key] for key in keys])

    return pooled


def load(folder: Path) -> ProbabilityModel:
    """Raises ValueError for a checkpoint that gives a query several labels."""
    if json.loads((folder / "config.json").read_text()).get("problem_type") == MULTI:
        raise ValueError("it gives a query several labels, and what serves it takes one")
    network = ProbabilityModel(sequence_classifier(folder, labels(folder)))
    for name in HEADS:
        restore(network, folder, name)
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
    if tags := config.get(TAGS):
        found["tags"] = {"output": TAGGING.output, "labels": tags}
    counts = run_card.read(folder).get("data", {}).get("label_counts", {})
    if set(counts) == set(names):
        found["label_counts"] = {name: counts[name] for name in names}
    return found
