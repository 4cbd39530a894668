"""Dead letters: which are selected, how replays are marked, and how they are shown."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.commands.dead_letters.letter import Filters, Letter, Position, ReplayRules, moment
from worker.commands.dead_letters.replay_markers import ReplayMarkers, marker
from worker.commands.dead_letters.view import REMEDIES, when
from worker.redact import redacted

README = (Path(__file__).parents[2] / "README.md").read_text()


def letter(offset=0, time_ms=0, source=("queries", 0, 0), **changed):
    fields = {"stage": "decode", "reason": "invalid_json", "message": "", "attempts": 1}
    fields |= {"size": 1, "digest": "", "readable": True} | changed
    position = Position("queries.dead-letters", 0, offset)
    return Letter(time_ms, position, Position(*source) if source else None, **fields)


@given(st.sets(st.integers(0, 30_000), min_size=1), st.integers(0, 30_000))
def test_a_marker_names_exactly_its_letters(offsets, other):
    markers = ReplayMarkers()
    for first, last in msgspec.json.decode(marker(list(offsets))["value"]):
        markers.add(3, first, last)
    assert all(Position("", 3, offset) in markers for offset in offsets)
    assert (Position("", 3, other) in markers) == (other in offsets)
    assert Position("", 4, min(offsets)) not in markers


def test_a_marker_of_letters_in_a_row_is_short():
    assert marker(list(range(500)))["value"] == b"[[0,499]]"


@pytest.mark.parametrize(
    ("filters", "chosen"),
    [
        (Filters(), True),
        (Filters(reasons=frozenset({"invalid_json", "empty_query"})), True),
        (Filters(reasons=frozenset({"empty_query"})), False),
        (Filters(stages=frozenset({"produce"})), False),
        (Filters(partitions=frozenset({0})), True),
        (Filters(partitions=frozenset({1})), False),
        (Filters(since_ms=100, until_ms=101), True),
        (Filters(since_ms=101), False),
        (Filters(until_ms=100), False),
    ],
)
def test_filters(filters, chosen):
    assert (letter(time_ms=100) in filters) == chosen
    assert letter(source=None) not in Filters(partitions=frozenset({0}))


@pytest.mark.parametrize(
    ("item", "rules", "why"),
    [
        (letter(1), ReplayRules("queries", 5), None),
        (letter(7), ReplayRules("queries", 5), "replayed before"),
        (letter(7), ReplayRules("queries", 5, again=True), None),
        (letter(attempts=5), ReplayRules("queries", 5), "rejected 5 times or more"),
        (letter(source=None), ReplayRules("queries", 5), "--foreign"),
        (letter(source=("others", 0, 0)), ReplayRules("queries", 5), "--foreign"),
        (letter(source=None), ReplayRules("queries", 5, foreign=True), None),
        (letter(readable=False), ReplayRules("queries", 5, foreign=True), "headers cannot be read"),
    ],
)
def test_what_a_replay_leaves_out(item, rules, why):
    markers = ReplayMarkers()
    markers.add(0, 7, 7)
    left_out = rules.left_out(item, markers)
    assert (left_out is None) if why is None else (why in left_out)


def test_times_and_durations():
    assert moment("2h", now=10_000) == 2_800_000
    assert moment("7d", now=10_000) == 0
    assert moment("1970-01-01T01:00:00+01:00") == 0
    assert moment("2026-01-31T10:00:00Z") == 1_769_853_600_000
    for wrong in ("", "2", "h", "-2h", "2 h", "yesterday", "2026-01-31T10:00:00", "2026-01-31"):
        with pytest.raises(ValueError):
            moment(wrong)


@given(st.text())
def test_whatever_is_shown_is_one_line_without_control_characters(text):
    shown = redacted(text)
    assert shown.isprintable()
    assert text != shown or text.isprintable()


@given(st.integers(0, 2**63 - 1))
def test_any_time_can_be_shown(time_ms):
    assert when(time_ms)


def test_every_reason_has_a_remedy():
    listed = re.search(r"Types: (.*?)\. ", README, re.S)[1]
    assert set(re.findall(r"`(\w+)`", listed)) - {"dead_letter"} <= set(REMEDIES)
