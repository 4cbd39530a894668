"""What is produced of a record, with which headers and time, and what becomes of refusals."""

import pytest
from confluent_kafka import KafkaError, Producer

from tests.clients import failed, record
from tests.stream_parts import clients, parts
from worker.config.load import load_settings
from worker.errors import Reject
from worker.metrics import Metrics
from worker.stream import producer as producer_module
from worker.stream.batch import REPLAY_HEADER
from worker.stream.credentials import Credentials
from worker.stream.producer import (
    NO_CLOCK_S,
    REJECTION,
    REPLAYED_FROM,
    OutputProducer,
    error_headers,
)

BAD = Reject("decode", "invalid_json", "not JSON")
DEAD = "queries.dead-letters"
REPLAYED = (REPLAYED_FROM, b"queries.dead-letters-0-5")


@pytest.fixture(autouse=True)
def clock():
    with clients() as found:
        yield found


@pytest.fixture
def producer():
    return parts().delivery.producer


def refused_places(producer):
    return [(refusal.id, refusal.is_dead_letter) for refusal in producer.take_refusals()]


@pytest.mark.parametrize("together", [True, False])
def test_an_output_has_key_headers_and_time_of_its_input(producer, together):
    one = record(0, time_ms=77, headers=[("trace", b"00-abc")])
    if together:
        assert producer.outputs([one], [b"out"], [one.headers()]) == 1
    else:
        producer.output(one, b"out")
    (sent,) = producer.client.sent
    assert (sent.topic, sent.value, sent.key) == ("queries.enriched", b"out", b"k")
    assert (sent.time_ms, sent.headers) == (77, [("trace", b"00-abc")])


@pytest.mark.parametrize("together", [True, False])
def test_a_refusal_carries_its_record_unless_it_went_with_others(producer, together):
    records = [record(offset) for offset in range(3)]
    producer.client.refusals[b"1"] = KafkaError.MSG_SIZE_TOO_LARGE
    if together:
        producer.outputs(records, [b"0", b"1", b"2"], [None] * 3)
    else:
        for one in records:
            producer.output(one, b"%d" % one.offset())
    producer.flush(1.0)
    (refusal,) = producer.take_refusals()
    assert refusal.record is (None if together else records[1]) and not refusal.is_dead_letter
    assert refusal.error.code() == KafkaError.MSG_SIZE_TOO_LARGE
    assert producer.take_refusals() == []


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("letter", [True, False])
def test_the_real_client_reports_what_is_not_sent(together, letter, monkeypatch):
    """What waits is purged: librdkafka answers that without a broker."""
    monkeypatch.setattr(producer_module, "Producer", Producer)
    kafka = load_settings(None, {}, ["kafka.bootstrap_servers=127.0.0.1:9"]).kafka
    found = OutputProducer(kafka, Metrics(), None)
    found._limits = {}
    found.open()
    if letter:
        found.dead_letter(record(7), BAD)
    elif together:
        found.outputs([record(7)], [b"out"], [None])
    else:
        found.output(record(7), b"out")
    found.client.purge()
    found.client.poll(5.0)
    (refusal,) = found.take_refusals()
    assert refusal.error.code() == KafkaError._PURGE_QUEUE
    alone = "a record" if together else "queries-0-7"
    assert (refusal.id, refusal.is_dead_letter) == ("queries-0-7" if letter else alone, letter)


@pytest.mark.parametrize("together", [True, False])
def test_what_the_client_refuses_at_once_is_refused_like_what_the_broker_refuses(
    producer, together, monkeypatch
):
    def refuse(*_):
        raise failed(KafkaError.MSG_SIZE_TOO_LARGE)

    monkeypatch.setattr(producer.client, "produce", refuse)
    if together:
        assert producer.outputs([record(0), record(1)], [b"", b""], [None] * 2) == 1
    else:
        producer.output(record(0), b"")
    assert refused_places(producer) == [("queries-0-0", False)]


def test_a_refused_dead_letter_is_told_from_a_refused_output(producer):
    one = record(4)
    producer.client.refusals |= {b"out": 10, one.value(): 10}
    producer.output(one, b"out")
    producer.dead_letter(one, BAD)
    producer.flush(1.0)
    assert refused_places(producer) == [("queries-0-4", False), ("queries-0-4", True)]


def test_a_full_queue_takes_some_and_says_how_many(producer):
    producer.client.room = 2
    records = [record(offset) for offset in range(4)]
    assert producer.outputs(records, [b""] * 4, [None] * 4) == 2
    with pytest.raises(BufferError):
        producer.output(records[2], b"")
    assert len(producer.client.sent) == 2


