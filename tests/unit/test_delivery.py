"""What Kafka's refusals mean: the record is at fault, all is done again, or the worker stops."""

import pytest
from confluent_kafka import KafkaError

from tests.clients import failed, record
from tests.stream_parts import clients, parts
from worker.errors import DeliveryError, Reject
from worker.stream.delivery import base
from worker.stream.delivery.base import LONGEST_PAUSE_S, MOST_BARRED, MOST_RECOVERIES
from worker.stream.producer import Refusal

EXACTLY_ONCE = "kafka.delivery=exactly-once"
BAD = Reject("decode", "invalid_json", "planned")
AT_FAULT = (
    *(KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE, KafkaError.INVALID_MSG),
    *(KafkaError._INVALID_ARG, KafkaError.INVALID_TIMESTAMP, KafkaError.INVALID_RECORD),
)
PASSING = (
    *(KafkaError._MSG_TIMED_OUT, KafkaError.UNKNOWN_TOPIC_OR_PART),
    *(KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.NOT_LEADER_FOR_PARTITION),
)
DENIED = KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED
FOLLOWING = (
    *(KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT, KafkaError._INVALID_DIFFERENT_RECORD),
)


@pytest.fixture(autouse=True)
def clock():
    with clients() as found:
        yield found


@pytest.fixture(params=["at-least-once", "exactly-once"])
def delivery(request):
    return parts(f"kafka.delivery={request.param}").delivery


def refuse(delivery, code, offset=0, letter=False):
    """Kafka refuses what was made of a record; returns what `recover` returns."""
    if not delivery.ready:
        delivery.prepare()
    delivery.producer.refusals.append(Refusal(record(offset), KafkaError(code, "planned"), letter))
    assert delivery.failed
    paused_s = delivery.recover()
    assert not delivery.failed or not delivery.ready
    return paused_s


@pytest.mark.parametrize("code", AT_FAULT)
def test_a_record_at_fault_is_barred_and_its_neighbours_are_not(delivery, code):
    assert not delivery.needs_care
    refuse(delivery, code, 3)
    assert delivery.needs_care
    barred = delivery.barred(record(3), b"out")
    assert (barred.stage, barred.reason) == ("produce", "output_refused")
    assert "queries.enriched refused it" in str(barred)
    assert delivery.barred(record(4), b"out") is None


@pytest.mark.parametrize("code", PASSING)
def test_what_may_pass_bars_nothing(delivery, code):
    refuse(delivery, code)
    assert not delivery.needs_care and delivery.barred(record(0), b"out") is None


@pytest.mark.parametrize("code", DENIED)
def test_a_missing_right_stops_the_worker(delivery, code):
    with pytest.raises(DeliveryError, match="may write to it"):
        refuse(delivery, code)


@pytest.mark.parametrize("code", [*(code for code in PASSING if code != KafkaError._MSG_TIMED_OUT)])
def test_too_many_recoveries_without_a_commit_between_them_stop(delivery, code):
    for _ in range(MOST_RECOVERIES):
        refuse(delivery, code)
    with pytest.raises(DeliveryError):
        refuse(delivery, code)


def test_a_commit_makes_the_recoveries_begin_anew(delivery):
    for _ in range(3 * MOST_RECOVERIES):
        refuse(delivery, KafkaError.NOT_ENOUGH_REPLICAS)
        delivery.committed({})


def test_brokers_that_are_away_are_waited_for_however_long(delivery):
    for _ in range(3 * MOST_RECOVERIES):
        refuse(delivery, KafkaError._MSG_TIMED_OUT)


def test_records_at_fault_are_no_endless_recovery(delivery):
    """Each time it gets further."""
    for offset in range(3 * MOST_RECOVERIES):
        refuse(delivery, KafkaError.MSG_SIZE_TOO_LARGE, offset)


def test_pauses_grow_to_a_bound(delivery):
    paused = [refuse(delivery, KafkaError._MSG_TIMED_OUT) for _ in range(9)]
    assert paused == sorted(paused) and paused[0] < 0.2 and paused[-1] == LONGEST_PAUSE_S


@pytest.mark.parametrize("code", FOLLOWING)
def test_what_follows_on_another_error_decides_nothing(delivery, code, caplog):
    for _ in range(3 * MOST_RECOVERIES):
        refuse(delivery, code)
    assert not delivery.needs_care
    assert not [item for item in caplog.records if "refuses" in item.getMessage()]


@pytest.mark.parametrize("code", PASSING)
def test_the_cause_of_a_recovery_is_logged_once_in_a_while(delivery, code, caplog):
    for _ in range(2):
        refuse(delivery, code)
    told = [
        item.getMessage() for item in caplog.records if "refuses an output" in item.getMessage()
    ]
    assert len(told) == 1 and "planned" in told[0]


def test_a_dead_letter_that_is_refused_goes_once_more_without_its_reason(delivery):
    refuse(delivery, KafkaError.MSG_SIZE_TOO_LARGE, 3, letter=True)
    delivery.prepare()
    delivery.dead_letter(record(3), BAD)
    delivery.dead_letter(record(4), BAD)
    first, second = delivery.producer.client.sent
    assert not dict(first.headers) and dict(second.headers)["x-error-type"] == b"invalid_json"


def test_a_dead_letter_that_is_refused_without_its_reason_stops_the_worker(delivery):
    refuse(delivery, KafkaError.MSG_SIZE_TOO_LARGE, 3, letter=True)
    with pytest.raises(DeliveryError, match=r"max\.message\.bytes"):
        refuse(delivery, KafkaError.MSG_SIZE_TOO_LARGE, 3, letter=True)


