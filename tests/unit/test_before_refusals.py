"""What is confirmed before a refusal is committed; a missing topic is waited for and named."""

import pytest
from confluent_kafka import KafkaError

from tests.clients import FakeProducer, record
from tests.stream_parts import SEEN, clients, parts
from worker.errors import DeliveryError
from worker.stream.delivery.base import MOST_RECOVERIES
from worker.understanding.pipeline import Output

BOTH = pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
INTERVAL_S = 1.0


@pytest.fixture(autouse=True)
def clock():
    with clients() as found:
        yield found


def careful(found, *records):
    """Produce outputs of records, each of which is known if it is refused."""
    found.take(*records)
    for batch in found.submitted:
        batch.results = [Output(b"out %d" % one.offset(), SEEN) for one in batch.records]
        found.answer(batch, None)
    found.submitted.clear()
    found.lanes.produce_pending()


@BOTH
@pytest.mark.parametrize("code", [KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.MSG_SIZE_TOO_LARGE])
def test_what_is_confirmed_before_a_refused_record_is_committed(delivery, code):
    """A transaction is aborted as a whole."""
    found = parts(f"kafka.delivery={delivery}")
    careful(found, *(record(offset) for offset in range(4)), record(9, partition=1))
    found.client.refusals |= {b"out 1": code, b"out 3": code}
    found.advance(INTERVAL_S)
    known = delivery == "at-least-once"
    assert found.consumer.commits == ([{0: 1, 1: 10}] if known else [])
    assert found.totals.published == (2 if known else 0)
    assert found.offsets.needing_seek() == {0, 1}


def test_a_refusal_commits_nothing_of_before_the_partition_went_and_came_back():
    found = parts()
    careful(found, record(1))
    found.client.refusals[b"out 1"] = KafkaError.NOT_ENOUGH_REPLICAS
    found.commits.revoke([0])
    found.offsets.assign([0])
    found.offsets[0].needs_seek, found.offsets[0].began_at = False, 5
    careful(found, record(5))
    found.advance(INTERVAL_S)
    assert not found.consumer.commits


def test_what_is_committed_beside_a_refusal_makes_no_endless_recovery():
    found = parts()
    found.client.refusals[b"out 1"] = KafkaError.NOT_ENOUGH_REPLICAS
    with pytest.raises(DeliveryError, match="refuses the output of queries-0-1"):
        for offset in range(9, 99):
            for _, partition in found.offsets.items():
                partition.needs_seek, partition.began_at = False, 0
            careful(found, record(1), record(offset, partition=1))
            found.advance(10 * INTERVAL_S)
    assert [one[1] for one in found.consumer.commits] == list(range(10, 11 + MOST_RECOVERIES))


def test_nothing_is_committed_beside_a_refusal_while_a_commit_is_unanswered():
    """Its late answer would say less than the group has."""
    found = parts()
    careful(found, record(0), record(9, partition=1))
    found.advance(INTERVAL_S)
    assert found.consumer.commits == [{0: 1, 1: 10}]
    careful(found, record(1), record(2))
    found.client.refusals[b"out 2"] = KafkaError.NOT_ENOUGH_REPLICAS
    found.client.confirm()
    found.advance(20 * INTERVAL_S)
    assert len(found.consumer.commits) == 1 and found.offsets.needing_seek()


def test_nothing_is_committed_beside_a_refusal_while_brokers_do_not_answer():
    found = parts()
    careful(found, record(0), record(1))
    found.client.refusals[b"out 1"] = KafkaError._MSG_TIMED_OUT
    found.advance(INTERVAL_S)
    assert found.consumer.commits == []


def test_what_is_confirmed_of_a_round_beside_a_refusal_is_counted():
    found = parts()
    found.counts.add_complete(0, 10, [SEEN] * 5)
    found.counts.confirm({0: 7})
    assert found.totals.published == 2


@BOTH
def test_while_a_topic_is_missing_nothing_is_produced_until_it_is_there(delivery):
    found = parts(f"kafka.delivery={delivery}")
    careful(found, record(0))
    found.client.refusals[b"out 0"] = KafkaError._MSG_TIMED_OUT
    FakeProducer.topics, topics = ("queries", "queries.enriched"), FakeProducer.topics
    try:
        for _ in range(5):
            assert not found.advance(INTERVAL_S)
            assert not found.commits.may_produce
        assert "topics are missing: queries.dead-letters; create" in found.delivery.missing
        FakeProducer.topics = None  # the brokers are away: that ends nothing
        for _ in range(50):
            assert not found.advance(INTERVAL_S)
    finally:
        FakeProducer.topics = topics
    found.advance(10 * INTERVAL_S)
    assert found.commits.may_produce and not found.delivery.missing


def test_a_topic_that_stays_missing_ends_the_worker_which_names_it():
    found = parts()
    careful(found, record(0))
    found.client.refusals[b"out 0"] = KafkaError._UNKNOWN_TOPIC
    found.client.topics = ("queries", "queries.dead-letters")
    with pytest.raises(DeliveryError, match=r"^topics are missing: queries.enriched; create"):
        for _ in range(100):
            found.advance(INTERVAL_S)
    assert len(found.client.sent) == 1


def test_a_flush_that_does_not_end_names_the_topic_that_is_missing():
    """librdkafka believes only after half a minute that a topic is gone."""
    found = parts()
    found.take(record(0, "seen"))
    found.client.stuck, found.client.topics = True, ("queries", "queries.dead-letters")
    for _ in range(3):
        found.advance(INTERVAL_S)
    assert not found.delivery.missing
    for _ in range(3):
        found.advance(INTERVAL_S)
    assert "queries.enriched" in found.delivery.missing
    found.client.stuck = False
    assert not found.advance() and found.consumer.commits == [{0: 1}]
    found.client.topics = FakeProducer.topics
    assert found.advance(INTERVAL_S) and not found.delivery.missing
