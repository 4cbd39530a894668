"""What is committed, counted and barred, after answers that are rare."""

from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError

from tests.clients import failed, place, record
from tests.stream_parts import clients, parts, stream
from worker.stream.rejection_limits import NOTE


@pytest.fixture(autouse=True)
def clock():
    with clients() as found:
        yield found


def test_a_commit_that_one_partition_was_refused_is_no_commit_of_it():
    """confluent_kafka raises only if all of them were."""
    found = parts()
    found.advance()
    found.take(record(0, "seen"), record(0, "seen", partition=1))

    def commit(offsets, asynchronous):
        unknown = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)  # of a partition just added
        errors = [None, unknown]
        return [SimpleNamespace(partition=p.partition, error=errors[p.partition]) for p in offsets]

    found.consumer.commit = commit
    assert not found.commits.now(found.consumer, 1.0)
    assert 1 in found.offsets.committable()


def test_what_was_counted_before_is_learned_once_although_its_note_stays():
    thread, found = stream()
    found.consumer.known = {0: (7, f"{NOTE}before")}

    def commit(offsets, asynchronous):
        raise failed(KafkaError.REBALANCE_IN_PROGRESS)

    found.consumer.commit = commit
    found.offsets.assign([0])
    thread._turn()
    assert found.learned == [f"{NOTE}before"]
    found.offsets.rewind()
    found.clock.now += 10.0
    thread._turn()
    assert found.learned == [f"{NOTE}before"]


def test_after_the_record_at_fault_is_a_dead_letter_hits_are_quick_again():
    """As docs/delivery.md has it: record by record until the next commit."""
    found = parts()
    for _ in range(6):
        found.advance(10.0)  # a pause is over
        for _, partition in found.offsets.items():
            partition.needs_seek = False
        found.take(record(0, "seen"), record(1, "seen"))
        found.lanes.produce_pending()
        for sent in found.client.sent:
            if sent.topic.endswith("enriched") and place(sent) == (0, 0):
                found.client.refusals[sent.value] = KafkaError.MSG_SIZE_TOO_LARGE
        if found.commits.now(found.consumer, 1.0):
            break
    assert found.consumer.commits == [{0: 2}] and found.client.sent[-2].topic.endswith("letters")
    assert not found.delivery.needs_care
