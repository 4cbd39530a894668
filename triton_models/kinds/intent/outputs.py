"""What a model says of labelled queries: their intents, and by its second head their sentiments.

NumPy, no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triton_models.contract import ModelContract
from triton_models.kinds.intent.examples import SENTIMENT
from triton_models.kinds.kind import Head

INTENT = "intent"


@dataclass(frozen=True)
class Answers:
    """Labelled queries and what a model says of them.

    Attributes:
        labels: of the intents, or of the sentiments.
        probabilities: [rows, labels].
        wanted: index of the right label of each row.
    """

    rows: list[dict]
    labels: tuple[str, ...]
    probabilities: np.ndarray
    wanted: np.ndarray

    @property
    def found(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        return self.probabilities.max(axis=1).astype(float)

    @property
    def right(self) -> np.ndarray:
        return self.found == self.wanted


def intents(model: ModelContract, rows: Sequence[dict], said: np.ndarray) -> Answers:
    """The rows whose intent the model knows; `said` has all its outputs beside each other."""
    return _of(rows, said[:, : len(model.labels)], model.labels, INTENT)


def sentiments(model: ModelContract, rows: Sequence[dict], said: np.ndarray) -> Answers | None:
    """The same of the rows that have a sentiment; None where the model has no head for it, or no
    row has one."""
    if (chances := of_head(model, said)) is None:
        return None
    found = _of(rows, chances, head_of(model).labels, SENTIMENT)
    return found if found.rows else None


def of_head(model: ModelContract, said: np.ndarray) -> np.ndarray | None:
    """The probabilities of the sentiments, [rows, labels]; None of a model without the head."""
    if (head := head_of(model)) is None:
        return None
    before = model.heads[: model.heads.index(head)]
    place = len(model.labels) + sum(len(other.labels) for other in before)
    return said[:, place : place + len(head.labels)]


def head_of(model: ModelContract) -> Head | None:
    """The head of the sentiments; None of a model without it."""
    return next((head for head in model.heads if head.name == SENTIMENT), None)


def _of(
    rows: Sequence[dict], probabilities: np.ndarray, labels: tuple[str, ...], name: str
) -> Answers:
    mine = [i for i, row in enumerate(rows) if row[name] in labels]
    wanted = np.array([labels.index(rows[i][name]) for i in mine], dtype=int)
    return Answers([rows[i] for i in mine], labels, probabilities[mine], wanted)
