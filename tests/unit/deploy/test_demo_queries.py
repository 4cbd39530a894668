"""The demo's built-in stream: enough different queries, good ones first, some that are refused."""

from __future__ import annotations

import orjson

from worker.commands.demo.traffic import BUILT_IN, read_values
from worker.config.settings import Settings
from worker.errors import Reject
from worker.event import Input, decode

VALUES = read_values(BUILT_IN)
FIRST_SCREEN = 60


def refused(value: bytes) -> bool:
    try:
        event = decode(Input(value, "id", 0), Settings().understanding.max_query_chars)
    except Reject:
        return True
    return not event.query.strip()


def test_there_are_many_different_lines():
    lines = BUILT_IN.read_text(encoding="utf-8").splitlines()
    assert all(line.strip() for line in lines)
    assert len(set(lines)) == len(lines) >= 340


def test_some_are_whole_events_with_fields_of_their_own():
    events = [orjson.loads(value) for value in VALUES if not refused(value)]
    assert sum(len(event) > 1 for event in events) >= 10


def test_some_are_refused_but_none_of_the_first():
    rows = [row for row, value in enumerate(VALUES) if refused(value)]
    assert len(rows) >= 8
    assert rows[0] >= FIRST_SCREEN


def test_several_languages_and_emoji_are_in_it():
    text = BUILT_IN.read_text(encoding="utf-8")
    for sample in ("zapatillas", "chaussures", "mit", "红色", "🎁"):
        assert sample in text
