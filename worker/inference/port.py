"""What the worker asks of a model server, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from triton_models.contract import ModelContract
from worker.errors import Fault


@dataclass(frozen=True)
class Answer:
    """One model's answer to one batch.

    Attributes:
        values: float32, shape [batch, …], as `tensors.check_answers` has them.
        version: the model version that made it, as the server names it.
        tags: of an intent model with tags: float32, shape [batch, length, labels].
    """

    values: np.ndarray
    version: str
    tags: np.ndarray | None = None


class Inference(Protocol):
    """A server of the models. Construction does no I/O."""

    name: str  # as the user reads it, e.g. "Triton at localhost:8001"

    async def start(self) -> None:
        """Open what is needed to call models; does not wait for the server."""

    async def stop(self) -> None:
        """Close it; calls in flight end with `ModelUnavailable`."""

    async def ready(self) -> bool:
        """Whether every model answers now. Never raises."""

    async def check(self, contracts: Sequence[ModelContract]) -> list[Fault]:
        """Compare what is served with the model folders.

        Returns every fault found, none if all fits.
        Raises `Retry` when the server cannot be asked now.
        """

    async def infer(self, model: str, inputs: Mapping[str, np.ndarray]) -> Answer:
        """Run one batch; all inputs are int64, shape [batch, length].

        Raises `ModelUnavailable`, `ModelTimeout`, `ModelFailed` (all `Retry`), the last also as
        `InvalidAnswer` (see `tensors.check_answers`), or `ModelRejected`.
        """
