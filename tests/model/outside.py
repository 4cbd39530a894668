"""In place of what lies outside of a worker: models, clients, time, and calls in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from unittest.mock import patch

from tests.model.steps import Clock, wait
from worker.errors import Reject
from worker.event import Enrichment
from worker.stream import consumer as source
from worker.stream import producer as sink
from worker.stream import runner
from worker.stream.delivery import exactly_once as transactions
from worker.understanding.pipeline import Output

TICK_S = 0.01


def swapped(clock: Clock, consumer: Callable, producer: Callable) -> ExitStack:
    """The clients, the clock and the pauses of the worker's code, until this is closed."""
    swaps = ExitStack()
    for place, name, value in (
        (source, "Consumer", consumer),
        (source, "monotonic", clock),
        (runner, "monotonic", clock),
        (runner, "Backlog", lambda _: Backlog()),
        (runner, "LAG_S", 1e9),
        (sink, "Producer", producer),
        (sink, "monotonic", clock),
        (sink, "Cluster", lambda _: Cluster()),
        (sink, "POLL_S", TICK_S),
        (sink, "aside", _aside),
        (transactions, "aside", _aside),
        (transactions, "monotonic", clock),
        (transactions.ExactlyOnce, "_ask", _patient(transactions.ExactlyOnce._ask)),
    ):
        swaps.enter_context(patch.object(place, name, value))
    return swaps


class Models:
    """In place of the pipeline: each batch waits until it is answered."""

    def __init__(self) -> None:
        self.waiting: list[tuple[list, asyncio.Future]] = []

    async def process(self, inputs: list) -> list[Output | Reject]:
        self.waiting.append((inputs, asyncio.get_running_loop().create_future()))
        return await self.waiting[-1][1]

    def answer(self, index: int) -> None:
        inputs, future = self.waiting.pop(index % len(self.waiting))
        if not future.done():
            future.set_result([_result(item.value) for item in inputs])


def _result(value: bytes) -> Output | Reject:
    if value.startswith(b"bad"):
        return Reject("decode", "invalid_json", "planned")
    return Output(value, Enrichment(b"", None))


class Backlog:
    def lag(self, _partitions: list[int]) -> dict[int, int]:
        return {}


class Cluster:
    def message_limits(self) -> dict[str, int]:
        return {}


async def _aside(work):
    return await asyncio.get_running_loop().run_in_executor(None, work)


class _Patient:
    """A future whose result a strand may wait for."""

    def __init__(self, future) -> None:
        self._future = future
        self.done = future.done

    def result(self, timeout_s: float) -> None:
        wait(self._future.done, timeout_s)
        return self._future.result(0)


def _patient(ask):
    return lambda self: _Patient(ask(self))
