"""How much is fetched follows what models answer; one partition never takes all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clients import FakeConsumer, record
from worker.config.load import load_settings
from worker.stream.backpressure import (
    FIRST_ROUND,
    LEAST_MISSES,
    LEAST_ROUND,
    MOST_MISSES,
    PAUSE_AFTER_S,
    PAUSE_ALL_AFTER_S,
    Backpressure,
    MissWindow,
    RoundSize,
)
from worker.stream.batch import Batch
from worker.stream.offsets import Offsets


def batching(**chosen):
    return load_settings(None, {}, [f"batching.{k}={v}" for k, v in chosen.items()]).batching


def owned(count):
    offsets = Offsets()
    offsets.assign(range(count))
    return offsets


def add(offsets, number, size=100, misses=1):
    one = Batch(number, [record(0)] * max(misses, 1), [], misses, size, 0.0)
    offsets.add(one)
    return one


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 20_000)), max_size=50))
def test_the_window_is_what_models_answered_in_the_last_second_within_bounds(answers):
    window, now = MissWindow(), 1000.0
    for pause, count in answers:
        now += pause
        window.answered(count, now)
        assert LEAST_MISSES <= window.limit <= MOST_MISSES


def test_the_window_follows_the_models():
    window = MissWindow()
    for begun, rate in enumerate((1000, 100_000, 3000, 10)):
        for tenth in range(95):
            window.answered(rate // 10, 1000.0 + 10 * begun + tenth / 10)
        assert window.limit == pytest.approx(min(max(rate, LEAST_MISSES), MOST_MISSES), rel=0.11)


def test_one_slow_second_takes_at_most_half_of_the_window():
    """Else it would make the next second slow, too."""
    window = MissWindow()
    for tenth in range(12):
        window.answered(200, 1000.0 + tenth / 10)
    for tenth in range(12, 32, 9):
        window.answered(10, 1000.0 + tenth / 10)
    assert window.limit == 1000


def test_after_a_pause_nothing_is_concluded():
    """A second without records says nothing about the models."""
    window = MissWindow()
    for tenth in range(12):
        window.answered(300, 1000.0 + tenth / 10)
    assert window.limit == 3000
    window.answered(1, 1100.0)
    assert window.limit == 3000


def test_a_round_doubles_while_all_are_hits_and_begins_anew_at_a_miss():
    size, offsets, window = RoundSize(), owned(1), MissWindow()
    limits = batching(max_records=3000, max_bytes_in_flight=2**30)
    sizes = []
    for misses in (0, 0, 0, 0, 0, 1, 0):
        count = size.next(limits, offsets, window)
        sizes.append(count)
        size.fetched(count, misses)
    assert sizes == [FIRST_ROUND, 512, 1024, 2048, 3000, 3000, FIRST_ROUND]


def test_a_round_that_was_not_full_is_not_doubled():
    size = RoundSize()
    size.fetched(FIRST_ROUND - 1, 0)
    limits = batching(max_records=8192, max_bytes_in_flight=2**30)
    assert size.next(limits, owned(1), MissWindow()) == FIRST_ROUND


def test_a_round_fits_into_the_misses_that_are_free():
    size, offsets, window = RoundSize(), owned(1), MissWindow()
    limits = batching(max_records=8192)
    size.fetched(10, 1)
    add(offsets, 0, size=0, misses=200)
    assert size.next(limits, offsets, window) == LEAST_MISSES - 200
    add(offsets, 0, size=0, misses=500)
    assert size.next(limits, offsets, window) == LEAST_ROUND, "a round has its price"


class Held:
    """A backpressure of partitions 0 to `count` - 1."""

    def __init__(self, count, **limits):
        self.offsets, self.consumer, self.window = owned(count), FakeConsumer(), MissWindow()
        self.limits = batching(**limits)
        self.made = Backpressure("queries", self.offsets, self.window)
        self.now = 1000.0

    def turn(self, seconds=0.0, held=()):
        self.now += seconds
        return self.made.make_room(self.consumer, self.limits, set(held), self.now)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_batches_in_flight": 8},
        {"max_bytes_in_flight": 2**20},
        {},  # the window of misses
    ],
)
def test_one_partition_takes_at_most_about_half(limits):
    held = Held(2, **limits)
    each = {"size": 2**17, "misses": LEAST_MISSES // 8} if len(limits) < 1 else {"size": 2**17}
    taken = 0
    while not held.turn() and taken < 100:
        add(held.offsets, 0, **each)
        taken += 1
    assert taken == 4


@pytest.mark.parametrize("standing", range(1, 12))
def test_partitions_that_stand_still_leave_room_for_another(standing):
    held = Held(standing + 1, max_batches_in_flight=16)
    while free := set(range(1, standing + 1)) - held.made._crowded(held.limits, 1.0):
        add(held.offsets, min(free))
    assert held.offsets.in_flight.batches <= 16 + standing, "one each, whatever the limit"
    for _ in range(3):  # batch after batch
        assert 0 not in held.made._crowded(held.limits, 1.0)
        held.offsets.remove(add(held.offsets, 0))
        held.offsets[0].pending.clear()


def test_a_partition_without_room_is_waited_for_and_then_paused():
    """A pause throws away what was prefetched."""
    held = Held(2, max_batches_in_flight=2)
    add(held.offsets, 0)
    assert held.turn() == pytest.approx(PAUSE_AFTER_S)
    assert held.turn(PAUSE_AFTER_S / 2) == pytest.approx(PAUSE_AFTER_S / 2)
    assert held.consumer.paused == set()
    assert held.turn(PAUSE_AFTER_S) == 0.0
    assert held.consumer.paused == held.made.paused == {0}


def test_where_nothing_else_can_be_fetched_a_pause_comes_later():
    """After a pause of all, librdkafka takes up to a second to go on."""
    held = Held(2, max_batches_in_flight=2)
    add(held.offsets, 0)
    add(held.offsets, 1)
    assert held.turn() == pytest.approx(PAUSE_ALL_AFTER_S)
    assert held.turn(2 * PAUSE_AFTER_S) > 0.0
    assert held.consumer.paused == set()
    held.turn(PAUSE_ALL_AFTER_S)
    assert held.consumer.paused == {0, 1}


def test_a_partition_that_had_room_meanwhile_is_waited_for_anew():
    held = Held(2, max_batches_in_flight=2)
    one = add(held.offsets, 0)
    held.turn()
    held.offsets[0].pending.clear()
    held.offsets.remove(one)
    assert held.turn(PAUSE_AFTER_S / 2) == 0.0
    add(held.offsets, 0)
    assert held.turn(PAUSE_AFTER_S) == pytest.approx(PAUSE_AFTER_S)


def test_a_paused_partition_goes_on_well_below_its_share():
    """Else each pause would cost what was prefetched for the sake of one batch."""
    held = Held(2, max_batches_in_flight=16)
    batches = [add(held.offsets, 0) for _ in range(8)]
    held.turn()
    held.turn(PAUSE_AFTER_S)
    assert held.consumer.paused == {0}
    left = []
    while held.consumer.paused:
        held.offsets.remove(batches.pop())
        held.offsets[0].pending.popleft()
        held.turn()
        left.append(len(batches))
    assert left[-1] == 5, "as much as half of what is then free: 11 / 2"


def test_what_is_held_stays_paused_whatever_is_in_flight():
    held = Held(2)
    assert held.turn(held={1}) == 0.0
    assert held.consumer.paused == {1}
    held.turn(held={1})
    assert held.consumer.paused == {1}
    held.turn()
    assert held.consumer.paused == set()


def test_nothing_is_fetched_while_batches_of_partitions_that_went_reach_the_bound():
    held = Held(2, max_batches_in_flight=4)
    for _ in range(2):
        assert not held.turn()
        for number in (0, 1):
            add(held.offsets, number)
        held.offsets.revoke([0, 1])
        held.offsets.assign([0, 1])
    assert held.offsets.in_flight.batches == 4 and not held.offsets.pending(held.offsets.owned())
    held.turn()
    held.turn(PAUSE_ALL_AFTER_S)
    assert held.made.paused == {0, 1}
