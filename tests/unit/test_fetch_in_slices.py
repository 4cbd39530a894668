"""What one fetch brings fits into the room that is left, whatever came before."""

from __future__ import annotations

import pytest
from confluent_kafka import Message

from worker.config.load import load_settings
from worker.metrics import Metrics
from worker.stream.batch import OVERHEAD
from worker.stream.connectivity import Connectivity
from worker.stream.consumer import LARGE_RECORD, GroupConsumer

ROOM = 16 * 2**20


class Prefetched:
    """A client that has all these records at hand."""

    def __init__(self, sizes):
        values = {size: bytes(size) for size in set(sizes)}
        self.left = [
            Message(topic="queries", partition=0, offset=offset, value=values[size])
            for offset, size in enumerate(sizes)
        ]
        self.calls = 0

    def consume(self, count, _timeout_s):
        self.calls += 1
        taken, self.left = self.left[:count], self.left[count:]
        return taken


def consumer(*sizes):
    kafka = load_settings(None, {}, []).kafka
    made = GroupConsumer(kafka, Metrics(), Connectivity(kafka), lambda *_: None)
    made.client = Prefetched(sizes)
    return made


@pytest.mark.parametrize("small", [0, 100, 5000])
def test_large_records_after_small_ones_exceed_the_room_by_one_record_at_most(small):
    one = consumer(*[100] * small, *[1_000_000] * 200)
    taken = one.fetch(10_000, 0.0, ROOM)
    assert len(taken) >= small
    size = sum(map(len, taken)) + OVERHEAD * len(taken)
    assert ROOM - LARGE_RECORD < size < ROOM + LARGE_RECORD


def test_records_larger_than_usual_are_known_after_the_first_slice():
    one = consumer(*[10 * 2**20] * 100)
    one.fetch(10_000, 0.0, ROOM)
    assert len(one.fetch(10_000, 0.0, ROOM)) == 2, "one fits, and one exceeds the room"


def test_without_room_one_record_comes():
    assert len(consumer(10, 10, 10).fetch(100, 0.0, -5)) == 1


def test_small_records_need_few_calls():
    one = consumer(*[120] * 10_000)
    assert len(one.fetch(10_000, 0.0, 64 * 2**20)) == 10_000
    assert one.client.calls < 250
