"""Flushed, without an error, then committed; else everything goes back to its last commit."""

import pytest
from confluent_kafka import KafkaError, TopicPartition

from tests.clients import failed, place, record
from tests.stream_parts import SEEN, clients, parts
from worker.errors import DeliveryError, Reject
from worker.stream import counts
from worker.stream.commits import STUCK_S
from worker.understanding.pipeline import Output

EXACTLY_ONCE = "kafka.delivery=exactly-once"
BOTH = pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
INTERVAL_S = 1.0


@pytest.fixture(autouse=True)
def clock():
    with clients() as found:
        yield found


def value(found, offset):
    """The output of a record that was produced."""
    return next(s.value for s in found.client.sent if place(s)[1] == offset)


def produced(*assignments):
    """Parts of which two records are produced, and nothing is confirmed."""
    found = parts(*assignments)
    found.advance()  # nothing to commit: the first interval begins
    found.take(record(0, "seen"), record(1, "seen"))
    return found


def committed(found):
    """What is committed, in either way."""
    if found.delivery.confirms_at_commit:
        return [1] * found.client.calls.count("commit_transaction")
    return found.consumer.commits


@BOTH
def test_nothing_is_committed_before_all_is_flushed(delivery):
    found = produced(f"kafka.delivery={delivery}")
    found.client.stuck = True
    for _ in range(5):
        assert not found.advance(INTERVAL_S)
    assert not committed(found)
    found.client.stuck = False
    found.advance()
    assert len(committed(found)) == 1 and len(found.client) == 0


@BOTH
def test_a_commit_comes_once_an_interval_and_only_of_what_is_new(delivery):
    found = produced(f"kafka.delivery={delivery}")
    found.advance(INTERVAL_S / 2)
    assert not committed(found)
    found.advance(INTERVAL_S / 2)
    answer(found, {0: 2})
    for _ in range(3):
        found.advance(INTERVAL_S)
    assert len(committed(found)) == 1
    assert found.offsets[0].committed == 2 and found.offsets[0].all_committed


def answer(found, offsets, error=None):
    """Kafka's answer to an asynchronous commit."""
    if not found.delivery.confirms_at_commit:
        places = [TopicPartition("queries", *item) for item in offsets.items()]
        found.commits.answered(error, places)


@BOTH
def test_an_error_before_the_commit_undoes_all_since_the_last_one(delivery):
    found = produced(f"kafka.delivery={delivery}")
    found.client.refusals[value(found, 1)] = KafkaError.UNKNOWN_TOPIC_OR_PART
    found.take(record(2))
    found.advance(INTERVAL_S)  # flushed, and refused
    assert not committed(found)
    assert not found.advance(), "what failed is undone, and nothing is produced for a moment"
    assert not committed(found)
    assert found.offsets.needing_seek() == {0, 1} and found.offsets.committable() == {}
    assert found.submitted[0].stale
    assert found.totals.published == 0, "it is counted when it is done again"


@BOTH
def test_a_refusal_that_comes_between_commits_is_not_committed(delivery):
    found = produced(f"kafka.delivery={delivery}")
    found.client.refusals[value(found, 0)] = KafkaError.UNKNOWN_TOPIC_OR_PART
    found.client.confirm()
    found.advance(INTERVAL_S)
    assert not committed(found) and found.offsets.needing_seek()


def test_at_least_once_counts_what_is_flushed_and_at_once_what_is_idle():
    found = produced()
    found.client.stuck = True
    found.advance(INTERVAL_S)
    assert found.totals.published == 0
    found.client.stuck = False
    found.consumer.before_commit = lambda: counted.append(found.totals.published)
    counted = []
    found.advance()
    assert counted == [2]
    found.take(record(2, "seen"))
    found.client.confirm()
    found.advance()  # long before the next commit
    assert found.totals.published == 3


