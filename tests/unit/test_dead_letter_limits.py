"""A flood of dead letters stops the worker; a few bad records never do."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.config.settings import DeadLetters
from worker.errors import Stop
from worker.stream.rejection_limits import COARSE_S, KEPT_S, LEAST, NOTE, WINDOW_S, DeadLetterLimits

UNIX = 1_790_000_000
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
        over = sum(item[2] for item in kept) > share * max(counted, LEAST) and dead > 0
        assert stopped(limits, now, total, dead) == over
        if over:
            seen.pop()  # they stay in the input topic


@given(st.lists(ROUND, min_size=1, max_size=60), st.integers(1, 500))
def test_it_stops_exactly_when_a_minute_has_too_many(rounds, most):
    limits = DeadLetterLimits(DeadLetters(max_share=1, max_per_minute=most))
    seen, now = [], 0
    for pause, total, part in rounds:
        now += pause
        dead = round(total * part)
        seen.append((now, dead))
        over = sum(count for at, count in seen if at > now - WINDOW_S) > most and dead > 0
        assert stopped(limits, now, total, dead) == over
        if over:
            seen.pop()


def test_one_bad_record_of_three_stops_nothing():
    assert not stopped(DeadLetterLimits(DeadLetters()), 0, 3, 1)


@pytest.mark.parametrize("pause", [1, 50, 300])
@pytest.mark.parametrize("batch", [1, 7, 256])
def test_a_flood_passes_the_limit_once_in_ten_minutes_however_often_it_is_started(batch, pause):
    """Each start has a clock of its own, and leaves a note, whatever it did."""
    note, passed = "", Counter()
    for started in range(0, 3 * KEPT_S, pause):
        limits = DeadLetterLimits(DeadLetters())
        limits.learn(note, 7, UNIX + started)
        while not stopped(limits, 7, batch, batch):
            passed[started] += batch
        note = limits.note(7, UNIX + started)
        of_late = sum(count for at, count in passed.items() if at > started - KEPT_S + COARSE_S)
        assert of_late <= LEAST / 2
    assert max(passed) > KEPT_S  # then it may go on


@given(st.lists(ROUND, min_size=1, max_size=60), st.data())
def test_a_restart_changes_nothing(rounds, data):
    """As long as something was rejected, all of it in ten minutes; older seconds go by tens."""
    limit = DeadLetters(max_share=0.5, max_per_minute=200)
    steady, now = DeadLetterLimits(limit), 5.25
    moved, shift = DeadLetterLimits(limit), 0
    for pause, total, part in rounds[:14]:
        now += pause // 10 * 10
        note = moved.note(now - shift, UNIX + now)
        if note and data.draw(st.booleans()):
            moved, shift = DeadLetterLimits(limit), data.draw(st.integers(-1000, 0))
            moved.learn(note, now - shift, UNIX + now)
        dead = round(total * part)
        assert stopped(moved, now - shift, total, dead) == stopped(steady, now, total, dead)


def test_a_note_is_short_and_of_nothing_it_is_none():
    limits = DeadLetterLimits(DeadLetters(max_share=1))
    limits.add(0, 1000, [])
    assert limits.note(0, UNIX) == ""
    for now in range(2000):
        limits.add(now, 999_999, ["invalid_json"] * (now % 9))
        limits._total = 0  # as if they were few, so that all of it is kept
    assert 1000 < len(limits.note(2000, UNIX)) < 4096


@pytest.mark.parametrize(
    "note",
    [
        *("", NOTE, f"{NOTE}7", f"{NOTE}[]", "query-worker starts=3", f"{NOTE}\ud800"),
        NOTE + '{"limits": [0.5, null], "reason": "a\\nb", "seconds": []}',
        NOTE + '{"limits": [0.5, null], "reason": "a", "seconds": [[1, 2, -3]]}',
        NOTE + '{"limits": [0.5, null], "reason": "a", "seconds": [[1e99, 2, 3]]}',
    ],
)
def test_what_is_no_note_is_not_learned(note):
    assert DeadLetterLimits(DeadLetters()).learn(note, 0, UNIX) == (0, 0)


def test_a_clock_that_runs_ahead_counts_as_now():
    limits = DeadLetterLimits(DeadLetters(max_share=1, max_per_minute=5))
    limits.add(0, 9, ["empty_query"] * 5)
    note = limits.note(0, UNIX + 3600)
    late = DeadLetterLimits(DeadLetters(max_share=1, max_per_minute=5))
    assert late.learn(note, 0, UNIX) == (5, 9)
    assert stopped(late, 0, 1, 1)
    assert not stopped(late, WINDOW_S, 1, 1)


def test_other_limits_hold_at_once_and_count_from_nothing():
    usual, none = DeadLetters(), DeadLetters(max_share=1)
    limits = DeadLetterLimits(usual)
    limits.add(0, 500, ["invalid_json"] * 500)
    limits.use(DeadLetters())  # the same
    assert stopped(limits, 0, 1, 1)
    limits.use(none)  # the flood is wanted
    limits.add(0, 9000, ["invalid_json"] * 9000)
    note, after = limits.note(0, UNIX), DeadLetterLimits(usual)
    limits.use(usual)
    assert after.learn(note, 0, UNIX) == (0, 0)
    for one in limits, after:
        assert not stopped(one, 0, 500, 500)
        assert stopped(one, 0, 1, 1)


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
    with pytest.raises(Stop) as stopped:
        limits.add(0, 2000, ["invalid_json"] * 900 + ["empty_query"] * 301)
    assert "1,201 of the last 2,000 records" in str(stopped.value)
    assert "900 of them as invalid_json" in str(stopped.value)
    assert "dead_letters.max_share = 0.5" in str(stopped.value)
    assert "query-worker dead-letters list" in str(stopped.value)
    assert stopped.value.exit_code == 1
