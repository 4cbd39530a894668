"""Every input is decoded or refused with its reason; unknown fields pass through."""

import gzip
import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import Reject
from worker.event import OUTPUT_NAMES, Enrichment, Input, decode, from_line
from worker.input_checks import number_out_of_range

BODY = Enrichment(b'"schema_version":"1.1","provenance":{"cached":', intent="browse")


def read(value, max_chars=100):
    return decode(Input(value, "queries-0-7", 1700000000000), max_chars, 2**20)


def splice(value):
    return BODY.splice(read(value), cached=True, now_ms=5)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null_value"),
        (b"", "empty_value"),
        (b" \n", "empty_value"),
        (b"\xef\xbb\xbf", "empty_value"),
        (b"red shoes", "invalid_json"),
        (b'{"query": "half', "invalid_json"),
        (b'{"query": "a", "price": NaN}', "invalid_json"),
        (b'{"query": "a", "price": Infinity}', "invalid_json"),
        (b'{"query": "\\ud800"}', "invalid_json"),
        (b'{"query": "a", "other": "\\uDC00"}', "invalid_json"),
        (b'{"query": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested_too_deeply"),
        # In less than square time, which would be hours: a string that never ends.
        (b'{"x": [' + b"[]," * 70 + b'"' + b'\\"' * 400_000, "invalid_json"),
        (b'{"query": "a"} {"query": "b"}', "invalid_json"),
        (b'\xef\xbb\xbf\xef\xbb\xbf{"query": "a"}', "invalid_json"),
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
        (b'{"query": "a", "x": 1e400}', "invalid_json"),
        (b'{"query": "a", "x": [{"y": -1.5E+999}]}', "invalid_json"),
        (b'{"query": "a", "x": ' + b"9" * 400 + b"}", "invalid_json"),
        (b'{"query": "a", "timestamp": "20240101"}', "invalid_field"),
        (b'{"query": "a", "timestamp": "1234567890123456789"}', "invalid_field"),
        (b'{"query": "a", "timestamp": "1769853600.5"}', "invalid_field"),
        (b'{"query": "a", "timestamp": "2024-W01"}', "invalid_field"),
        (b'{"query": "a", "timestamp": "2024-01-01T24:00"}', "invalid_field"),
        (b'{"query": "a", "query_id": 1.5}', "invalid_field"),
    ],
)
def test_refused_with_its_reason(value, reason):
    with pytest.raises(Reject) as caught:
        read(value)
    assert (caught.value.stage, caught.value.reason) == ("decode", reason)


@pytest.mark.parametrize(
    ("value", "reason", "message"),
    [
        (b'\0\0\0\x01\x02{"query": "a"}', "schema_registry_framing", "schema id 258"),
        (gzip.compress(b'{"query": "a"}', mtime=0), "compressed_value", "gzip.*compression.type"),
        (b"\x28\xb5\x2f\xfd\x24\x01", "compressed_value", "Zstandard.*compression.type"),
        (b"\x04\x22\x4d\x18\x64", "compressed_value", "LZ4"),
        (b"Obj\x01\x04\x16avro.schema", "avro_value", "Avro container file"),
        ('{"query": "a"}'.encode("utf-16"), "invalid_utf8", "UTF-16; send UTF-8"),
        ('{"query": "a"}'.encode("utf-16-le"), "invalid_utf8", "UTF-16LE; send UTF-8"),
        ('{"query": "a"}'.encode("utf-16-be"), "invalid_utf8", "UTF-16BE; send UTF-8"),
        (b'[{"query": "a"}]', "not_an_object", "is an array.*jq"),
        (b"true", "not_an_object", "is a boolean"),
    ],
)
def test_what_kafka_users_send_instead_of_json_is_named_with_the_remedy(value, reason, message):
    with pytest.raises(Reject, match=message) as caught:
        read(value)
    assert caught.value.reason == reason


def test_a_byte_order_mark_is_not_part_of_the_event():
    value = b'{"query":"red","query_id":1,"timestamp":2}'
    assert splice(b"\xef\xbb\xbf" + value) == splice(value)
    assert splice(b'\xef\xbb\xbf{"query":"red"}') == splice(b'{"query":"red"}')


