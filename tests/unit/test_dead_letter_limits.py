"""A flood of dead letters stops the worker; a few bad records never do."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import Stop
from worker.settings import DeadLetters
from worker.stream.limits import LEAST, WINDOW_S, DeadLetterLimits

ROUND = st.tuples(
    st.integers(0, 40),  # seconds since the one before
    st.integers(1, 400),  # records
    st.floats(0, 1),  # share of them that is rejected
)


def stopped(limits, now, total, dead):
    try:
        limits.add(now, total, ["invalid_json"] * dead)
    except Stop:
        return True
    return False


def window(rounds):
    """The rounds of the last minute, or as many as hold 1,000 records, by whole seconds."""
    last, kept, total = int(rounds[-1][0]), [], 0
    seconds = Counter()
    for at, count, _ in rounds:
        seconds[int(at)] += count
    for second in sorted(seconds, reverse=True):
        if second <= last - WINDOW_S and total >= LEAST:
            break
        kept.append(second)
        total += seconds[second]
    return [item for item in rounds if int(item[0]) in kept]


@given(st.lists(ROUND, min_size=1, max_size=60), st.sampled_from([0.1, 0.5, 0.9]))
def test_it_stops_exactly_when_the_share_of_the_window_is_over(rounds, share):
    limits, seen, now = DeadLetterLimits(DeadLetters(max_share=share)), [], 0
    for pause, total, part in rounds:
        now += pause
        dead = round(total * part)
        seen.append((now, total, dead))
        kept = window(seen)
        counted = sum(item[1] for item in kept)
        over = sum(item[2] for item in kept) > share * max(counted, LEAST)
        assert stopped(limits, now, total, dead) == (over and dead > 0)


@given(st.lists(ROUND, min_size=1, max_size=60), st.integers(1, 500))
def test_it_stops_exactly_when_a_minute_has_too_many(rounds, most):
    limits = DeadLetterLimits(DeadLetters(max_share=1, max_per_minute=most))
    seen, now = [], 0
    for pause, total, part in rounds:
        now += pause
        dead = round(total * part)
        seen.append((now, dead))
        minute = sum(count for at, count in seen if at > now - WINDOW_S)
        assert stopped(limits, now, total, dead) == (minute > most and dead > 0)


def test_one_bad_record_of_three_stops_nothing():
    assert not stopped(DeadLetterLimits(DeadLetters()), 0, 3, 1)


def test_nothing_passes_the_limit_before_it_stops():
    """However the records come, at most half of 1,000 are dead-lettered by one start."""
    for batch in (1, 7, 256):
        limits, passed = DeadLetterLimits(DeadLetters()), 0
        while not stopped(limits, 0, batch, batch):
            passed += batch
        assert passed <= LEAST / 2


def test_a_share_of_one_never_stops():
    limits = DeadLetterLimits(DeadLetters(max_share=1))
    assert not any(stopped(limits, now, 1000, 1000) for now in range(200))


def test_memory_is_bounded():
    limits = DeadLetterLimits(DeadLetters())
    for now in range(100_000):
        limits.add(now, now % 3, ["empty_query"] * (now % 97 == 1))
    assert len(limits._seconds) <= 2 * LEAST


def test_it_names_the_commonest_reason_the_numbers_the_setting_and_where_to_look():
    limits = DeadLetterLimits(DeadLetters())
    with pytest.raises(Stop) as told:
        limits.add(0, 2000, ["invalid_json"] * 900 + ["empty_query"] * 301)
    assert "1,201 of the last 2,000 records" in str(told.value)
    assert "900 of them as invalid_json" in str(told.value)
    assert "dead_letters.max_share = 0.5" in str(told.value)
    assert "query-worker dead-letters list" in str(told.value)
    assert told.value.exit_code == 1
