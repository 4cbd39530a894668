"""Trained classifiers of one set of labels: what each says, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from triton_models.data.named import Given
from triton_models.kinds.intent import classify, examples
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.network import ProbabilityModel
from triton_models.settings import UsageError, listed
from triton_models.training import course, networks


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
        return in_order(found, self.labels, labels).log_softmax(dim=1)


@dataclass(frozen=True)
class Dev:
    """Labelled queries, and 1 where one has a label: float32 [queries, labels]."""

    texts: list[str]
    wanted: Tensor
    sha256: str


def members(folders: Sequence[Path]) -> list[Member]:
    """Trained classifiers; UsageError for labels that differ."""
    require_alike(folders)
    return [
        Member(
            folder,
            networks.load(folder, "intent").to(course.place()).eval(),
            networks.tokenizer_of(folder),
            networks.labels(folder),
        )
        for folder in folders
    ]


def require_alike(folders: Sequence[Path]) -> None:
    """Raises UsageError for runs whose labels differ."""
    for other in folders[1:]:
        if set(networks.labels(other)) != set(networks.labels(folders[0])):
            raise UsageError(
                f"{other}: its labels are not those of {folders[0]}; give runs that were trained on"
                " the same labels"
            )


def in_order(found: Tensor, labels: Sequence[str], wanted: Sequence[str]) -> Tensor:
    """Columns of labels in another order: [queries, labels]."""
    return found[:, [labels.index(label) for label in wanted]]


def dev_of(places: Sequence[Given], labels: Sequence[str]) -> Dev:
    """The labelled queries of files, on which classifiers are judged; raises as `labelled`."""
    found = labelled(places, labels)
    wanted = classify.targets(found, labels)
    return Dev([e.text for e in found], wanted, examples.digest(found))


def labelled(places: Sequence[Given], labels: Sequence[str]) -> list[Example]:
    """Labelled queries of files, each once; UsageError for a label that the models do not know,
    or where no query has one.
    """
    read = (e for place in places for e in examples.read(place))
    found = [e for e in examples.once(read) if e.labelled]
    files = ", ".join(map(str, places))
    if not found:
        raise UsageError(f"{files}: no query in it has an intent; give some that have one")
    if strange := set(examples.label_names(found)) - set(labels):
        names = listed(sorted(strange), 5)
        raise UsageError(f"{files}: labels that the models do not know: {names}")
    return found


def figures(said: Tensor, wanted: Tensor) -> dict[str, float]:
    """What `classify.measure` tells, and the mean negative log-likelihood of what is wanted."""
    loss = functional.cross_entropy(said, wanted)
    return classify.measure(said, wanted) | {"log_loss": float(loss)}


def calibrated(
    network: ProbabilityModel, tokenizer: Tokenizer, dev: Dev
) -> tuple[float, dict[str, float]]:
    """Calibrate a network on dev; its temperature, and the figures of each fold at that of the
    other folds.
    """
    said = classify.logits(network, tokenizer, dev.texts)
    honest = classify.cross_fitted(said, dev.wanted, dev.texts)
    return classify.calibrate(network, said, dev.wanted), figures(honest, dev.wanted)
