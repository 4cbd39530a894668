"""How long and how fast to train, and in which batches."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

WARM_UP = 0.06  # share of the steps


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        epochs: passes over the examples, at most.
        batch_size: examples a step.
        rate: the highest learning rate.
        seed: of the order of examples, and of new weights.
        table_rate: the rate of the word embeddings, as a multiple of `rate`.
        warm_up: share of the steps in which the rate rises.
        decay: how it falls then: "linear" or "cosine".
        weight_decay: of matrices; biases and norms are not decayed.
        clip: maximum norm of the gradient; 0 leaves it as it is.
        patience: epochs without a better judgement after which to stop; 0 never stops.
        parts: forward passes that a batch is split into, to save memory.
        precision: "fp32", or on a GPU "bf16" or "fp16".
        adversarial: length of the adversary's step (see `adversary`); 0 for none.
    """

    epochs: int
    batch_size: int
    rate: float
    seed: int = 17
    table_rate: float = 1.0
    warm_up: float = WARM_UP
    decay: str = "linear"
    weight_decay: float = 0.01
    clip: float = 1.0
    patience: int = 0
    parts: int = 1
    precision: str = "fp32"
    adversarial: float = 0.0

    def share_of_rate(self, step: int, steps: int) -> float:
        """The learning rate at a step, as a share of the highest."""
        warm = max(1, round(self.warm_up * steps))
        if step < warm:
            return (step + 1) / warm
        left = max(0.0, (steps - step) / (steps - warm + 1))
        return left if self.decay == "linear" else (1 - math.cos(math.pi * left)) / 2


def batches(
    lengths: Sequence[int],
    size: int,
    rng: random.Random,
    weights: Sequence[float] | None = None,
) -> list[list[int]]:
    """All indices once, in shuffled batches whose members have like lengths (less padding).

    With `weights`, as many indices are drawn by them instead, with repetition.
    """
    chosen = range(len(lengths))
    if weights is not None:
        chosen = rng.choices(chosen, weights, k=len(lengths))
    order = sorted(chosen, key=lambda i: (lengths[i] + rng.randint(0, 4), rng.random()))
    rows = [order[start : start + size] for start in range(0, len(order), size)]
    rng.shuffle(rows)
    return rows
