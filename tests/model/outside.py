"""In place of what lies outside of a worker: models, clients, time, and calls in threads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from itertools import takewhile
from queue import Empty
from types import SimpleNamespace
from unittest.mock import patch

from tests.model.steps import Clock, wait
from worker.errors import Reject
from worker.event import Enrichment
from worker.stream import (
    blocking,
    commits,
    consumer,
    kafka_thread,
    lanes,
    ownership,
    producer,
    runner,
)
from worker.stream.delivery import exactly_once
from worker.understanding.pipeline import Output

TICK_S = 0.01
LARGEST = 300_000  # bytes of a record
SEEN = Enrichment(b"", None)


def swapped(clock: Clock, made_consumer: Callable, made_producer: Callable) -> ExitStack:
    """The clients, the clock and the pauses of the worker's code, until this is closed."""
    swaps = ExitStack()
    for place, name, value in (
        (consumer, "Consumer", made_consumer),
        (producer, "Producer", made_producer),
        (producer, "Cluster", lambda _: Cluster()),
        (runner, "Backlog", lambda _: Backlog()),
        (runner, "LAG_S", 1e9),
        (ownership, "Group", lambda _: Group()),
        (consumer, "LARGE_RECORD", LARGEST),  # or rounds were of one record
        (blocking, "call", lambda function, *arguments, timeout_s: function(*arguments)),
        (exactly_once, "sleep", lambda seconds: wait(lambda: False, seconds)),
        *((place, "monotonic", clock) for place in (runner, kafka_thread, lanes, commits)),
        *((place, "monotonic", clock) for place in (producer, exactly_once)),
    ):
        swaps.enter_context(patch.object(place, name, value))
    return swaps


class Models:
    """In place of the pipeline: each batch waits until it is answered.

    Records whose value begins with "seen" are answered in the fast lane.
    """

    snapshot = SimpleNamespace(deadline=SimpleNamespace(max_age_ms=0))

    def __init__(self) -> None:
        self.waiting: list[tuple[list, asyncio.Future]] = []

    async def process(self, inputs: list) -> list[Output | Reject]:
        self.waiting.append((inputs, asyncio.get_running_loop().create_future()))
        return await self.waiting[-1][1]

    def answer(self, index: int) -> None:
        inputs, future = self.waiting.pop(index % len(self.waiting))
        if not future.done():
            future.set_result([_result(item.value) for item in inputs])

    def fast_lane(self, max_bytes: int) -> Models:
        return self

    def answers(self, values: list, default: Callable, now_ms: int) -> Answers:
        return Answers(values)

    def count_hits(self, count: int) -> None:
        """Nobody reads them."""


class Answers:
    """In place of the fast lane's: outputs are their inputs."""

    def __init__(self, values: list[bytes | None]) -> None:
        self._values = values
        self.entries = [SEEN if (value or b"").startswith(b"seen") else None for value in values]

    def part(self, start: int, end: int) -> Answers:
        return Answers(self._values[start:end])

    def known_prefix(self, limit: int) -> int:
        return len(list(takewhile(bool, self.entries)))

    def outputs(self, count: int) -> list[bytes]:
        return self._values[:count]

    def output(self, position: int) -> bytes:
        return self._values[position]


def _result(value: bytes) -> Output | Reject:
    if value.startswith(b"bad"):
        return Reject("decode", "invalid_json", "planned")
    return Output(value, SEEN)


class Finished:
    """In place of a queue, waited for in a strand."""

    def __init__(self) -> None:
        self._items: deque = deque()

    def put(self, item: object) -> None:
        self._items.append(item)

    def get(self, block: bool, timeout_s: float) -> object:
        if block and not self._items:
            wait(lambda: bool(self._items), timeout_s)
        return self.get_nowait()

    def get_nowait(self) -> object:
        if not self._items:
            raise Empty
        return self._items.popleft()


class Backlog:
    def lag(self, _partitions: list[int]) -> dict[int, int]:
        return {}


class Group:
    """The model's group leaves no partition without an owner."""

    def unowned(self) -> set[int]:
        return set()


class Cluster:
    def message_limits(self) -> dict[str, int]:
        return {}
