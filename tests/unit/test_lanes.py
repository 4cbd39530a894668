"""Queries seen before are answered at once, all else in its turn; no record passes another."""

import pytest
from confluent_kafka import KafkaError

from tests.clients import record
from tests.stream_parts import SEEN, clients, parts
from worker.errors import Reject, Stop
from worker.event import Input, decode
from worker.stream.batch import MAX_HEADERS
from worker.stream.lanes import DEADLY
from worker.understanding.pipeline import Output, Skipped

DONE = Output(b"understood", SEEN)
BAD = Reject("decode", "invalid_json", "planned")
FLOOD = "dead_letters.max_per_minute=3"


@pytest.fixture(autouse=True)
def clock():
    with clients() as found:
        yield found


def produced_of(found, number):
    return [offset for partition, offset in found.places() if partition == number]


def topics(found):
    return [sent.topic for sent in found.client.sent]


def test_a_query_that_was_seen_is_answered_at_once_as_the_careful_way_would():
    found = parts()
    one = record(0, "seen")
    found.take(one)
    (sent,) = found.client.sent
    now_ms = int(sent.value.split(b":")[-1][:-1])
    careful = decode(Input(one.value(), "", 1), 100, 1000)
    assert sent.value == SEEN.splice(careful, True, now_ms)
    assert (sent.key, sent.time_ms) == (b"k", 1)
    assert found.submitted == [] and found.offsets.committable() == {0: 1}


def test_a_hit_waits_behind_an_earlier_miss_of_its_partition_and_behind_nothing_else():
    found = parts()
    found.take(record(0, "seen"), record(1), record(2, "seen"), record(0, "seen", 1))
    assert found.places() == [(0, 0), (1, 0)]
    found.take(record(3, "seen"), record(1, "seen", 1))  # in a later round
    assert found.places() == [(0, 0), (1, 0), (1, 1)]
    (batch,) = found.submitted
    assert batch.misses == 1, "hits are not computed once more"
    found.answer(batch, DONE)
    found.lanes.produce_pending()
    assert produced_of(found, 0) == [0, 1, 2, 3]
    assert found.offsets.committable() == {0: 4, 1: 2}


def test_a_batch_that_is_answered_early_waits_for_the_one_before_it():
    found = parts()
    found.take(record(0))
    found.take(record(1))
    first, second = found.submitted
    found.answer(second, DONE)
    found.lanes.produce_pending()
    assert found.places() == [] and found.offsets.committable() == {}
    found.answer(first, DONE)
    found.lanes.produce_pending()
    assert found.places() == [(0, 0), (0, 1)]


def test_while_nothing_may_be_produced_hits_wait_too():
    found = parts()
    found.take(record(0, "seen"), may_produce=False)
    assert found.places() == [] and found.submitted == []
    found.lanes.produce_pending()
    assert found.places() == [(0, 0)]


@pytest.mark.parametrize("query", ["seen", "new"])
def test_what_finds_no_room_in_the_producers_queue_goes_on_later_in_order(query):
    found = parts()
    found.client.room = 2
    found.take(*(record(offset, query) for offset in range(5)))
    for batch in found.submitted:
        found.answer(batch, DONE)
    for produced in (2, 4, 5):
        found.lanes.produce_pending()
        found.lanes.produce_pending()  # the queue is still full
        assert len(found.places()) == produced
        assert found.offsets.committable() == {0: produced}
        found.client.confirm()
    assert produced_of(found, 0) == list(range(5))
    assert found.offsets.in_flight.batches == 0


def test_each_result_goes_where_it_belongs():
    found = parts()
    found.take(*(record(offset) for offset in range(3)))
    (batch,) = found.submitted
    batch.results = [DONE, BAD, Skipped()]
    found.answer(batch, None)
    found.lanes.produce_pending()
    assert topics(found) == ["queries.enriched", "queries.dead-letters"]
    assert found.offsets.committable() == {0: 3}, "what is skipped is done"


@pytest.mark.parametrize(
    "odd",
    [
        record(0, "seen", headers=[("h", b"")] * (MAX_HEADERS + 1)),
        record(0, "seen", headers=[("h", bytes(2000))]),
        record(0, "seen", headers=[(str(n), b"") for n in range(17)]),
        record(0, "seen", more=b',"x":"%b"' % bytes(70_000).replace(b"\0", b"a")),
    ],
    ids=["too many headers", "a long header", "many headers", "a large record"],
)
def test_what_is_odd_goes_the_careful_way_and_its_neighbours_do_not(odd):
    found = parts()
    found.take(odd, record(0, "seen", 1, headers=[("trace", b"00-abc")]))
    assert found.places() == [(1, 0)]
    assert found.client.sent[0].headers == [("trace", b"00-abc")]
    assert [batch.records for batch in found.submitted] == [[odd]]


