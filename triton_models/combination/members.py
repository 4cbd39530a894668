"""Checkpoints that are combined: of what kind each is, and what the classifiers among them say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from triton_models.data import named
from triton_models.kinds.intent import classify, examples
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.network import SENTIMENTS, ProbabilityModel
from triton_models.settings import UsageError
from triton_models.training import course, inputs, networks
from triton_models.training.checkpoints import require_checkpoint

TINY = 1e-9  # a probability that is taken for 0


@dataclass(frozen=True)
class Member:
    """A trained classifier, on the GPU if there is one."""

    folder: Path
    network: ProbabilityModel
    tokenizer: Tokenizer
    labels: tuple[str, ...]

    def says(self, texts: Sequence[str], labels: Sequence[str]) -> Tensor:
        """Logits of texts, in the order of `labels`: float32 [texts, labels].

        They are normalised: the logarithms of the probabilities.
        """
        found = classify.logits(self.network, self.tokenizer, texts)
        found = found[:, [self.labels.index(label) for label in labels]]
        return found.log_softmax(dim=1)

    @property
    def sentiments(self) -> tuple[str, ...]:
        """The labels of its second head, () without one."""
        return tuple(getattr(self.network.classifier.config, SENTIMENTS, ()) or ())

    def feels(self, texts: Sequence[str]) -> Tensor:
        """What its second head says: the logarithms of probabilities, [texts, sentiments]."""
        return felt(self.network, self.tokenizer, texts).log_softmax(dim=1)


def felt(network: ProbabilityModel, tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """Logits of the second head, [texts, sentiments]."""

    def call(*given: Tensor) -> Tensor:
        return network.head(network.features(*given))

    return inputs.answers(call, network, tokenizer, inputs.asked(texts))


def kind_of(folder: Path) -> str:
    """The kind of model of a run; UsageError where there is no checkpoint."""
    require_checkpoint(folder)
    return networks.kind_of(folder)


def classifiers(folders: Sequence[Path]) -> list[Member]:
    """Trained classifiers with the same labels.

    Raises UsageError for another kind of checkpoint, or labels that differ.
    """
    found = []
    for folder in folders:
        if kind_of(folder) != "intent":
            raise UsageError(f"{folder}: no classifier; give runs of `finetune intent`")
        network = networks.load(folder, "intent").to(course.place()).eval()
        tokenizer = networks.tokenizer_of(folder)
        found.append(Member(folder, network, tokenizer, networks.labels(folder)))
    first = found[0]
    for other in found[1:]:
        if set(other.labels) != set(first.labels):
            raise UsageError(
                f"{other.folder}: its labels are not those of {first.folder}; give runs that were"
                " trained on the same labels"
            )
    return found


def pooled(said: Sequence[Tensor], weights: Sequence[float] | None) -> Tensor:
    """What several say together, as logits [texts, labels]; each is as `Member.says` gives it.

    Without weights the mean of their probabilities, with weights the weighted sum of their logits.
    """
    stacked = torch.stack(list(said))
    if weights is not None:
        joined = (stacked * torch.tensor(weights)[:, None, None]).sum(dim=0)
        return joined.log_softmax(dim=1)
    return stacked.exp().mean(dim=0).clamp(TINY, 1 - TINY).log()


def labelled(
    files: Sequence[str], labels: Sequence[str], columns: Sequence[str] = ()
) -> list[Example]:
    """Labelled queries of files, each once; UsageError for a label that the models do not know."""
    read = (e for place in named.places(files, columns) for e in examples.read(place))
    found = [e for e in examples.once(read) if e.labelled]
    if strange := set(examples.label_names(found)) - set(labels):
        raise UsageError(
            f"{', '.join(files)}: labels that the models do not know: {listed(strange)}"
        )
    return found


def listed(names: set[str]) -> str:
    return ", ".join(sorted(names)[:5]) + (", …" if len(names) > 5 else "")


def figures(said: Tensor, wanted: Tensor) -> dict[str, float]:
    """What `classify.measure` tells, and the mean negative log-likelihood of what is wanted."""
    functional = torch.nn.functional
    loss = functional.cross_entropy(said, wanted)
    return classify.measure(said, wanted) | {"log_loss": float(loss)}


def config(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text())