@pytest.mark.parametrize("reason", [None, BAD])
def test_no_input_tells_the_reason_of_its_own_rejection(producer, reason):
    forged = [(name, b"forged") for name in (*REJECTION, REPLAY_HEADER)]
    producer.dead_letter(record(7, headers=[*forged, ("trace", b"00-abc")]), reason)
    (sent,) = producer.client.sent
    assert ("trace", b"00-abc") in sent.headers
    assert not any(value == b"forged" for _, value in sent.headers)
    assert {name for name, _ in sent.headers} >= set(REJECTION if reason else ())


def test_a_dead_letter_is_its_record_with_the_reason_and_where_it_came_from(producer):
    one = record(7, partition=1)
    producer.dead_letter(one, BAD)
    (sent,) = producer.client.sent
    assert (sent.topic, sent.value, sent.key) == (DEAD, one.value(), b"k")
    told = dict(sent.headers)
    assert told["x-error-message"] == b"not JSON" and told["x-attempts"] == b"1"
    assert (told["x-source-partition"], told["x-source-offset"]) == (b"1", b"7")


@pytest.mark.parametrize(
    ("headers", "attempts"),
    [
        ([], b"1"),
        ([("x-attempts", b"4")], b"1"),  # anybody's, and no replay's
        ([REPLAYED, ("x-attempts", b"4")], b"5"),
        ([REPLAYED, ("x-attempts", b"1"), ("x-attempts", b"4")], b"5"),
        ([(REPLAYED_FROM, b"others-0-5"), ("x-attempts", b"4")], b"1"),
        ([REPLAYED], b"1"),
        ([REPLAYED, ("x-attempts", b"many")], b"1"),
        ([REPLAYED, ("x-attempts", b"9" * 10)], b"1"),
        ([REPLAYED, ("x-attempts", None)], b"1"),
    ],
)
def test_only_attempts_of_a_replayed_record_count_on(headers, attempts):
    told = dict(error_headers(record(0, headers=headers), BAD, DEAD))
    assert told["x-attempts"] == attempts


def test_a_dead_letter_has_the_time_of_its_rejection_unless_kafka_refused_that(producer, clock):
    one = record(0, time_ms=77)
    producer.dead_letter(one, BAD)
    producer.distrust_clock()
    assert producer.distrusts_clock
    producer.dead_letter(one, BAD)
    clock.now += NO_CLOCK_S
    producer.dead_letter(one, BAD)
    assert [sent.time_ms for sent in producer.client.sent] == [0, 77, 0]  # 0 is now


def test_each_client_has_refusals_of_its_own(producer):
    producer.output(record(0), b"old")
    old = producer.client
    producer.discard()
    assert producer.client is None and not producer.idle
    producer.open()
    old.refusals[b"old"] = KafkaError._PURGE_QUEUE
    old.queue.extend(old.sent)
    old.confirm()
    assert refused_places(producer) == [], "what an older client lost was undone with it"


def test_requests_fit_the_topics_they_go_to(producer):
    producer.discard()
    producer._limits = {"queries.enriched": 500_000, DEAD: 2_000_000}
    producer.open()
    assert producer.client.properties["batch.size"] == 400_000
    assert producer.output_limit == 500_000


@pytest.mark.parametrize(("call", "arguments"), [("poll", ()), ("flush", (0.1,))])
def test_a_fatal_error_makes_the_client_unusable(producer, monkeypatch, call, arguments):
    def fail(*_):
        raise failed(KafkaError._FATAL, fatal=True)

    monkeypatch.setattr(producer.client, call, fail)
    assert not getattr(producer, call)(*arguments)
    assert producer.fatal.code() == KafkaError._FATAL


def test_idle_is_when_all_is_answered(producer):
    assert producer.idle
    producer.output(record(0), b"")
    assert not producer.idle
    producer.client.confirm()
    assert producer.idle


def test_secrets_that_rotated_reach_the_client(producer, monkeypatch):
    renewed = []
    monkeypatch.setattr(Credentials, "renew", lambda _, client, now: renewed.append(client))
    producer.poll()
    assert renewed == [producer.client]


@pytest.mark.parametrize(
    ("size", "compression", "large"),
    [(100, "none", False), (101, "none", False), (200, "none", True), (200, "gzip", False)]
    + [(200, "lz4", True), (200, "zstd", False)],
)
def test_only_what_is_too_large_when_it_is_compressed_is_too_large(size, compression, large):
    chosen = parts(
        f"kafka.producer.compression.type={compression}", limits={"queries.enriched": 100}
    )
    texts = {101: b"a" * 101, 200: bytes(range(200)), 100: bytes(range(100))}
    value = b"ab" * 100 if compression == "gzip" else texts[size]
    assert chosen.delivery.producer.too_large(value, "queries.enriched") is large
    unknown = parts().delivery.producer
    assert not unknown.too_large(bytes(2_000_000), "queries.enriched"), "no limit is known"
