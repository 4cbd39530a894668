"""Where a partition goes on: its last commit, and the notes beside it."""

import json

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, TopicPartition

from tests.clients import FakeConsumer, Rebalanced, record
from tests.stream_parts import SEEN, clients, stream
from worker.stream import kafka_thread, poison_pills
from worker.stream.poison_pills import _read
from worker.stream.rejection_limits import NOTE
from worker.understanding.pipeline import Output


def died(owners):
    """The note of so many owners that began at the committed offset and made no progress."""
    claims = [[f"owner {number}", 0, False] for number in range(owners)]
    return poison_pills.NOTE + json.dumps({"claims": claims})


def learn(thread, found, number, note):
    """What the group remembers of a partition that was just assigned."""
    thread._poison.assigned(found.consumer, TopicPartition("queries", number, -1001, metadata=note))


def claims(found):
    """Partition, offset and number of claims of each note."""
    return [(number, at, len(_read(note).claims)) for number, at, note in found.consumer.notes]


@pytest.fixture(autouse=True)
def clock():
    with clients() as found:
        yield found


def places(*numbers):
    return [TopicPartition("queries", number) for number in numbers]


def test_nothing_is_committed_for_a_partition_that_goes_while_a_round_is_fetched(monkeypatch):
    """A note of where its records begin would lose what was still in flight before them."""
    monkeypatch.setattr(kafka_thread, "REVOKE_WAIT_S", 0.0)
    thread, found = stream(Rebalanced([record(3), record(4), record(9, partition=1)]))
    found.take(record(2))  # the models have not answered yet
    found.consumer.during = lambda: thread._on_revoke(found.consumer, places(0))
    thread._turn()
    assert found.consumer.commits == []
    assert {number for number, *_ in found.consumer.notes} == {1}
    assert [batch.partition for batch in found.submitted if not batch.stale] == [1]


def test_a_partition_that_went_and_came_back_while_it_was_fetched_begins_at_its_last_commit():
    """What was fetched of it before is its next owner's, or comes again."""
    thread, found = stream(Rebalanced([record(3), record(4)]))

    def go_and_come():
        thread._on_lost(found.consumer, places(0))
        thread._on_assign(found.consumer, places(0))

    found.consumer.during = go_and_come
    thread._turn()
    assert found.submitted == [] and found.offsets.needing_seek() == {0}
    assert found.consumer.asked == 0, "the next turn can tell old records from new"
    found.consumer.left = [record(3)]
    thread._turn()
    assert len(found.submitted) == 1


def test_what_is_in_flight_of_a_partition_that_goes_is_finished_and_committed():
    thread, found = stream()
    found.take(record(0, "seen"), record(1, "seen"), record(0, partition=1))
    thread._on_revoke(found.consumer, places(0))
    assert found.consumer.commits == [{0: 2}] and found.offsets.owned() == [1]
    assert not found.submitted[0].stale, "of the other partition"


def test_a_partition_that_is_lost_is_not_committed():
    thread, found = stream()
    found.take(record(0, "seen"))
    thread._on_lost(found.consumer, places(0))
    found.advance(10)
    assert found.consumer.commits == [] and found.offsets.owned() == [1]


def test_a_rewound_partition_goes_back_to_its_last_commit_or_to_where_it_began():
    thread, found = stream(FakeConsumer([record(3), record(7, partition=1)]))
    thread._turn()
    found.consumer.known[1] = (6, "")
    found.offsets.rewind()
    thread._turn()
    assert sorted(found.consumer.sought) == [(0, 3), (1, 6)]
    assert not found.offsets.needing_seek()


def test_the_last_commit_is_asked_for_once_none_is_under_way():
    """It may still be made: a lower one after it would move the group back."""
    thread, found = stream()
    found.advance()
    found.take(record(3, "seen"))
    found.advance(10)
    assert found.consumer.commits == [{0: 4}]
    found.offsets.rewind()
    thread._turn()
    assert found.offsets.needing_seek() == {0}, "no commit of the other is under way"
    found.consumer.known[0] = (4, "")
    found.commits.answered(None, [TopicPartition("queries", 0, 4)])
    thread._turn()
    assert not found.offsets.needing_seek() and found.offsets[0].committed == 4


@pytest.mark.parametrize("answered", [False, True])
def test_a_claim_is_taken_out_where_the_group_stands_for_sure(answered):
    thread, found = stream(FakeConsumer([record(3)]))
    thread._turn()
    found.consumer.notes.clear()
    found.commits._under_way = {} if answered else {0: 5}
    thread._take_out_claims({0}, committed=True)
    assert claims(found) == ([(0, 3, 0)] if answered else [])