def test_a_dead_letter_refused_for_its_time_goes_with_its_records_time_and_its_reason(delivery):
    refuse(delivery, KafkaError.INVALID_TIMESTAMP, 3, letter=True)
    delivery.prepare()
    delivery.dead_letter(record(3, time_ms=77), BAD)
    (sent,) = delivery.producer.client.sent
    assert sent.time_ms == 77 and dict(sent.headers)["x-error-type"] == b"invalid_json"
    with pytest.raises(DeliveryError, match=r"message\.timestamp"):
        refuse(delivery, KafkaError.INVALID_TIMESTAMP, 3, letter=True)


def test_when_the_clock_is_trusted_again_a_refused_time_is_no_end(delivery, clock):
    refuse(delivery, KafkaError.INVALID_TIMESTAMP, 3, letter=True)
    clock.now += 10_000
    refuse(delivery, KafkaError.INVALID_TIMESTAMP, 3, letter=True)
    assert delivery.producer.distrusts_clock


def test_what_is_barred_is_bounded_in_memory(delivery, monkeypatch):
    monkeypatch.setattr(base, "MOST_BARRED", 5)
    for offset in range(20):
        refuse(delivery, KafkaError.MSG_SIZE_TOO_LARGE, offset)
    assert len(delivery._barred) == 5 < MOST_BARRED
    assert delivery.barred(record(19), b"") and not delivery.barred(record(0), b"")


def test_a_fatal_error_replaces_the_producer(delivery):
    delivery.producer.broke(KafkaError(KafkaError._FATAL, "planned", True))
    assert delivery.failed
    delivery.recover()
    assert delivery.producer.client is None and not delivery.ready
    delivery.prepare()
    assert delivery.ready and not delivery.failed


def test_a_producer_that_is_not_allowed_to_stops_the_worker(delivery):
    delivery.producer.broke(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, "planned", True))
    with pytest.raises(DeliveryError, match="IDEMPOTENT_WRITE"):
        delivery.recover()


def test_producers_that_fail_one_after_the_other_stop_the_worker(delivery):
    for _ in range(MOST_RECOVERIES):
        delivery.producer.broke(KafkaError(KafkaError._FATAL, "planned", True))
        delivery.recover()
        delivery.prepare()
    delivery.producer.broke(KafkaError(KafkaError._FATAL, "planned", True))
    with pytest.raises(DeliveryError, match="failed for good"):
        delivery.recover()


def test_what_was_under_way_at_a_failure_is_barred_too_if_it_is_at_fault():
    delivery = parts().delivery
    client = delivery.producer.client
    client.refusals[b"large"] = KafkaError.MSG_SIZE_TOO_LARGE
    delivery.producer.output(record(5), b"large")
    refuse(delivery, KafkaError.NOT_ENOUGH_REPLICAS)
    assert delivery.barred(record(5), b"large") and not len(client)


def test_a_failed_transaction_is_aborted_and_another_begun():
    delivery = parts(EXACTLY_ONCE).delivery
    delivery.producer.client.calls.clear()
    refuse(delivery, KafkaError.NOT_ENOUGH_REPLICAS)
    assert delivery.producer.client.calls == ["abort_transaction", "begin_transaction"]
    assert delivery.ready


@pytest.mark.parametrize("code", [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._MSG_TIMED_OUT])
def test_after_what_librdkafka_counts_as_sent_only_another_producer_goes_on(code):
    delivery = parts(EXACTLY_ONCE).delivery
    first = delivery.producer.client
    first.calls.clear()
    refuse(delivery, code)
    assert delivery.producer.client is None and not delivery.ready
    delivery.prepare()
    assert delivery.producer.client is not first and "commit_transaction" not in first.calls


def test_a_transaction_that_is_to_be_aborted_is_and_the_producer_stays():
    found = parts(EXACTLY_ONCE)
    error = failed(KafkaError.ILLEGAL_GENERATION, txn_requires_abort=True)
    found.client.faults["send_offsets_to_transaction"] = [error]
    with pytest.raises(type(error)):
        found.delivery.commit({0: 1}, found.consumer, wait=False, note="")
    assert found.delivery.failed and found.delivery.producer.fatal is None


def test_a_transaction_that_failed_for_good_needs_another_producer():
    found = parts(EXACTLY_ONCE)
    found.client.faults["commit_transaction"] = [failed(KafkaError._FENCED, fatal=True)]
    with pytest.raises(type(failed(0))):
        found.delivery.commit({0: 1}, found.consumer, wait=False, note="")
    assert found.delivery.producer.fatal.code() == KafkaError._FENCED


def test_a_call_that_is_not_answered_is_made_again():
    found = parts(EXACTLY_ONCE)
    found.client.calls.clear()
    found.client.faults["commit_transaction"] = [failed(KafkaError._TIMED_OUT, retriable=True)] * 2
    assert found.delivery.commit({0: 1}, found.consumer, wait=False, note="")
    assert found.client.calls.count("commit_transaction") == 3
    assert found.client.calls.count("send_offsets_to_transaction") == 1


def test_an_open_transaction_of_an_earlier_producer_is_waited_for():
    found = parts(EXACTLY_ONCE)
    found.delivery.ready = False
    found.client.faults["init_transactions"] = [failed(KafkaError._TIMED_OUT, retriable=True)]
    found.delivery.prepare()
    assert not found.delivery.ready
    found.delivery.prepare()
    assert found.delivery.ready


def test_what_is_surely_too_large_for_a_transaction_is_not_tried():
    """A refusal would undo all of it."""
    found = parts(EXACTLY_ONCE, limits={"queries.enriched": 100})
    assert found.delivery.barred(record(0), bytes(range(200))).reason == "output_refused"
    assert found.delivery.barred(record(0), bytes(100)) is None