def test_a_late_record_goes_the_careful_way():
    found = parts(max_age_ms=1000)
    found.take(record(0, "seen", time_ms=1), record(0, "seen", 1, time_ms=2**42))
    assert found.places() == [(1, 0)] and len(found.submitted) == 1


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
@pytest.mark.parametrize("result", [Output(bytes(range(200)), SEEN), BAD], ids=["output", "bad"])
def test_a_dead_letter_its_topic_will_not_take_ends_the_worker_and_nothing_comes_twice(
    delivery, result
):
    limits = {"queries.enriched": 150, "queries.dead-letters": 150}
    found = parts(f"kafka.delivery={delivery}", limits=limits)
    large = record(1, more=bytes(range(200)))
    found.take(record(0), large, record(2), record(0, partition=1))
    (batch, other) = found.submitted
    batch.results = [DONE, result, DONE]
    found.answer(batch, None)
    with pytest.raises(Stop, match=r"queries.dead-letters .* queries-0-1: .*max\.message\.bytes"):
        found.lanes.produce_pending()
    assert found.places() == [(0, 0)] and not other.ready
    assert found.commits.now(found.consumer, 1.0), "what was before it is committed"
    assert found.offsets[0].committed == 1 or delivery == "exactly-once"


def test_headers_that_are_refused_are_rejected_whatever_the_pipeline_says():
    found = parts()
    found.take(record(0, headers=[("h", b"")] * (MAX_HEADERS + 1)))
    found.answer(found.submitted[0], DONE)
    found.lanes.produce_pending()
    (sent,) = found.client.sent
    assert ("x-error-type", b"too_many_headers") in sent.headers


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_an_output_over_the_topics_limit_goes_the_careful_way(delivery):
    """Kafka would refuse it, and all since the last commit would be done once more."""
    found = parts(f"kafka.delivery={delivery}", limits={"queries.enriched": 120})
    large = b',"x":"%b"' % bytes(range(48, 91)).translate(None, b"\\")  # nothing to compress
    found.take(record(0, "seen"), record(1, "seen", more=large), record(2, "seen"))
    assert found.places() == [(0, 0)]
    found.lanes.produce_pending()
    assert produced_of(found, 0) == [0, 1, 2]
    refused = {"at-least-once": "queries.enriched", "exactly-once": "queries.dead-letters"}
    assert found.client.sent[1].topic == refused[delivery]


def test_after_a_refusal_hits_are_looked_at_one_by_one():
    """One of them may be what was refused."""
    found = parts()
    found.delivery._barred[0, 1, False] = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    found.take(record(0, "seen"), record(1, "seen"))
    found.lanes.produce_pending()
    assert topics(found) == ["queries.enriched", "queries.dead-letters"]


def test_too_many_rejections_stop_before_any_of_them_is_produced():
    found = parts(FLOOD)
    found.take(*(record(offset) for offset in range(4)))
    found.answer(found.submitted[0], BAD)
    with pytest.raises(Stop):
        found.lanes.produce_pending()
    assert found.places() == [] and found.offsets.committable() == {}


@pytest.mark.parametrize("query", ["seen", "new"])
def test_records_that_are_done_again_after_a_rewind_are_not_counted_again(query):
    """Else a few refusals of Kafka would look like a flood."""
    found = parts(FLOOD)
    counted = found.lanes._limits
    for _ in range(3):
        found.take(*(record(offset, query) for offset in range(3)))
        for batch in found.submitted:
            found.answer(batch, BAD)
        found.submitted.clear()
        found.lanes.produce_pending()
        found.offsets.rewind()
        assert counted._total == 3
    found.take(record(3, query))
    for batch in found.submitted:
        found.answer(batch, DONE)
    found.lanes.produce_pending()
    assert counted._total == 4


def test_a_batch_that_is_tried_again_as_the_queue_was_full_is_counted_once():
    found = parts(FLOOD)
    found.client.room = 0
    found.take(*(record(offset) for offset in range(3)))
    found.answer(found.submitted[0], BAD)
    for _ in range(3):
        found.lanes.produce_pending()
    found.client.room = 10
    found.lanes.produce_pending()
    assert found.lanes._limits._total == 3 and len(found.client.sent) == 3


def test_what_the_policy_dead_letters_is_no_flood():
    found = parts(FLOOD)
    found.take(*(record(offset) for offset in range(9)))
    found.answer(found.submitted[0], Reject("intent", "model_unavailable", "planned"))
    found.lanes.produce_pending()
    assert len(found.client.sent) == 9


def test_a_stale_batch_is_dropped_when_its_results_come():
    found = parts()
    found.take(record(0))
    found.offsets.rewind()
    found.take(record(0))
    old, new = found.submitted
    found.answer(new, DONE)
    found.answer(old, DONE)
    found.lanes.produce_pending()
    assert found.places() == [(0, 0)] and found.offsets.in_flight.batches == 0


def test_a_deadly_record_is_set_aside_unread():
    found = parts()
    found.lanes.take_alone(record(7), deadly=True)
    assert found.submitted == []
    found.lanes.produce_pending()
    (sent,) = found.client.sent
    assert ("x-error-type", DEADLY.reason.encode()) in sent.headers


def test_a_suspect_goes_the_careful_way_alone():
    found = parts()
    found.lanes.take_alone(record(7, "seen"), deadly=False)
    assert [batch.results for batch in found.submitted] == [[None]] and found.places() == []


def test_what_the_models_answered_opens_the_window():
    found = parts()
    found.take(*(record(offset) for offset in range(3)))
    found.answer(found.submitted[0], DONE)
    assert found.window._answered == 3


def test_without_a_time_of_its_own_an_event_gets_the_time_of_its_consumption():
    found = parts()
    found.take(record(0, "seen", time_ms=0))
    assert found.client.sent[0].time_ms == 0
    told = int(found.client.sent[0].value.split(b'"timestamp":')[1].split(b",")[0])
    assert told > 1_700_000_000_000