def test_a_claim_is_taken_out_although_nothing_is_known_of_another_partition():
    thread, found = stream(FakeConsumer([record(3)]))
    thread._turn()
    found.consumer.notes.clear()
    found.offsets[1].needs_seek = found.consumer.unknown = True
    thread._take_out_claims({0, 1}, committed=True)
    assert claims(found) == [(0, 3, 0)]


def test_after_a_rewind_a_claim_is_taken_out_only_where_the_group_has_it():
    thread, found = stream(FakeConsumer([record(3)]))
    thread._turn()
    found.consumer.notes.clear()
    found.offsets.rewind()
    found.offsets.committed(0, 3)  # as an answer says that comes late
    found.consumer.known[0] = (5, "")
    thread._take_out_claims({0}, committed=True)
    assert claims(found) == []


def test_records_that_come_before_the_seek_are_dropped_and_known_as_the_beginning():
    """Else the partition would go on after them: they are not asked for again."""
    thread, found = stream(FakeConsumer([record(3)]))
    found.consumer.unknown = True
    found.offsets.rewind()
    thread._turn()
    assert found.submitted == [] and found.offsets[0].began_at == 3
    found.consumer.unknown, found.clock.now = False, found.clock.now + 10
    thread._turn()
    assert found.consumer.sought == [(0, 3)]


def test_records_that_are_held_before_a_rewind_are_fetched_again():
    thread, found = stream(FakeConsumer([record(5)]))
    learn(thread, found, 0, died(3))
    thread._turn()
    assert thread._poison.holding == {0}
    found.consumer.known[0] = (5, "")
    found.offsets.rewind()
    thread._positions.go_back({0, 1}, found.clock.now)
    assert (found.consumer.sought, thread._poison.holding) == ([(0, 5)], set())


class Hidden(FakeConsumer):
    """It tells an error beside the partition, with an offset as if there were no commit."""

    def committed(self, places, timeout):
        return [Refused(place) for place in places]


class Refused:
    """What the client tells of a partition that it may not know of; no test can make its own."""

    metadata, offset = None, OFFSET_INVALID
    error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)

    def __init__(self, place):
        self.partition = place.partition


def test_a_commit_that_may_not_be_known_is_not_taken_for_none():
    thread, found = stream(Hidden([record(3)]))
    thread._turn()
    found.offsets.rewind()
    thread._turn()
    assert found.consumer.sought == [] and found.offsets.needing_seek() == {0, 1}


def test_a_partition_whose_commit_is_not_told_holds_up_no_other():
    """Its last owner was killed amid a transaction: asking takes a second, for many seconds."""
    thread, found = stream(FakeConsumer([record(n, "seen") for n in range(100)]))
    found.consumer.unknown = True
    found.offsets[1].needs_seek = True
    for _ in range(29):
        thread._turn()
        found.clock.now += 0.1
    assert found.consumer.asked == 1 and len(found.places()) == 100
    found.commits.joined()  # no commit is under way
    found.offsets.rewind()
    found.clock.now += 10.0
    thread._turn()
    thread._turn()  # now that none can go on, there is nothing better to do
    assert found.consumer.asked == 3


@pytest.mark.parametrize("deaths", [0, 3])
def test_what_came_while_all_was_to_go_back_comes_again(deaths):
    """The first records of a partition; after some deaths they would be held."""
    thread, found = stream(Rebalanced([record(4)]))
    learn(thread, found, 0, died(deaths))
    found.consumer.during = lambda: found.offsets.rewind()
    thread._turn()
    assert found.submitted == [] and not thread._poison.holding
    thread._turn()
    assert (0, 4) in found.consumer.sought and not found.offsets.needing_seek()


def test_a_note_of_where_a_partition_begins_is_left_before_its_first_batch():
    thread, found = stream(FakeConsumer([record(5)]))
    thread._turn()
    assert claims(found) == [(0, 5, 1)] and len(found.submitted) == 1


@pytest.mark.parametrize("refused", [True, False])
def test_a_note_is_wiped_only_where_the_group_stands_at_it(refused):
    """It is a commit of an earlier offset, which would stand if it came between."""
    thread, found = stream(FakeConsumer([record(0, "seen")]))
    thread._turn()
    learn(thread, found, 1, "")
    thread._poison.admit(found.consumer, 1, [record(5, partition=1)])
    if refused:
        found.client.refusals[found.client.sent[0].value] = KafkaError.UNKNOWN_TOPIC_OR_PART
    found.consumer.known = {0: (1, ""), 1: (5, "")}  # a commit of 0 was taken without an answer
    found.consumer.notes.clear()
    thread._finish_and_commit((), 0.0)
    assert claims(found) == [(1, 5, 0)]


