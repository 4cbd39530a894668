"""Whatever comes in, what is accepted and published is what the schemas admit."""

import json
from datetime import date, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stream import schema
from tests.understanding import enrichment_body
from triton_models.query_text import normal_form
from worker.errors import Reject
from worker.event import OUTPUT_NAMES, TIME, Enrichment, Input, decode

BODY = Enrichment(b'"schema_version":"1.1","provenance":{"cached":', intent="browse")


def read(value, max_chars=100):
    return decode(Input(value, "queries-0-7", 1700000000000), max_chars, 2**20)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["query", "query_id", "timestamp", "locale", *OUTPUT_NAMES]) | st.text()


FULL = Enrichment(enrichment_body("red"), intent=None)
INPUT, OUTPUT = schema("input"), schema("output")

zones = st.none() | st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
times = st.datetimes(timezones=zones).map(datetime.isoformat)
shaped = st.from_regex(r"[0-9]{4}-?(W?[0-9]{2}-?[0-9]{0,2})([T ][0-9]{2}:?[0-9]{2}Z?)?")
ids = st.integers() | st.floats(-1e20, 1e20).map(lambda x: x // 1) | st.text() | st.none()
moments = times | shaped | st.dates().map(lambda day: f"{day:%Y%m%d}") | st.dates().map(str)
optional = {"timestamp": moments | values, "query_id": ids | values, "user_id": ids | values}
optional |= {name: st.text() | values for name in ("locale", "channel", "status", "other")}
KNOWN = ("query", "query_id", "timestamp", "user_id", "session_id", "locale", "channel")


@pytest.mark.parametrize(
    "text",
    [
        *("1769853600", "1769853600000", "100000000", "999999999999999999"),
        *("2026-01-31t10:00:00z", "2026-01-31T10:00:00+0200", "2026-01-31 10:00-0330"),
        *("2026-01-31T10:00:00.5Z", "2026-01-31t10:00:00+02:00", "2026-01-31"),
    ],
)
def test_a_timestamp_passes_as_it_came(text):
    value = b'{"query":"red","query_id":"q1","timestamp":"%b"}' % text.encode()
    output = FULL.splice(read(value), cached=False, now_ms=5)
    assert output.startswith(value[:-1] + b",")
    INPUT.validate(orjson.loads(value))
    OUTPUT.validate(orjson.loads(output))


@settings(max_examples=600, deadline=None)
@given(st.text(max_size=3), st.fixed_dictionaries({}, optional=optional))
def test_the_schemas_admit_what_is_accepted_and_what_is_published(query, others):
    try:
        value = orjson.dumps(others | {"query": query})
        event = read(value)
    except (Reject, orjson.JSONEncodeError):
        return
    if normal_form(event.query):
        INPUT.validate(orjson.loads(value))
        OUTPUT.validate(orjson.loads(FULL.splice(event, cached=False, now_ms=5)))


ONES = ["1", "-1", "1.0", "1e3", "1.5", '"x"', '""', "null", "true", "[]", "{}", "9" * 30]
ONES += ['"2024-01-01T00:00:00Z"', '"2024-01-01 00:00"', '"2024-02-29"', '"2023-02-29"']
ONES += ['"1769853600"', '"1769853600000"', '"12345678"', '"2024-01-01t10:00z"', "-1", "1e11"]
ONES += ['"2024-01-01T10:00+0200"', '"2024-01-01T10:00+02:0"', '"2024-01-01T10:00+02"']
ONES += ['"20240101"', '"2024-W01"', '"2024-W01-1"', '"20240101T000000"', '"yesterday!!"']
ONES += ['"  "', '"\\u200b"', '"\\u0000\\u00ad"', '"\\u200ba"']


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("value", ONES)
def test_the_input_schema_admits_just_what_is_accepted(name, value):
    text = f'{{"query": "a", "{name}": {value}}}'
    try:
        accepted = bool(normal_form(read(text.encode()).query))
    except Reject:
        accepted = False
    assert accepted == INPUT.is_valid(json.loads(text))


def test_the_schemas_hold_the_decoders_own_idea_of_a_time():
    for form in (INPUT.schema, OUTPUT.schema):
        kinds = form["properties"]["timestamp"]["oneOf"]
        assert [kind["pattern"] for kind in kinds if "pattern" in kind] == [TIME.pattern]


@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
def test_a_day_counts_when_there_is_one(year, month, day):
    try:
        there_is = bool(date(year, month, day))
    except ValueError:
        there_is = False
    assert bool(TIME.fullmatch(f"{year:04}-{month:02}-{day:02}")) == there_is


@given(times)
def test_every_time_that_python_writes_counts(text):
    assert TIME.fullmatch(text) or datetime.fromisoformat(text).utcoffset().microseconds


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(names, values, max_size=6), st.booleans())
def test_any_object_is_refused_or_round_trips(fields, ascii_only):
    """Whatever the input, the output is valid JSON that still holds every unknown field."""
    try:
        value = json.dumps(fields, ensure_ascii=ascii_only).encode()
        event = read(value)
    except (Reject, UnicodeEncodeError):
        return
    output = json.loads(BODY.splice(event, cached=False, now_ms=5))
    for name, field in fields.items():
        if name not in OUTPUT_NAMES and not (name in ("query_id", "timestamp") and field is None):
            assert output[name] == field


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0deftruquery 1-.é', max_size=60))
def test_any_bytes_are_refused_or_give_json(value):
    value = value.encode() if isinstance(value, str) else value
    for candidate in (value, b'{"query":"a","x":' + value + b"}"):
        try:
            event = read(candidate)
        except Reject:
            continue
        assert json.loads(BODY.splice(event, cached=False, now_ms=5))["processed_at"] == 5
