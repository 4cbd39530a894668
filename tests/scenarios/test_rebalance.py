"""A pause does not outlive a partition's time away: given back, the partition is consumed."""

import queue

import pytest

from tests.stream import Record, produce, settings, wait_until
from worker.metrics import Metrics
from worker.stream import backpressure
from worker.stream import consumer as source_module
from worker.stream.consumer import Source
from worker.stream.delivery.at_least_once import AtLeastOnce
from worker.stream.offsets import Tracker


class Member:
    """A member of the group without models: batches wait until the test takes them."""

    def __init__(self, chosen):
        self.tracker, self.errors, self._taken = Tracker(), [], 0
        self._batches, metrics = queue.SimpleQueue(), Metrics()
        delivery = AtLeastOnce(chosen.kafka, self.tracker, metrics, self.errors.append)
        self.source = Source(
            *(chosen.kafka, chosen.batching, self.tracker, metrics, delivery),
            hand_over=self._batches.put,
            fail=self.errors.append,
            learn=self.errors.append,
        )

    def take(self):
        """Resolve what was handed over, as if its outputs were confirmed; how much ever was."""
        while not self._batches.empty():
            batch = self._batches.get()
            self.tracker.resolve(batch.ticket)
            self._taken += len(batch.records)
        return self._taken

    def __enter__(self):
        self.source.start()
        return self

    def __exit__(self, *_):
        assert self.source.close(20.0)
        assert not self.errors


@pytest.fixture
def impatient(monkeypatch):
    """It pauses at once without room, and gives partitions away without waiting for them."""
    monkeypatch.setattr(backpressure, "PAUSE_AFTER_S", 0.0)
    monkeypatch.setattr(source_module, "REVOKE_WAIT_S", 0.0)


def test_a_partition_that_was_paused_given_away_and_given_back_is_consumed(
    embedded_broker, impatient
):
    servers, topics = embedded_broker.bootstrap_servers, embedded_broker.topics()
    quick = "kafka.consumer.group.protocol=consumer"
    chosen = settings(servers, topics, "batching.max_batches_in_flight=1", quick)

    def send(partitions):
        produce(servers, topics.input, [Record(b"any", partition=n) for n in partitions])

    with Member(chosen) as first:
        wait_until(lambda: len(first.tracker.owned()) == 4, "the first owns all partitions")
        send(range(4))
        wait_until(lambda: len(first.source._pauses.paused) == 4, "no room: it pauses them all")
        with Member(chosen) as second:
            wait_until(lambda: len(second.tracker.owned()) == 2, "two are given away, paused")
            given = second.tracker.owned()
            wait_until(lambda: first.take() + second.take() >= 4, "all is consumed")
            wait_until(lambda: not first.source._pauses.paused, "room: it resumes its own two")
        wait_until(lambda: len(first.tracker.owned()) == 4, "the two are given back")
        before = first.take()
        # Not to the others: the next pause and its end would set all four right.
        send(given)
        wait_until(lambda: first.take() >= before + 2, "the two are consumed", 20.0)