OUT_OF_RANGE = ["1e400", "-1.5E+999", "1e0000000309", "9" * 309, "1" + "0" * 250 + "e99", "2E308"]
IN_RANGE = ["1e308", "-1.7976931348623157e308", "1e-999", "9" * 308, "0." + "9" * 999, "0e999"]
BESIDE = [
    '"1e400"',
    '"\\"1e400"',
    '"\\\\"',
    "[]",
    "{ }",
    "[ [ ] ]",
    '{"1e400": []}',
    "true",
    "null",
]


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("number", [*OUT_OF_RANGE, *IN_RANGE])
def test_a_number_that_no_double_can_hold_is_refused_wherever_it_stands(number, beside):
    for shape in "%s", "[%s]", '{"a": %s, "b": [1, 2]}', '[{"x" : [ ]}, %s]':
        value = f'{{"query": "red", "y": {beside}, "x": {shape % number}, "z": {beside}}}'
        if number in OUT_OF_RANGE:
            with pytest.raises(Reject, match="number out of range"):
                read(value.encode())
        else:
            assert orjson.loads(BODY.splice(read(value.encode()), cached=False, now_ms=5))


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,320})(\.[0-9]{1,320})?([eE][-+]?[0-9]{1,5})?", fullmatch=True)
)
def test_a_number_is_refused_just_where_a_strict_reader_refuses_it(number):
    value = b'{"query":"a","x":[%b]}' % number.encode()
    try:
        strict = bool(orjson.loads(value))
    except orjson.JSONDecodeError:
        strict = False
    assert number_out_of_range(value) == (not strict)


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


TWICE = [
    b'{"query":"a","query":"b"}',
    b'{"query":"a","qu\\u0065ry":"b"}',
    b'{"query":1,"query":"b","locale":[],"locale":"de"}',
    b'{"query":"b","query_id":null,"query_id":"z","timestamp":"x","timestamp":5}',
    b'{"query":"b","query_id":"z","query_id":null,"timestamp":5,"timestamp":null}',
    b'{"query":"a","intent":1,"query":"b","x":1,"x":2.0,"intent":2}',
    b'{"x":1,"query":"b","x":[1.10]}',
]


@pytest.mark.parametrize("value", TWICE)
@pytest.mark.parametrize("reader", [json.loads, orjson.loads])
def test_of_members_with_the_same_name_the_last_counts_for_readers_of_the_output_too(value, reader):
    assert read(value).query == "b"
    before, after = reader(value), reader(splice(value))
    assert after["query"] == "b"
    assert after["query_id"] == (before.get("query_id") or "queries-0-7")
    assert after["timestamp"] == (before.get("timestamp") or 1700000000000)
    assert {name: after.get(name) for name in ("x", "locale")} == {
        name: before.get(name) for name in ("x", "locale")
    }


def test_members_with_the_same_name_pass_through_as_they_came():
    value = b'{"query":"a","x":1,"query":"b","x":2,"query_id":null,"query_id":7,"timestamp":1}'
    assert splice(value).startswith(value[:-1] + b",")


def test_of_members_with_the_same_name_only_the_last_must_be_right():
    with pytest.raises(Reject, match="`query` is a number"):
        read(b'{"query":"a","query":1}')


def test_lines():
    assert from_line(b'{"query": 1}') == b'{"query": 1}'
    assert json.loads(from_line('"naïve" \\ tab\t'.encode())) == {"query": '"naïve" \\ tab\t'}
    assert from_line(b"\xff") == b"\xff"
    assert from_line(b' {"query": 1}') == b' {"query": 1}'
    assert from_line(b'\xef\xbb\xbf{"query": 1}') == b'{"query": 1}'


@pytest.mark.parametrize("line", [b"[]", b' ["red", 5] ', b"[" * 9_999 + b"]" * 9_999])
def test_a_line_that_is_a_json_array_is_no_query(line):
    with pytest.raises(Reject):
        read(from_line(line), max_chars=99_999)


@pytest.mark.parametrize("line", ["[size] shoes [red]", "[red]", "[", "[]]", "[1,]", "shoes [1]"])
def test_a_line_with_brackets_is_a_query(line):
    assert read(from_line(line.encode())).query == line
