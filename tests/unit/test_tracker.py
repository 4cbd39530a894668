"""Only the contiguous resolved prefix may ever be committed, and never for a revoked partition."""

import random
import threading

import pytest

from worker.stream.offsets import InFlight, Tracker


@pytest.mark.parametrize("seed", range(200))
def test_random_orders_never_pass_an_unresolved_batch(seed):
    draw = random.Random(seed)
    tracker, offset, tickets = Tracker(), 0, []
    tracker.assign([0])
    for _ in range(draw.randint(1, 30)):
        offset += draw.randint(1, 50)  # offsets may have gaps: compaction, transactions
        tickets.append(tracker.track(0, offset - 1, offset, 1, 10))
    resolved = set()
    for index in draw.sample(range(len(tickets)), len(tickets)):
        tracker.resolve(tickets[index])
        resolved.add(index)
        prefix = next((i for i in range(len(tickets)) if i not in resolved), len(tickets))
        expected = {0: tickets[prefix - 1].next_offset} if prefix else {}
        assert tracker.committable() == expected
    assert tracker.in_flight == InFlight()


def test_what_is_in_flight_stays_bounded_however_often_all_goes_back():
    tracker, tickets, limits = Tracker(), [], (4, 10_000)
    for _ in range(20):
        tracker.rewind()
        tracker.assign([0, 1])
        while free := {0, 1} - tracker.crowded(*limits):
            tickets += [tracker.track(number, 0, 1, 1, 10) for number in free]
    assert tracker.in_flight.batches <= 4 + 2
    for ticket in tickets:
        tracker.abandon(ticket)
    assert not tracker.crowded(*limits)


def test_what_was_committed_is_not_committed_again():
    tracker = Tracker()
    tracker.assign([3])
    tracker.resolve(tracker.track(3, 0, 10, 10, 0))
    assert tracker.committable() == {3: 10}
    tracker.committed(3, 10)
    assert tracker.committable() == {}


def test_offsets_that_go_back_are_committable_again():
    """The topic was made anew under the same name: its offsets begin at 0 once more."""
    tracker = Tracker()
    tracker.assign([3])
    tracker.resolve(tracker.track(3, 0, 10, 10, 0))
    tracker.committed(3, 10)
    tracker.resolve(tracker.track(3, 0, 4, 4, 0))
    assert tracker.committable() == {3: 4}
    tracker.committed(3, 4)
    assert tracker.committable() == {}


def test_a_late_completion_moves_nothing_after_revocation():
    tracker = Tracker()
    tracker.assign([0, 1])
    late = tracker.track(0, 0, 5, 5, 50)
    tracker.revoke([0])
    assert late.stale
    tracker.resolve(late)
    assert tracker.committable() == {}
    tracker.assign([0])  # given back: the old ticket must not count for the new time
    fresh = tracker.track(0, 0, 3, 3, 30)
    assert tracker.committable() == {}
    tracker.resolve(fresh)
    assert tracker.committable() == {0: 3}
    assert tracker.in_flight == InFlight()


def test_records_of_a_partition_that_went_while_they_were_fetched_are_stale():
    tracker = Tracker()
    tracker.assign([0])
    tracker.revoke([0])
    assert tracker.track(0, 0, 5, 5, 50).stale


def test_partitions_are_independent():
    tracker = Tracker()
    tracker.assign([0, 1])
    tracker.track(0, 0, 5, 5, 0)
    tracker.resolve(tracker.track(1, 0, 7, 7, 0))
    assert tracker.committable() == {1: 7}


def test_room_comes_back_when_a_batch_is_resolved():
    tracker = Tracker()
    tracker.assign([0])
    ticket = tracker.track(0, 0, 5, 5, 1000)
    assert not tracker.wait_for_room({0}, batches=2, size=10_000, timeout_s=0)
    assert not tracker.wait_for_room({0}, batches=10, size=2000, timeout_s=0)
    assert tracker.wait_for_room({0}, batches=3, size=2001, timeout_s=0)
    threading.Timer(0.01, tracker.resolve, [ticket]).start()
    assert tracker.wait_for_room({0}, batches=2, size=10_000, timeout_s=10)