def test_exactly_once_counts_only_what_is_committed():
    found = produced(EXACTLY_ONCE)
    found.client.confirm()
    found.advance()
    assert found.totals.published == 0, "the transaction may still be aborted"
    found.client.faults["commit_transaction"] = [failed(KafkaError._STATE, txn_requires_abort=True)]
    found.advance(INTERVAL_S)
    assert found.totals.published == 0 and "abort_transaction" in found.client.calls
    found.take(record(0, "seen"), record(1, "seen"))
    found.advance(10)
    assert found.totals.published == 2


def test_a_flush_that_does_not_end_stops_producing_and_then_fetching():
    found = produced()
    found.client.stuck = True
    assert not found.advance(INTERVAL_S) and not found.commits.stuck
    assert found.commits.waiting
    found.advance(STUCK_S + 0.1)
    assert found.commits.stuck and not found.commits.may_produce
    found.client.stuck = False
    assert found.advance() and not found.commits.stuck


def test_while_a_commit_is_not_answered_the_next_waits_and_producing_goes_on():
    found = produced()
    assert found.advance(INTERVAL_S)
    found.take(record(2, "seen"))
    assert found.advance(INTERVAL_S), "it may produce meanwhile"
    assert found.consumer.commits == [{0: 2}]
    answer(found, {0: 2})
    found.advance(INTERVAL_S)
    assert found.consumer.commits == [{0: 2}, {0: 3}]


def test_a_commit_that_is_waited_for_answers_no_other():
    """librdkafka may make the one before it later: then this one is made again."""
    found = produced()
    found.advance(INTERVAL_S)
    found.take(record(2, "seen"))
    assert found.commits.now(found.consumer, 1.0) and found.commits.under_way == {0}
    answer(found, {0: 2})
    assert not found.commits.under_way
    found.advance(INTERVAL_S)
    assert found.consumer.commits == [{0: 2}, {0: 3}, {0: 3}]


def test_a_partition_that_went_waits_for_no_answer():
    """What was sent before the group's new generation is refused, and may be told late."""
    found = produced()
    found.advance(INTERVAL_S)
    found.commits.revoke([0])
    assert not found.commits.under_way
    found.take(record(5, "seen", partition=1))
    found.advance(INTERVAL_S)
    answer(found, {0: 2}, KafkaError(KafkaError.ILLEGAL_GENERATION))
    assert found.commits.under_way == {1}
    answer(found, {1: 6})
    assert not found.commits.under_way


def test_a_flush_that_was_given_up_lets_produce_while_a_commit_is_not_answered():
    found = produced()
    found.advance(INTERVAL_S)
    found.take(record(2, "seen"))
    found.client.stuck = True
    assert not found.commits.now(found.consumer, 0.0) and not found.commits.may_produce
    assert found.advance(INTERVAL_S)


def test_another_consumer_does_not_wait_for_the_answer_to_the_commit_before():
    found = produced()
    found.advance(INTERVAL_S)
    found.commits.joined()
    found.advance(INTERVAL_S)
    assert len(found.consumer.commits) == 2


def test_a_commit_that_is_refused_is_made_again_and_nothing_is_undone():
    """At least once: what is out is out."""
    found = produced()
    found.advance(INTERVAL_S)
    answer(found, {0: 2}, KafkaError(KafkaError.ILLEGAL_GENERATION))
    assert found.offsets[0].committed is None and not found.offsets.needing_seek()
    found.consumer.faults = [failed(KafkaError._WAIT_COORD)]
    found.advance(INTERVAL_S)
    found.advance(INTERVAL_S)
    answer(found, {0: 2})
    assert found.consumer.commits == [{0: 2}] * 2 and found.offsets[0].all_committed


def test_the_last_commit_is_waited_for():
    found = produced()
    assert found.commits.now(found.consumer, 1.0)
    assert found.consumer.commits == [{0: 2}] and found.offsets[0].committed == 2
    assert found.commits.now(found.consumer, 1.0), "nothing is left to commit"
    assert len(found.consumer.commits) == 1


