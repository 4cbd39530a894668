"""Deaths are told from losses by the claims beside the group's commits."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from worker.stream.offsets import Offsets
from worker.stream.poison_pills import DEATHS, MOST_BYTES, NOTE, PoisonPills

REACH = 20


class Group:
    """What the brokers remember: offset and metadata by partition."""

    def __init__(self, partitions=3):
        self.offsets = dict.fromkeys(range(partitions), 0)
        self.metadata = dict.fromkeys(range(partitions), "")
        self.hidden = False  # by an open transaction

    def notes(self):
        if self.hidden:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return list(self.metadata.values())


class Process:
    """A worker's side of it; it is also the consumer that takes commits."""

    def __init__(self, group):
        self.group, self.offsets = group, Offsets()
        self.pills = PoisonPills("queries", self.offsets, REACH, group.notes)

    def commit(self, offsets, asynchronous):
        for place in offsets:
            self.group.offsets[place.partition] = place.offset
            self.group.metadata[place.partition] = place.metadata

    def own(self, *numbers):
        self.offsets.assign(numbers)
        for number in numbers:
            self.offsets[number].needs_seek = False
            offset, metadata = self.group.offsets[number], self.group.metadata[number]
            place = TopicPartition("queries", number, offset, metadata=metadata)
            self.pills.assigned(self, place)
        return self

    def lose(self, *numbers):
        self.pills.forget(numbers)
        self.offsets.revoke(numbers)

    def admit(self, number=0, count=5):
        """Whether the records from the committed offset on may go on together."""
        first = self.group.offsets[number]
        records = [
            Message(topic="queries", partition=number, offset=offset, value=b"")
            for offset in range(first, first + count)
        ]
        return self.pills.admit(self, number, records)

    def next(self):
        """Offset of the record whose turn it is, and whether it is set aside."""
        found = [(record.offset(), deadly) for record, deadly in self.pills.next(self)]
        for offset, _ in found:
            self.offsets[0].produced = offset + 1
        return found

    def progress(self, offset, number=0):
        partition = self.offsets[number]
        partition.produced = offset
        metadata = self.pills.alive()
        self.commit([TopicPartition("queries", number, offset, metadata=metadata)], False)
        self.offsets.committed(number, offset)


@pytest.fixture
def group():
    return Group()


def die(group, times=DEATHS, number=0):
    """Owners begin there and are never heard of again."""
    for _ in range(times):
        Process(group).own(number).admit(number)


def die_alone(group):
    """The same, and then one that worked on the first record alone."""
    die(group)
    worker = Process(group).own(0)
    worker.admit()
    assert worker.next() == [(0, False)]
    return worker


def test_after_some_deaths_the_records_are_taken_one_by_one_and_the_deadly_one_is_set_aside(group):
    die(group)
    worker = Process(group).own(0)
    assert not worker.admit()
    assert worker.next() == [(0, False)]
    assert worker.next() == [], "the first is not committed yet"
    worker.progress(1)
    assert worker.next() == [(1, False)]
    # It dies of that one.
    successor = Process(group).own(0)
    assert not successor.admit()
    assert successor.next() == [(1, True)]


def test_once_the_deadly_record_is_out_of_the_way_the_others_go_on_together(group):
    die_alone(group)
    worker = Process(group).own(0)
    worker.admit()
    assert worker.next() == [(0, True)]
    assert worker.pills.released() == [], "its dead letter is not committed"
    worker.progress(1)
    assert worker.next() == []
    released = worker.pills.released()
    assert [record.offset() for record in released] == [1, 2, 3, 4]
    assert not worker.pills.holding
    assert worker.pills.admit(worker, 0, released)


def test_a_deadly_record_is_still_set_aside_after_its_dead_letter_failed(group):
    die_alone(group)
    worker = Process(group).own(0)
    worker.admit()
    assert worker.next() == [(0, True)]
    worker.offsets.rewind()
    worker.offsets[0].needs_seek = False
    worker.pills.drop(0)  # all goes back to the last commit
    worker.admit()
    assert worker.next() == [(0, True)]


@pytest.mark.parametrize("careful", [False, True])
def test_an_owner_that_comes_back_did_not_die(group, careful):
    if careful:
        die(group)
    worker = Process(group)
    for _ in range(10):
        worker.own(0).admit()
        assert not any(deadly for _, deadly in worker.next())
        worker.lose(0)
    assert worker.own(0).admit() is not careful


def test_owners_that_commit_elsewhere_did_not_die():
    group = Group(2 * DEATHS + 1)
    for number in range(1, 2 * DEATHS):
        worker = Process(group).own(0, number)
        assert worker.admit(), f"owner {number} works on a record alone"
        worker.lose(0)
        worker.progress(1, number)


def test_an_owner_that_gets_a_partition_without_records_tells_that_it_lives(group):
    workers = [Process(group) for _ in range(DEATHS)]
    for worker in workers:
        worker.own(0).admit()
        worker.lose(0)
    assert len(group.metadata[0].split('["')) - 1 == DEATHS
    workers[0].own(2)
    assert Process(group).own(0).admit()


def test_an_owner_that_has_other_partitions_is_dead_all_the_same(group):
    """Its commits before and after the claim must not retract it."""
    for _ in range(DEATHS):
        worker = Process(group).own(0, 1)
        worker.progress(group.offsets[1] + 1, 1)
        worker.admit()
        worker.offsets.rewind()
        worker.progress(group.offsets[1] + 1, 1)
    assert not Process(group).own(0).admit()


def test_an_owner_that_leaves_in_good_order_takes_out_its_own_claim_alone(group):
    die(group, DEATHS - 1)
    for _ in range(5):
        worker = Process(group).own(0)
        assert worker.admit()
        worker.pills.wipe(worker, [0])
        worker.lose(0)
    die(group, 1)
    assert not Process(group).own(0).admit()


def test_progress_takes_out_all_claims(group):
    die(group, DEATHS - 1)
    worker = Process(group).own(0)
    worker.admit()
    worker.progress(3)
    die(group, DEATHS - 1)
    assert Process(group).own(0).admit()


def test_nothing_is_set_aside_while_it_is_not_known_who_lives(group):
    alone = die_alone(group)
    alone.lose(0)
    alone.own(2)  # it lives, and tells it
    worker = Process(group).own(0)
    group.hidden = True
    assert not worker.admit()
    assert worker.next() == []
    group.hidden = False
    assert worker.next() == [(0, False)]


@pytest.mark.parametrize(
    "note", ["x", NOTE, f"{NOTE}{{", f'{NOTE}{{"claims":[[1,2,3]]}}', "query-worker starts=9"]
)
def test_what_is_no_note_counts_nothing(group, note):
    group.metadata = dict.fromkeys(group.metadata, note)
    assert Process(group).own(0).admit()


def test_a_note_is_never_longer_than_brokers_take():
    group = Group(2000)
    die(group, 20)
    worker = Process(group).own(*range(2000))
    for number in range(1, 2000):
        assert worker.admit(number)
    assert max(map(len, group.metadata.values())) <= MOST_BYTES
