"""A worker on the model of Kafka: the real runner, Kafka thread, lanes, commits and delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache

from tests.model.consumer import Consumer
from tests.model.outside import Finished, Models
from tests.model.producer import Producer
from tests.model.steps import Clock, Event, Loop, Strand
from worker.config.load import load_settings
from worker.config.settings import Settings
from worker.errors import Stop
from worker.metrics import Metrics
from worker.stream.runner import Runner

METRICS = Metrics()  # nobody reads them
BATCHES, RECORDS, BYTES = 3, 3, 2**20
SHUTDOWN_S = 5


@cache
def settings(name: str, member: str, *chosen: str) -> Settings:
    """Of the worker `name`, the member `member` of the group."""
    own = [f"kafka.client.client.id={name}", f"kafka.consumer.group.instance.id={member}"]
    limits = [f"batching.max_batches_in_flight={BATCHES}", f"batching.max_records={RECORDS}"]
    limits += [f"batching.max_bytes_in_flight={BYTES}", "kafka.commit_interval_ms=50"]
    limits += [f"lifecycle.shutdown_timeout_s={SHUTDOWN_S}"]
    return load_settings(None, {}, [*own, *limits, *chosen])


class Worker:
    """One process; `kill` ends it as SIGKILL does.

    Args:
        gone: called when it is at its end.
    """

    def __init__(self, chosen: Settings, clock: Clock, gone: Callable[[Worker], None]) -> None:
        self.name, self._gone = chosen.kafka.client["client.id"], gone
        self.loop, self.models = Loop(clock), Models()
        self.consumer: Consumer | None = None
        self.producer: Producer | None = None
        self.runner = Runner(chosen, self.models, METRICS)
        self.offsets = self.runner.offsets
        self.runner.lanes.finished = Finished()
        self.kafka_thread = self.runner.thread
        self.thread = self.kafka_thread._thread = Strand(clock, self.kafka_thread._run)
        self.kafka_thread._stopping = Event()
        self._stop = asyncio.Event()
        self.told_at: float | None = None  # to stop
        self._main = self.loop.create_task(self.runner.run(self._stop))

    @property
    def alive(self) -> bool:
        return not self._main.done()

    def settle(self) -> None:
        self.loop.settle()
        if self._main.done():
            self.kill()
            error = self._main.exception()
            assert error is None or isinstance(error, Stop), repr(error)
            assert not self.loop.faults, self.loop.faults

    @property
    def stopping(self) -> bool:
        return self.told_at is not None

    def stop(self) -> None:
        if self.told_at is None:
            self.told_at = self.loop.time()
        self._stop.set()

    def kill(self) -> None:
        """Gone in the midst of whatever it does."""
        if self.consumer:
            self.consumer.dead = True
        for strand in (self.thread, *self.loop.calls):
            strand.kill()
        self._gone(self)
