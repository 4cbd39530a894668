"""A pause does not outlive a partition's time away: given back, the partition is consumed."""

import asyncio
import threading

import pytest

from tests.stream import Record, produce, settings, wait_until
from tests.stream_parts import SEEN, Seen
from worker.metrics import Metrics
from worker.stream import backpressure, kafka_thread
from worker.stream.runner import Runner
from worker.understanding.pipeline import Output


class Member(Seen):
    """A member of the group with itself for a pipeline, which answers once `go_on` is set."""

    def __init__(self, chosen):
        super().__init__()
        self.go_on, self._errors = threading.Event(), []
        self._runner = Runner(chosen, self, Metrics())
        self._stop, self._loop = asyncio.Event(), None
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def process(self, inputs):
        while not self.go_on.is_set():
            await asyncio.sleep(0.01)
        return [Output(item.value, SEEN) for item in inputs]

    @property
    def owned(self):
        return self._runner.offsets.owned()

    @property
    def paused(self):
        return self._runner.thread._backpressure.paused

    @property
    def published(self):
        return self._runner.totals.published

    def _run(self):
        try:
            asyncio.run(self._work())
        except BaseException as error:
            self._errors.append(error)

    async def _work(self):
        self._loop = asyncio.get_running_loop()
        await self._runner.run(self._stop)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20.0)
        assert not self._thread.is_alive() and not self._errors, self._errors


@pytest.fixture
def impatient(monkeypatch):
    """It pauses at once without room, and gives partitions away without waiting for them."""
    monkeypatch.setattr(backpressure, "PAUSE_AFTER_S", 0.0)
    monkeypatch.setattr(kafka_thread, "REVOKE_WAIT_S", 0.0)


def test_a_partition_that_was_paused_given_away_and_given_back_is_consumed(
    embedded_broker, impatient
):
    servers, topics = embedded_broker.bootstrap_servers, embedded_broker.topics()
    quick = "kafka.consumer.group.protocol=consumer"
    chosen = settings(servers, topics, "batching.max_batches_in_flight=1", quick)

    def send(partitions):
        produce(servers, topics.input, [Record(b"any", partition=n) for n in partitions])

    with Member(chosen) as first:
        wait_until(lambda: len(first.owned) == 4, "the first owns all partitions")
        send(range(4))
        wait_until(lambda: len(first.paused) == 4, "no room: it pauses them all")
        with Member(chosen) as second:
            wait_until(lambda: len(second.owned) == 2, "two are given away, paused")
            given = second.owned
            first.go_on.set()
            second.go_on.set()
            wait_until(lambda: first.published + second.published >= 4, "all is consumed")
            wait_until(lambda: not first.paused, "room: it resumes its own two")
        wait_until(lambda: len(first.owned) == 4, "the two are given back")
        before = first.published
        # Not to the others: the next pause and its end would set all four right.
        send(given)
        wait_until(lambda: first.published >= before + 2, "the two are consumed", 20.0)
