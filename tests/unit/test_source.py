"""A round of records is bounded by bytes, not by their number alone; commits come one by one."""

import queue

import pytest

from tests.source import Full, parts, record
from worker.config.load import load_settings
from worker.stream import backpressure
from worker.stream.batch import size

LIMIT = 4 * 2**20
LARGE = 900_000
LARGE_ONLY = [record(n, LARGE) for n in range(60)]
SMALL_BESIDE = [record(n, LARGE if n % 2 else 10, partition=1 - n % 2) for n in range(120)]


@pytest.mark.parametrize("records", [LARGE_ONLY, SMALL_BESIDE, SMALL_BESIDE[1:]])
def test_what_is_in_flight_stays_near_its_limit(records, monkeypatch):
    monkeypatch.setattr(backpressure, "PAUSE_AFTER_S", 0.0)
    chosen = load_settings(None, {}, [f"batching.max_bytes_in_flight={LIMIT}"])
    batches = queue.SimpleQueue()
    source, tracker, _ = parts(chosen, batches.put)
    source._consumer, most, consumed = Full(records), 0, 0
    while source._consumer.left:
        while source._consumer.left and not source._pauses.paused:
            source._turn()
        most = max(most, tracker.in_flight.size)
        while not batches.empty():
            batch = batches.get()
            consumed += len(batch.records)
            tracker.resolve(batch.ticket)
        source._pauses.resume(source._consumer, source._pauses.paused)
    assert consumed == len(records)
    assert LIMIT / 3 < most < 1.5 * LIMIT


def test_no_commit_while_one_is_not_answered():
    class Silent(Full):
        commits = 0

        def commit(self, asynchronous, **_):
            self.commits += asynchronous  # the others are notes of where a partition begins

    chosen = load_settings(None, {}, ["kafka.commit_interval_ms=10"])
    source, tracker, delivery = parts(chosen, lambda batch: tracker.resolve(batch.ticket))
    source._consumer = Silent([record(0, 10)])
    delivery.bind(source._consumer, source._reach.on_commit)
    for turn in range(3):
        source.turned_at = turn
        source._turn()
    assert source._consumer.commits == 1
    delivery.on_commit(None, [])
    source.turned_at = 4
    source._turn()
    assert source._consumer.commits == 2  # it was not said to be done: asked again
    delivery.bind(source._consumer, source._reach.on_commit)  # of another membership
    source.turned_at = 5
    source._turn()
    assert source._consumer.commits == 3


def test_headers_count_by_the_memory_that_they_take_and_not_by_their_bytes():
    """A record of 300 kB may hold 100,000 of them, which take 15 MB here."""
    crowd = record(0, 10)
    crowd.set_headers([("a", b"")] * 100_000)
    assert size([crowd]) > 15_000_000
