"""A source whose consumer is no client of Kafka's, for what a broker would not show."""

import pytest
from confluent_kafka import Message

from worker.metrics import Metrics
from worker.stream.consumer import Source
from worker.stream.delivery.at_least_once import AtLeastOnce
from worker.stream.offsets import Tracker


class Full:
    """A consumer that has prefetched everything already, as a fast broker makes it."""

    def __init__(self, records):
        self.left = list(records)

    def consume(self, count, _timeout_s):
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def commit(self, **_):
        """What is committed is another test's."""

    def pause(self, _):
        """Its records are taken all the same."""

    resume = pause


def record(number, length, partition=0):
    return Message(
        topic="queries", partition=partition, offset=number, key=None, value=bytes(length)
    )


def parts(chosen, hand_over, learn=pytest.fail):
    """A source of partitions 0 and 1, and its tracker; no broker is asked."""
    tracker, metrics = Tracker(), Metrics()
    delivery = AtLeastOnce(chosen.kafka, tracker, metrics, fail=pytest.fail)
    source = Source(
        *(chosen.kafka, chosen.batching, tracker, metrics, delivery),
        hand_over=hand_over,
        fail=pytest.fail,
        learn=learn,
    )
    tracker.assign([0, 1])
    return source, tracker, delivery
