"""The same seed gives the same faults at the same times; no kind comes again before all came."""

from __future__ import annotations

from collections import Counter

from tests.faults.kinds import KINDS
from tests.faults.timetable import timetable

KIND_NAMES = list(KINDS)


def test_the_seed_decides():
    assert timetable(3, 30, KIND_NAMES, 3) == timetable(3, 30, KIND_NAMES, 3)
    assert timetable(3, 30, KIND_NAMES, 3) != timetable(4, 30, KIND_NAMES, 3)


def test_a_longer_run_begins_as_a_shorter_one():
    short, long = (timetable(3, minutes, KIND_NAMES, 3) for minutes in (5, 30))
    assert long[: len(short)] == short


def test_kinds_come_in_turn_and_within_the_time():
    plans = timetable(5, 60, KIND_NAMES, 3)
    times = Counter(plan.kind for plan in plans).values()
    assert len(times) == len(KINDS) and max(times) - min(times) <= 1
    assert all(0 < plan.at_s < 3600 for plan in plans)
    for plan in plans:
        kind = KINDS[plan.kind]
        assert (
            kind.shortest_s <= plan.duration_s + 0.05 and plan.duration_s <= kind.longest_s + 0.05
        )
        assert plan.target in range(3) and 0 <= plan.size <= 1
