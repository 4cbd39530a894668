"""The one training loop: shuffled batches of like length, AdamW, warm-up and linear decay."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

WARM_UP = 0.06  # share of the steps


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        epochs: passes over the examples.
        batch_size: examples a step.
        rate: the highest learning rate.
        seed: of the order of examples, and of new weights.
        table_rate: the rate of the word embeddings, as a multiple of `rate`.
    """

    epochs: int
    batch_size: int
    rate: float
    seed: int = 17
    table_rate: float = 1.0


def batches(lengths: Sequence[int], size: int, rng: random.Random) -> list[list[int]]:
    """All indices once, in shuffled batches whose members have like lengths (less padding)."""
    order = sorted(
        range(len(lengths)), key=lambda i: (lengths[i] + rng.randint(0, 4), rng.random())
    )
    rows = [order[start : start + size] for start in range(0, len(order), size)]
    rng.shuffle(rows)
    return rows


def fit(
    network: nn.Module,
    lengths: Sequence[int],
    loss_of: Callable[[list[int]], Tensor],
    schedule: Schedule,
    say: Callable[[str], None] = print,
) -> list[float]:
    """Train in place; `loss_of` gives the loss of a batch of indices.

    `lengths` are the examples' lengths in characters. Returns the mean loss of each epoch.
    """
    rng = random.Random(schedule.seed)
    plan = [batches(lengths, schedule.batch_size, rng) for _ in range(schedule.epochs)]
    steps = sum(map(len, plan))
    optimizer = torch.optim.AdamW(
        _groups(network, schedule), lr=schedule.rate, weight_decay=0.01, fused=True
    )
    warm = max(1, round(WARM_UP * steps))
    decay = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warm, max(0.0, (steps - step) / (steps - warm + 1))),
    )
    network.train()
    means, started = [], time.monotonic()
    for epoch, rows in enumerate(plan, 1):
        total = 0.0
        for row in rows:
            loss = loss_of(row)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            decay.step()
            total += loss.item()
        means.append(total / len(rows))
        seconds = time.monotonic() - started
        say(f"epoch {epoch}/{schedule.epochs}: loss {means[-1]:.4f}, {seconds:.0f} s")
    network.eval()
    return means


def _groups(network: nn.Module, schedule: Schedule) -> list[dict]:
    """The word embeddings may learn at a rate of their own."""
    table = [p for n, p in network.named_parameters() if "word_embeddings" in n]
    rest = [p for n, p in network.named_parameters() if "word_embeddings" not in n]
    return [{"params": rest}, {"params": table, "lr": schedule.rate * schedule.table_rate}]