@pytest.mark.parametrize("standing", range(1, 12))
def test_partitions_that_stand_still_leave_room_for_another(standing):
    tracker, limits = Tracker(), (16, 16_000)
    tracker.assign(range(standing + 1))
    still = range(1, standing + 1)
    while free := set(still) - tracker.crowded(*limits):
        tracker.track(min(free), 0, 1, 1, 100)
    assert tracker.in_flight.batches <= 16 + standing, "one each, whatever the limit"
    for _ in range(3):  # batch after batch
        assert 0 not in tracker.crowded(*limits)
        tracker.resolve(tracker.track(0, 0, 1, 1, 100))


def test_a_rewind_undoes_what_is_not_committed():
    tracker = Tracker()
    tracker.assign([0, 1])
    tracker.resolve(tracker.track(0, 3, 5, 2, 0))
    under_way = tracker.track(0, 5, 9, 4, 0)
    tracker.rewind()
    assert tracker.committable() == {}
    assert tracker.astray() == {0: 3, 1: None}
    between = tracker.track(0, 9, 12, 3, 0)  # fetched before the consumer went back
    assert under_way.stale and between.stale
    tracker.assign([0, 1])
    for late in (under_way, between):
        tracker.resolve(late)
    assert tracker.committable() == {} and tracker.astray() == {}
    assert tracker.in_flight == InFlight()
    tracker.resolve(tracker.track(0, 3, 5, 2, 0))
    assert tracker.committable() == {0: 5}


def test_an_abandoned_batch_is_never_passed():
    tracker = Tracker()
    tracker.assign([0])
    first, second = tracker.track(0, 0, 5, 5, 0), tracker.track(0, 5, 9, 4, 0)
    tracker.abandon(first)
    tracker.resolve(second)
    assert tracker.committable() == {}
    assert tracker.in_flight == InFlight()


def test_outputs_of_a_partition_that_went_before_its_commit_are_orphans():
    tracker = Tracker()
    tracker.assign([0, 1])
    tracker.resolve(tracker.track(0, 0, 5, 5, 0))
    tracker.resolve(tracker.track(1, 0, 7, 7, 0))
    assert tracker.settled() == {0: 5, 1: 7}
    tracker.committed(1, 7)
    tracker.revoke([1])
    assert tracker.settled() == {0: 5}, "all of it was committed"
    tracker.revoke([0])
    assert tracker.settled() is None
    tracker.rewind()
    assert tracker.settled() == {}


def test_outputs_that_are_confirmed_after_their_partition_went_are_orphans():
    tracker = Tracker()
    tracker.assign([0])
    ticket = tracker.track(0, 0, 5, 5, 0)
    tracker.revoke([0])
    assert tracker.settled() == {}, "nothing of it is confirmed"
    tracker.resolve(ticket)
    assert tracker.settled() is None


def test_waiting_for_a_revoked_partition_ends_when_its_batches_do():
    tracker = Tracker()
    tracker.assign([0, 1])
    ticket = tracker.track(0, 0, 5, 5, 0)
    tracker.track(1, 0, 5, 5, 0)
    assert not tracker.wait_resolved([0], timeout_s=0)
    threading.Timer(0.01, tracker.resolve, [ticket]).start()
    assert tracker.wait_resolved([0], timeout_s=10)


def test_what_was_fetched_before_a_rewind_and_tracked_after_it_is_gone_back_to():
    tracker = Tracker()
    tracker.assign([0])
    tracker.rewind()
    assert tracker.track(0, 7, 9, 2, 0).stale
    assert tracker.astray() == {0: 7}, "else the partition would go on after it"
