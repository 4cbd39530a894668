"""A round of records is bounded by bytes, not by their number alone."""

import pytest

from tests.clients import FakeConsumer, record
from tests.stream_parts import SEEN, clients, stream
from worker.stream import backpressure
from worker.stream.batch import size
from worker.understanding.pipeline import Output

LIMIT = 4 * 2**20
DONE = Output(b"understood", SEEN)
SMALL, LARGE = b"", b',"x":"%b"' % (b"a" * 900_000)
LARGE_ONLY = [record(n, more=LARGE) for n in range(60)]
SMALL_TOO = [record(n, more=LARGE if n % 2 else SMALL, partition=1 - n % 2) for n in range(120)]


@pytest.fixture(autouse=True)
def clock():
    with clients() as found:
        yield found


@pytest.mark.parametrize("records", [LARGE_ONLY, SMALL_TOO, SMALL_TOO[1:]])
def test_what_is_in_flight_stays_near_its_limit(records, monkeypatch):
    monkeypatch.setattr(backpressure, "PAUSE_AFTER_S", 0.0)
    monkeypatch.setattr(backpressure, "PAUSE_ALL_AFTER_S", 0.0)
    flags = [f"batching.max_bytes_in_flight={LIMIT}"]
    thread, found = stream(FakeConsumer(records), *flags)
    most = 0
    while found.consumer.left:
        while found.consumer.left and not found.consumer.paused:
            thread._turn()
        most = max(most, found.offsets.in_flight.size)
        while found.submitted:
            found.answer(found.submitted.pop(0), DONE)
        found.lanes.produce_pending()
        thread._backpressure.resume(found.consumer, {0, 1})
    while found.submitted:
        found.answer(found.submitted.pop(0), DONE)
    found.lanes.produce_pending()
    assert len(found.places()) == len(records)
    assert LIMIT / 3 < most < 1.5 * LIMIT


def test_headers_count_by_the_memory_that_they_take_and_not_by_their_bytes():
    """A record of 300 kB may hold 100,000 of them, which take 15 MB here."""
    assert size([record(0, headers=[("a", b"")] * 100_000)]) > 15_000_000


def test_what_waits_in_the_fast_lane_counts_like_the_rest():
    thread, found = stream(FakeConsumer([record(0, "seen", more=b',"x":"%b"' % (b"a" * 10_000))]))
    found.client.room = 0
    thread._turn()
    assert found.offsets.in_flight.size > 10_000 and found.offsets.in_flight.misses == 0