def test_the_last_commit_is_not_made_of_what_is_refused():
    found = produced()
    found.client.refusals[value(found, 1)] = KafkaError.UNKNOWN_TOPIC_OR_PART
    assert not found.commits.now(found.consumer, 1.0)
    assert not found.commits.now(found.consumer, 1.0)
    assert not found.consumer.commits and found.offsets.needing_seek()


def test_the_last_commit_gives_up_on_brokers_that_are_away():
    found = produced()
    found.client.stuck = True
    flush = found.client.flush

    def slow(timeout_s):
        found.clock.now += timeout_s
        return flush(timeout_s)

    found.client.flush = slow
    assert not found.commits.now(found.consumer, 1.0)
    assert not found.consumer.commits and found.clock.now < 1010


def test_after_the_end_nothing_is_committed_or_produced():
    found = produced()
    found.commits.end()
    assert not found.commits.now(found.consumer, 1.0)
    assert not found.commits.may_produce and not found.consumer.commits
    broken = produced()
    broken.commits.broken = True
    assert not broken.commits.may_produce and not broken.commits.now(broken.consumer, 1.0)
    assert not broken.consumer.commits


def test_outputs_whose_partition_went_before_the_commit_are_not_in_the_transaction():
    found = produced(EXACTLY_ONCE)
    found.take(record(0, "seen", 1))
    found.commits.revoke([0])
    found.advance(INTERVAL_S)
    found.advance(INTERVAL_S)
    assert "commit_transaction" not in found.client.calls
    assert "abort_transaction" in found.client.calls
    assert found.offsets.needing_seek() == {1}


def test_a_partition_that_went_with_all_committed_disturbs_nobody():
    found = produced(EXACTLY_ONCE)
    found.advance(INTERVAL_S)
    found.commits.revoke([0])
    assert found.advance(INTERVAL_S) and not found.offsets.needing_seek()


def test_a_worker_that_may_not_write_stops():
    found = produced()
    found.client.refusals[value(found, 0)] = KafkaError.TOPIC_AUTHORIZATION_FAILED
    found.client.confirm()
    with pytest.raises(DeliveryError, match="may write to it"):
        found.advance()


def test_a_producer_that_failed_is_replaced_and_all_is_done_again():
    found = produced()
    first = found.client
    first.dead = True
    assert not found.advance()
    assert found.client is None and found.offsets.needing_seek()
    assert found.advance(INTERVAL_S), "another is made"
    assert found.client not in (None, first)
    assert not found.consumer.commits


@BOTH
def test_dead_letters_are_logged_at_once_and_then_once_a_minute_with_their_reasons(
    delivery, caplog, monkeypatch
):
    found = parts(f"kafka.delivery={delivery}")
    monkeypatch.setattr(counts, "monotonic", found.clock)

    def rejected(offset, reason):
        found.take(record(offset))
        found.answer(found.submitted.pop(), Reject("decode", reason, "planned"))
        found.lanes.produce_pending()
        found.commits.now(found.consumer, 1.0)
        return [one.args[0] for one in caplog.records if one.msg.startswith("dead letters")]

    assert rejected(0, "invalid_json") == ["1 invalid_json"]
    for offset, reason in enumerate(["empty_query", "invalid_json", "empty_query"], 1):
        assert len(rejected(offset, reason)) == 1
    found.clock.now += 61
    assert rejected(4, "empty_query")[1:] == ["3 empty_query, 1 invalid_json"]


def test_what_went_the_careful_way_is_counted_like_the_rest():
    found = parts()
    found.take(record(0))
    found.answer(found.submitted[0], Output(b"understood", SEEN))
    found.lanes.produce_pending()
    found.commits.now(found.consumer, 1.0)
    assert found.totals.published == 1 and found.consumer.commits == [{0: 1}]
