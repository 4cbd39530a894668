"""Every input is decoded or refused with its reason; unknown fields pass through."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import Reject
from worker.events import OUTPUT_NAMES, Enrichment, Input, decode, from_line

BODY = Enrichment(b'"schema_version":"1.0","provenance":{"cached":', intent="browse")


def read(value, max_chars=100):
    return decode(Input(value, "queries-0-7", 1700000000000), max_chars)


def splice(value):
    return BODY.splice(read(value), cached=True, now_ms=5)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null_value"),
        (b"", "invalid_json"),
        (b"red shoes", "invalid_json"),
        (b'{"query": "half', "invalid_json"),
        (b'{"query": "a", "price": NaN}', "invalid_json"),
        (b'{"query": "a", "price": Infinity}', "invalid_json"),
        (b'{"query": "\\ud800"}', "invalid_json"),
        (b'{"query": "a", "other": "\\uDC00"}', "invalid_json"),
        (b'{"query": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid_json"),
        (b'{"query": "a"} {"query": "b"}', "invalid_json"),
        (b'\xef\xbb\xbf{"query": "a"}', "invalid_json"),
        (b'{"query": "\xff"}', "invalid_utf8"),
        (b'{"query": "a", "x": "\xc3"}', "invalid_utf8"),
        (b'["query"]', "not_an_object"),
        (b'"query"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "missing_query"),
        (b'{"Query": "a"}', "missing_query"),
        (b'{"query": 5}', "query_not_text"),
        (b'{"query": null}', "query_not_text"),
        (b'{"query": ["a"]}', "query_not_text"),
        (b'{"query": "' + b"a" * 101 + b'"}', "query_too_long"),
        (b'{"query": "a", "locale": 7}', "invalid_field"),
        (b'{"query": "a", "query_id": {}}', "invalid_field"),
        (b'{"query": "a", "query_id": true}', "invalid_field"),
        (b'{"query": "a", "timestamp": "yesterday"}', "invalid_field"),
        (b'{"query": "a", "timestamp": [5]}', "invalid_field"),
        (b'{"query": "a", "timestamp": 1e400}', "invalid_field"),
    ],
)
def test_refused_with_its_reason(value, reason):
    with pytest.raises(Reject) as caught:
        read(value)
    assert (caught.value.stage, caught.value.reason) == ("decode", reason)


def test_what_is_missing_is_added():
    event = json.loads(splice(b'{"query": "red"}'))
    assert event["query_id"] == "queries-0-7"
    assert event["timestamp"] == 1700000000000
    assert event["provenance"] == {"cached": True}
    assert event["processed_at"] == 5


def test_own_id_and_time_are_kept():
    value = b'{"query":"red","query_id":"q1","timestamp":"2026-01-02T03:04:05Z"}'
    assert splice(value).startswith(value[:-1] + b',"schema_version"')


def test_null_id_and_time_are_replaced():
    event = json.loads(splice(b'{"query":"red","query_id":null,"timestamp":null}'))
    assert (event["query_id"], event["timestamp"]) == ("queries-0-7", 1700000000000)


def test_unknown_fields_keep_their_exact_bytes():
    value = (
        b'{ "query" : "r\\u00e9d", "n": 1.10, "big": 12345678901234567890123,'
        b' "e": 1E+2 , "o": {"a":[ ]}\n}\n'
    )
    assert splice(value).startswith(value.rstrip()[:-1])


@pytest.mark.parametrize("name", OUTPUT_NAMES)
def test_a_name_of_the_output_is_replaced_and_the_rest_keeps_its_bytes(name):
    value = b'{"query":"red","%b":{"x":1.10},"big":12345678901234567890123}' % name.encode()
    pairs = json.loads(splice(value), object_pairs_hook=list)
    assert sum(key == name for key, _ in pairs) == (
        1 if b'"' + name.encode() in BODY.body + b'"processed_at"' else 0
    )
    assert b'"big":12345678901234567890123' in splice(value)


def test_an_escaped_name_is_the_same_name():
    pairs = json.loads(
        splice(b'{"qu\\u0065ry":"red","processed\\u005fat":1}'), object_pairs_hook=list
    )
    assert [value for key, value in pairs if key == "processed_at"] == [5]


def test_of_duplicate_keys_the_last_counts():
    assert read(b'{"query":"a","query":"b"}').query == "b"


def test_lines():
    assert from_line(b'{"query": 1}') == b'{"query": 1}'
    assert json.loads(from_line('"naïve" \\ tab\t'.encode())) == {"query": '"naïve" \\ tab\t'}
    assert from_line(b"\xff") == b"\xff"
    assert from_line(b' {"query": 1}') == b' {"query": 1}'
    assert from_line(b'\xef\xbb\xbf{"query": 1}') == b'{"query": 1}'


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["query", "query_id", "timestamp", "locale", *OUTPUT_NAMES]) | st.text()


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
