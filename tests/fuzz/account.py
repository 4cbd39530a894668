"""What each input came to: an output that holds what was promised, or a reason that is known."""

from __future__ import annotations

import json
import time
from codecs import BOM_UTF8
from collections.abc import Callable
from json.decoder import scanstring
from json.scanner import c_make_scanner

import orjson

from tests.stream import schema
from tests.understanding import enrichment_body
from triton_models.query_text import normal_form
from worker.errors import Reject
from worker.event import (
    OUTPUT_NAMES,
    Enrichment,
    Event,
    Input,
    decode,
    empty_query,
    from_line,
    query_too_long,
)
from worker.understanding.language import language

# All that the way in may say; the README lists them.
REASONS = frozenset(
    (
        "null_value",
        "empty_value",
        "invalid_utf8",
        "invalid_json",
        "schema_registry_framing",
        "compressed_value",
        "avro_value",
        "not_an_object",
        "missing_query",
        "query_not_text",
        "empty_query",
        "query_too_long",
        "too_many_marks",
        "value_too_large",
        "nested_too_deeply",
        "invalid_field",
    )
)
MOST, MOST_BYTES = 1000, 3000  # characters of a query, bytes of an event
MOST_S_A_BYTE = 0.5e-6  # of the process's time: fifty times what it takes
FOREIGN = {"compressed_value", "avro_value", "schema_registry_framing"}
REFUSALS_OF_TEXT = {"invalid_utf8", "empty_query", "query_too_long", "too_many_marks"}
DEFAULT_ID, DEFAULT_TIME, NOW = "queries-0-7", 1700000000000, 1800000000000
OUTPUT = schema("output")

_scan = c_make_scanner(json.JSONDecoder())
_BLANK = b" \t\n\r"


def published(value: bytes | None) -> tuple[Event, str, bytes]:
    """The event, the normal form and the output of one record, as the pipeline makes them.

    Raises:
        Reject: it has none.
    """
    event = decode(Input(value, DEFAULT_ID, DEFAULT_TIME), MOST, MOST_BYTES)
    form = normal_form(event.query)
    if not form:
        raise empty_query()
    if len(form) > MOST:
        raise query_too_long(len(form), MOST)
    body = enrichment_body(form, language=language(form, event.locale, "en"))
    enrichment = Enrichment(body, None)
    return event, form, enrichment.splice(event, cached=False, now_ms=NOW)


def account(value: bytes | None, in_full: bool) -> str:
    """What became of one record: `output`, or the reason of its rejection.

    Args:
        in_full: hold the output to its schema too, which takes long.

    Raises:
        AssertionError: a promise is broken.
    """
    try:
        event, form, output = published(value)
    except Reject as error:
        assert (error.stage, error.reason in REASONS) == ("decode", True), error.reason
        assert str(error).encode("utf-8", "replace"), "no message"
        return error.reason
    assert form == normal_form(form), "the normal form has another normal form"
    told = orjson.loads(output)  # a strict reader
    for reader in (told, json.loads(output)):
        assert (reader["processed_at"], reader["normalized_query"]) == (NOW, form)
        assert reader["query"] == event.query
    _same_bytes(value, output)
    if in_full:
        OUTPUT.validate(told)
    return "output"


def account_large(value: bytes) -> str:
    """Like `account`, of a value that may be as large as a worker takes them.

    Raises:
        AssertionError: it takes more than linear time, of the process, or has an unknown reason.
    """
    started, reason = time.process_time(), "output"
    try:
        decode(Input(value, DEFAULT_ID, DEFAULT_TIME), MOST)
    except Reject as error:
        reason = error.reason
        assert reason in REASONS, reason
    took = time.process_time() - started
    assert took < MOST_S_A_BYTE * len(value), f"{len(value)} bytes took {took:.1f} s"
    return reason


def account_line(line: bytes, in_full: bool) -> str:
    """Like `account`, of a line of text; what is no event is the query itself."""
    value = from_line(line)
    reason = account(value, in_full)
    bare = line.removeprefix(BOM_UTF8)
    if bare.lstrip().startswith(b"{"):
        assert value == bare
    elif _is_array(bare, orjson.loads):
        assert value == bare and reason in ("not_an_object", "value_too_large")
    elif reason == "output":
        assert orjson.loads(value) == {"query": bare.decode()}
    else:
        raw = set() if _is_text(bare) else FOREIGN  # it goes on as it is
        raw |= {"not_an_object"} if _is_array(bare, json.loads) else set()
        assert reason in REFUSALS_OF_TEXT | {"value_too_large"} | raw, reason
    return reason


def _is_array(line: bytes, reader: Callable[[bytes], object]) -> bool:
    try:
        return isinstance(reader(line), list)
    except RecursionError:
        return True
    except ValueError:  # of JSON, or of UTF-8
        return False


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _same_bytes(value: bytes, output: bytes) -> None:
    """Every field that the worker does not set keeps its name, its place and its exact bytes."""
    value = value.removeprefix(BOM_UTF8)
    before, after = members(value), members(output)
    own = {*OUTPUT_NAMES} | {
        name for name in ("query_id", "timestamp") if before.get(name, b"null") == b"null"
    }
    kept = {name: raw for name, raw in before.items() if name not in own}
    assert kept == {name: raw for name, raw in after.items() if name not in own}
    assert list(kept) == [name for name in after if name not in own], "another order"
    if before.keys().isdisjoint(own):
        assert output.startswith(value.rstrip(_BLANK)[:-1] + b","), "not spliced"


def members(value: bytes) -> dict[str, bytes]:
    """Name → the bytes of its value, of a JSON object; of equal names the last counts.

    Reads with Python's own scanner, which the worker does not use.
    """
    text = value.decode()
    found: dict[str, bytes] = {}
    at = _blank(text, _blank(text, 0) + 1)
    while text[at] != "}":
        name, at = scanstring(text, at + 1)
        start = _blank(text, _blank(text, at) + 1)
        _, end = _scan(text, start)
        found[name] = text[start:end].encode()
        at = _blank(text, end)
        at = _blank(text, at + 1) if text[at] == "," else at
    return found


def _blank(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at
