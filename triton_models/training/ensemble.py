"""What several models say together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

TINY = 1e-9  # a probability that is taken for 0


def pooled(said: Sequence[Tensor], weights: Sequence[float] | None = None) -> Tensor:
    """Logits [rows, labels] of several models' normalised logits, each [rows, labels].

    Without weights the mean of their probabilities, with weights the weighted sum of their logits.
    """
    stacked = torch.stack(list(said))
    if weights is not None:
        joined = (stacked * torch.tensor(weights)[:, None, None]).sum(dim=0)
        return joined.log_softmax(dim=1)
    return stacked.exp().mean(dim=0).clamp(TINY, 1 - TINY).log()


def divergence(found: Tensor, wanted: Tensor, temperature: float = 1.0) -> Tensor:
    """The Kullback-Leibler divergence of logits `found` from those wanted, both softened by a
    temperature, times its square, so that its gradient does not hang on it: [rows].
    """
    found, wanted = ((x / temperature).log_softmax(dim=1) for x in (found, wanted))
    return temperature**2 * (wanted.exp() * (wanted - found)).sum(dim=1)