def test_what_dead_letter_limits_counted_goes_to_who_comes_next():
    thread, found = stream()
    found.consumer.known = {0: (7, ""), 1: (7, f"{NOTE}before")}
    found.offsets.assign([0, 1])
    thread._turn()
    assert found.learned == [f"{NOTE}before"]
    assert claims(found) == [(1, 7, 0)], "nobody else learns it"
    found.counted = f"{NOTE}after"
    thread.stop()  # before any record came
    thread._finish_and_commit((), 0.0)
    thread._finish_and_commit((), 0.0)  # when the partitions are revoked
    assert found.consumer.notes[1:] == [(1, 7, f"{NOTE}after")]


def test_a_partition_whose_last_commit_is_told_at_once_is_never_paused():
    """With nothing else to fetch, librdkafka would take a second to go on."""
    thread, found = stream()
    found.consumer.known[2] = (5, "")
    thread._on_assign(found.consumer, places(2))
    assert (found.consumer.paused, found.offsets.needing_seek()) == (set(), set())


def test_until_its_last_commit_is_told_a_partition_is_paused():
    thread, found = stream()
    found.consumer.unknown = True
    thread._on_assign(found.consumer, places(2))
    assert (found.consumer.paused, found.offsets.needing_seek()) == ({2}, {2})
    found.consumer.unknown, found.clock.now = False, found.clock.now + 10
    thread._turn()
    assert (found.consumer.paused, found.offsets.needing_seek()) == (set(), set())


def test_a_pause_ends_where_the_partition_goes():
    """librdkafka keeps it for the next time that the partition comes."""
    thread, found = stream()
    found.consumer.unknown = True
    thread._on_assign(found.consumer, places(2))
    thread._on_lost(found.consumer, places(2))
    assert found.consumer.paused == set()


def test_a_rebalance_leaves_the_pauses_of_partitions_that_stay():
    thread, found = stream()
    thread._backpressure.pause(found.consumer, {1})
    thread._on_assign(found.consumer, places(2))
    assert found.consumer.paused == {1}


def test_suspects_are_taken_one_by_one_each_committed_before_the_next():
    thread, found = stream(FakeConsumer([record(n, "seen") for n in (5, 6)]))
    learn(thread, found, 0, died(3))
    for _ in range(5):
        thread._turn()
    (first,) = found.submitted
    assert [one.offset() for one in first.records] == [5]
    found.answer(found.submitted.pop(), Output(b"understood", SEEN))
    for _ in range(5):
        thread._turn()
    assert found.consumer.commits == [{0: 6}]
    (second,) = found.submitted
    assert [one.offset() for one in second.records] == [6]
    assert claims(found) == [(0, 5, 4), (0, 6, 4)]


def test_while_it_drains_nothing_is_fetched_and_nothing_held_is_begun():
    thread, found = stream(FakeConsumer([record(5)]))
    thread.stop_fetching()
    thread._turn()
    assert found.consumer.paused == {0, 1}


def stand_still(thread, found):
    """No broker takes what was produced, for so long that all partitions are paused."""
    found.take(record(0, "seen"))
    found.client.stuck = True
    for _ in range(5):
        found.clock.now += 1.0
        thread._turn()
    assert found.consumer.paused == {0, 1}


def test_when_nothing_can_be_produced_for_a_while_nothing_is_fetched():
    thread, found = stream()
    stand_still(thread, found)
    found.client.stuck = False
    thread._turn()
    thread._turn()
    assert found.consumer.paused == set() and found.consumer.commits == [{0: 1}]


class Timed(FakeConsumer):
    """Remembers how long it was to wait for records."""

    def __init__(self, records=()):
        super().__init__(records)
        self.waits = []

    def consume(self, count, timeout_s):
        self.waits.append(timeout_s)
        return super().consume(count, timeout_s)


def test_while_all_is_paused_and_kafka_owes_an_answer_the_thread_does_not_spin():
    """Outputs that no broker takes: there is no batch to wait for, and nothing to fetch."""
    thread, found = stream(Timed())
    stand_still(thread, found)
    assert min(found.consumer.waits) > 0
