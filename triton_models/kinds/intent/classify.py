"""A classifier's losses and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from triton_models.data.typos import typos_of
from triton_models.evaluation import figures, folds
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.network import ProbabilityModel
from triton_models.training import families, temperature
from triton_models.training.inputs import answers, asked, device, misspelled, restyled, tensors

if TYPE_CHECKING:
    from triton_models.kinds.intent.tasks import Task


@dataclass(frozen=True)
class Lesson:
    """How the loss is made.

    Attributes:
        smoothing: of the labels.
        misspelled: share of the queries that are read with a typo.
        restyled: share that is read in another style (`data.restyle`).
        consistency: weight of the divergence between two readings of a query; each has its own
            dropout, and the second the typos and styles (R-Drop).
        by_weight: whether rare labels weigh more in the loss.
        language, confusions: of typos and styles; see `data.typos`.
    """

    smoothing: float = 0.05
    misspelled: float = 0.0
    consistency: float = 0.0
    by_weight: bool = False
    restyled: float = 0.0
    language: str = "en"
    confusions: tuple[str, ...] = ()


class Loss:
    """The mean loss of a batch of example indices."""

    def __init__(
        self,
        network: ProbabilityModel,
        tokenizer: Tokenizer,
        examples: Sequence[Example],
        labels: Sequence[str],
        lesson: Lesson,
        tasks: Sequence[Task] = (),
    ) -> None:
        self.network, self.tokenizer, self.lesson = network, tokenizer, lesson
        self.tasks = tasks
        self.typos = typos_of(lesson.language, lesson.confusions)
        self.texts = [e.text for e in examples]
        self.targets = targets(examples, labels)
        weights = torch.tensor(rarity(examples), dtype=torch.float32)
        own = torch.tensor([e.weight * e.labelled for e in examples])
        self.weights = weights * own if lesson.by_weight else own

    def __call__(self, rows: list[int]) -> Tensor:
        clean = [self.texts[i] for i in rows]
        styled = restyled(clean, self.lesson.restyled, self.lesson.language)
        typed = misspelled(styled, self.lesson.misspelled, self.typos)
        readings = [clean, typed] if self.lesson.consistency else [typed]
        texts = asked([text for reading in readings for text in reading])
        inputs = tensors(self.tokenizer, texts, device(self.network))
        logits = self.network.logits(*inputs).float()
        wanted = self.targets[rows].to(logits.device)
        weights = self.weights[rows].to(logits.device)
        each = self.costs(logits, wanted.repeat(len(readings), 1))
        loss = (each * weights.repeat(len(readings))).mean()
        if self.lesson.consistency:
            loss = loss + self.lesson.consistency * self.divergence(*logits.chunk(2))
        return loss + sum(task.loss(rows, texts) for task in self.tasks)

    def costs(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """The loss of each query: [batch]."""
        smooth = self.lesson.smoothing
        soft = wanted * (1 - smooth) + smooth / wanted.shape[1]
        return functional.cross_entropy(logits, soft, reduction="none")

    def divergence(self, a: Tensor, b: Tensor) -> Tensor:
        """The symmetric Kullback-Leibler divergence of two readings, the mean over queries."""
        a, b = a.log_softmax(dim=1), b.log_softmax(dim=1)
        return ((a.exp() - b.exp()) * (a - b)).sum(dim=1).mean() / 2


def targets(examples: Sequence[Example], labels: Sequence[str]) -> Tensor:
    """1 where an example has a label: float32 [examples, labels]."""
    column = {label: i for i, label in enumerate(labels)}
    found = torch.zeros(len(examples), len(labels))
    for row, example in enumerate(examples):
        found[row, [column[label] for label in example.labels]] = 1.0
    return found


def rarity(examples: Sequence[Example]) -> list[float]:
    """How much an example counts when all labels count alike; 1 on average over the labels."""
    counts = Counter(label for e in examples for label in e.labels)
    usual = sum(counts.values()) / max(1, len(counts))
    return [
        sum(usual / counts[label] for label in e.labels) / len(e.labels) if e.labels else 1.0
        for e in examples
    ]


def logits(network: ProbabilityModel, tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """What the network says of queries, before it becomes probabilities: [texts, labels]."""
    return answers(network.logits, network, tokenizer, asked(texts))


def calibrate(network: ProbabilityModel, said: Tensor, wanted: Tensor) -> float:
    """Fit the temperature on held-out logits and fold it into the network's last layer."""
    best = temperature.best(cost_of(said, wanted))
    return temperature.fold(families.last(network.classifier), best)


def cost_of(said: Tensor, wanted: Tensor) -> Callable[[Tensor], Tensor]:
    """How unlikely what is wanted, targets or columns, is at a temperature."""
    return lambda t: functional.cross_entropy(said / t, wanted)


def cross_fitted(said: Tensor, wanted: Tensor, texts: Sequence[str]) -> Tensor:
    """Logits of dev, each fold's at the temperature that the other folds ask for; readings of one
    query are in one fold."""
    found = said.clone()
    for mine, rest in folds.parts(asked(texts)):
        found[mine] = said[mine] / temperature.best(cost_of(said[rest], wanted[rest]))
    return found


def measure(said: Tensor, wanted: Tensor) -> dict[str, float]:
    """Figures of logits against targets, both [queries, labels]."""
    chances = said.softmax(dim=1).numpy()
    right = wanted.numpy() > 0.5
    found = chances == chances.max(axis=1, keepdims=True)
    hits, both = (found & right).sum(axis=0), found.sum(axis=0) + right.sum(axis=0)
    with_any = right.any(axis=0)
    return {
        "accuracy": float((found == right).all(axis=1).mean()),
        "macro_f1": float((2 * hits / np.maximum(both, 1))[with_any].mean()),
        "calibration_error": figures.calibration_error(chances, right.argmax(1)),
    }
