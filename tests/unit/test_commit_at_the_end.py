"""The last commit of a worker that ends: tried again, within a deadline."""

import pytest
from confluent_kafka import KafkaError, TopicPartition

from tests.clients import Rebalanced, failed, record
from tests.stream_parts import clients, stream
from worker.errors import Stop
from worker.stream.rejection_limits import NOTE

PLACE = TopicPartition("queries", 0)


@pytest.fixture(autouse=True)
def clock():
    with clients() as found:
        yield found


@pytest.mark.parametrize("lost", [False, True])
def test_the_last_commit_is_tried_again_while_a_rebalance_refuses_it(lost):
    """A rebalance goes on in polls; a partition that it takes away is another's to commit."""
    thread, found = stream(Rebalanced())
    found.take(record(0, "seen"))
    found.consumer.faults = [failed(KafkaError.REBALANCE_IN_PROGRESS)]
    found.consumer.during = lambda: thread._on_lost(found.consumer, [PLACE]) if lost else None
    thread.close(6.0)  # it has not started: this sets the deadline alone
    thread._commit_last()
    assert found.consumer.commits == ([] if lost else [{0: 1}])
    assert thread.uncommitted is lost


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_a_drain_in_which_work_is_undone_is_no_clean_end(delivery):
    """Nothing is fetched any more, so nobody does it again here."""
    thread, found = stream(None, f"kafka.delivery={delivery}")
    found.take(record(0, "seen"), record(1))
    found.client.refusals[found.client.sent[0].value] = KafkaError.NOT_ENOUGH_REPLICAS
    thread.stop_fetching()
    found.client.confirm()
    found.advance()
    assert found.submitted[0].stale
    thread.close(6.0)
    thread._commit_last()
    thread._on_revoke(found.consumer, [PLACE])
    assert thread.uncommitted


@pytest.mark.parametrize("draining", [False, True])
def test_partitions_that_are_lost_in_a_drain_are_no_clean_end(draining):
    """Before, whoever has them now goes on."""
    thread, found = stream()
    found.take(record(0, "seen"))
    if draining:
        thread.stop_fetching()
    thread._on_lost(found.consumer, [PLACE])
    thread.close(6.0)
    thread._commit_last()
    assert thread.uncommitted is draining


def test_what_was_undone_and_done_again_is_a_clean_end():
    thread, found = stream()
    found.take(record(0, "seen"))
    found.client.refusals[found.client.sent[0].value] = KafkaError.NOT_ENOUGH_REPLICAS
    found.client.confirm()
    found.advance()
    found.client.refusals.clear()
    found.clock.now += 10
    thread._turn()
    found.take(record(0, "seen"))
    found.lanes.produce_pending()
    thread.close(6.0)
    thread._commit_last()
    assert found.consumer.commits[-1] == {0: 1} and not thread.uncommitted


def test_the_last_commit_is_given_up_at_its_deadline():
    thread, found = stream()
    found.take(record(0, "seen"))
    found.consumer.faults = [failed(KafkaError.REBALANCE_IN_PROGRESS)] * 100
    found.consumer.before_commit = lambda: setattr(found.clock, "now", found.clock.now + 0.5)
    thread.close(6.0)
    thread._commit_last()
    assert (found.consumer.commits, thread.uncommitted) == ([], True)
    assert 90 < len(found.consumer.faults) < 100


def test_a_worker_that_a_limit_stops_commits_what_it_produced_though_the_flush_takes_seconds(
    monkeypatch,
):
    """Else the dead letters before the limit come twice, and nobody goes on from their count."""
    thread, found = stream()
    found.take(record(0, "seen"))
    found.client.stuck, began, flush = True, found.clock.now, found.client.flush

    def slow(timeout_s):
        found.clock.now += timeout_s
        found.client.stuck = found.clock.now < began + 3
        return flush(timeout_s)

    def stop():
        found.counted = f"{NOTE}after"
        thread.close(10.0)  # it has not started: this sets the deadline alone
        raise Stop("too many are rejected")

    monkeypatch.setattr(found.client, "flush", slow)
    monkeypatch.setattr(thread, "_turn", stop)
    monkeypatch.setattr(thread._consumer, "join", lambda *_: None)
    monkeypatch.setattr(thread._consumer, "leave", lambda: None)
    thread._membership()
    assert found.consumer.commits == [{0: 1}] and not thread.uncommitted
    assert found.consumer.notes[-1] == (0, 1, f"{NOTE}after")
