"""Input events decoded, output events spliced.

Only the fields that the worker needs are decoded; the input's own bytes become the output's
beginning. The one case that is rewritten is an input that already uses a name of the output.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import orjson
from msgspec import UNSET, Raw

from worker.errors import Reject
from worker.input_checks import (
    MAX_DEPTH,
    MAX_MARKS,
    foreign_format,
    nested_too_deeply,
    number_out_of_range,
    too_many_marks,
)

SCHEMA_VERSION = "1.1"
IDS = ("query_id", "user_id", "session_id")
TEXTS = ("locale", "channel")
INPUT_NAMES = ("query", "timestamp", *IDS, *TEXTS)
OUTPUT_NAMES = (
    "schema_version",
    "normalized_query",
    "language",
    "correction",
    "intent",
    "sentiment",
    "expansions",
    "exclusions",
    "categories",
    "attributes",
    "status",
    "degraded",
    "provenance",
    "processed_at",
)
MAX_BYTES = 4 * 2**20

# A day that exists, optionally with a time and an offset: RFC 3339, where the offset, the seconds,
# the colon of the offset and the T may be missing. Or Unix time in digits: nine at least, so that
# 20260131 is not taken for one. The schemas hold the same pattern, and a test holds them equal.
_LEAP_YEAR = "[0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00"
_DAY = (
    "(?!0000)([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    "|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    f"|({_LEAP_YEAR})-02-29)"
)
_HOUR, _MINUTE = "([01][0-9]|2[0-3])", "[0-5][0-9]"
_CLOCK = f"{_HOUR}:{_MINUTE}(:[0-5][0-9](\\.[0-9]+)?)?"
_OFFSET = f"([Zz]|[+-]{_HOUR}:?{_MINUTE})"
TIME = re.compile(f"^({_DAY}([Tt ]{_CLOCK}{_OFFSET}?)?|[0-9]{{9,18}})$")
TIMES = (
    "Unix time as a number or 9 to 18 digits (from 100000000000 on milliseconds, below it "
    "seconds) or, like 2026-01-31T10:00:00Z, RFC 3339"
)

_Members = msgspec.defstruct(
    "_Members", [(name, Raw, UNSET) for name in (*INPUT_NAMES, *OUTPUT_NAMES)]
)
_NO_OUTPUT_NAMES = (UNSET,) * len(OUTPUT_NAMES)
_decoder = msgspec.json.Decoder(_Members)
_members = msgspec.json.Decoder(dict[str, Raw])
_scalar = msgspec.json.Decoder(str | int | float | bool | None)
_skip = msgspec.json.Decoder(Raw)
_EXPECTED = dict.fromkeys(IDS, "a string or an integer") | dict.fromkeys(TEXTS, "a string")
# Of a JSON value, by its first byte.
_KINDS = {ord("{"): "an object", ord("["): "an array", ord('"'): "a string", ord("n"): "null"}
_KINDS |= {ord("t"): "a boolean", ord("f"): "a boolean"}


@dataclass(frozen=True, slots=True)
class Input:
    """A raw event and what it lacks.

    Attributes:
        value: the record's bytes; None is a tombstone.
        default_id: its `query_id` when it has none.
        default_timestamp: its `timestamp` when it has none, Unix milliseconds: the record's own
            time, or that of its consumption where the record has none.
        created_ms: the record's own time, for its age, Unix milliseconds; None: unknown.
    """

    value: bytes | None
    default_id: str
    default_timestamp: int
    created_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded input.

    Attributes:
        query: the query's text, as it came.
        locale: BCP 47 tag, or None.
        head: the output's first bytes: the input without its closing brace, and a comma.
    """

    query: str
    locale: str | None
    head: bytes


class Tag(NamedTuple):
    """Characters [start, end) of the normalized query with a tag, and how likely it is right."""

    start: int
    end: int
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What is attached to every event of one query, made once.

    Attributes:
        body: the JSON members from `schema_version` up to the value of `provenance.cached`.
        intent: the label that the model gave, or None without it; for metrics.
        degraded: the stages that are missing.
        versions: of the models that made it, in the order of the pipeline's stages; "" where none
            did.
    """

    body: bytes
    intent: str | None
    degraded: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("", "", "")

    @property
    def complete(self) -> bool:
        """Whether no model was away: it may be kept for the next event."""
        return not self.degraded

    def splice(self, event: Event, cached: bool, now_ms: int) -> bytes:
        """The output event's bytes; `now_ms` is Unix time in milliseconds."""
        flag = b"true" if cached else b"false"
        return b'%b%b%b},"processed_at":%d}' % (event.head, self.body, flag, now_ms)


def from_line(line: bytes) -> bytes:
    """A line of text as an event: `{` begins a JSON event, anything else is the query itself.

    A line that is a JSON array or not UTF-8 stays as it is, so that `decode` refuses it.
    """
    line = line.removeprefix(BOM_UTF8)  # editors on Windows begin a file with it
    if line.lstrip().startswith(b"{") or _is_array(line):
        return line
    try:
        return orjson.dumps({"query": line.decode()})
    except UnicodeDecodeError:
        return line


def decode(item: Input, max_chars: int, max_bytes: int = MAX_BYTES) -> Event:
    """Decode an input of at most `max_bytes`, whose query has at most `max_chars` characters.

    Of members with the same name the last one counts, as in other JSON readers.

    Raises:
        Reject: names the reason (stage `decode`).
    """
    if item.value is None:
        raise _reject("null_value", "the record has no value (tombstone)")
    if len(item.value) > max_bytes:
        raise value_too_large(len(item.value), max_bytes)
    value = item.value.removeprefix(BOM_UTF8)
    members = _parse(value)
    if members.query is UNSET:
        raise _reject("missing_query", "the event has no field `query`")
    fields = {name: _field(members, name) for name in INPUT_NAMES}
    _check_query(fields["query"], members.query, max_chars)
    _check_optional(fields, members)
    if number_out_of_range(value):
        raise _reject("invalid_json", "number out of range: a double cannot hold it")
    defaults = {"query_id": item.default_id, "timestamp": item.default_timestamp}
    missing = {name: default for name, default in defaults.items() if fields[name] is None}
    return Event(fields["query"], fields["locale"], _head(value, members, missing))


def empty_query() -> Reject:
    """The rejection of a query without any visible character."""
    return _reject("empty_query", "`query` has no visible character")


def query_too_long(found: int, most: int) -> Reject:
    """The rejection of a query, or a normal form, with too many characters."""
    return _reject("query_too_long", f"`query` has {found} characters, at most {most}")


def value_too_large(found: int, most: int) -> Reject:
    """The rejection of a value, or a line of text, with too many bytes."""
    limit = "understanding.max_event_bytes"
    return _reject("value_too_large", f"the value has {found} bytes, at most {most} ({limit})")


def _is_array(line: bytes) -> bool:
    text = line.strip()
    if not (text.startswith(b"[") and text.endswith(b"]")):
        return False
    try:
        return bool(_skip.decode(text))
    except RecursionError:
        return True
    except msgspec.DecodeError:  # e.g. [size] shoes
        return False


def _parse(value: bytes) -> Any:
    try:
        if not value.isascii():
            value.decode()
        members = _decoder.decode(value)
    except UnicodeDecodeError as error:
        raise _not_json(value, "invalid_utf8", f"not UTF-8 at byte {error.start}") from None
    except msgspec.ValidationError:
        kind = _kind(value.lstrip())
        remedy = "send each event as one object (jq -c '.[]' splits an array)"
        message = f"the value is {kind}, expected an object; {remedy}"
        raise _reject("not_an_object", message) from None
    except RecursionError:
        raise _too_deep() from None
    except msgspec.DecodeError as error:
        raise _not_json(value, "invalid_json", f"not JSON: {error}") from None
    if nested_too_deeply(value):
        raise _too_deep()
    return members


def _not_json(value: bytes, reason: str, message: str) -> Reject:
    return _reject(*(foreign_format(value) or (reason, message)))


def _too_deep() -> Reject:
    return _reject("nested_too_deeply", f"arrays or objects nested deeper than {MAX_DEPTH}")


def _field(members: Any, name: str) -> Any:
    """The value, None where there is none; an array or object stays Raw."""
    raw = getattr(members, name)
    if raw is UNSET:
        return None
    try:
        return _scalar.decode(raw)
    except msgspec.ValidationError:
        if _kind(raw) != "a number":
            return raw
        raise _reject("invalid_field", f"`{name}` is a number out of range") from None


def _check_query(query: Any, raw: Raw, max_chars: int) -> None:
    if not isinstance(query, str):
        raise _reject("query_not_text", f"`query` is {_kind(raw)}, expected a string")
    if len(query) > max_chars:
        raise query_too_long(len(query), max_chars)
    if too_many_marks(query):
        message = f"`query` has more than {MAX_MARKS} combining marks in a row"
        raise _reject("too_many_marks", message)


def _check_optional(fields: dict[str, Any], members: Any) -> None:
    for name, kind in _EXPECTED.items():
        value = fields[name]
        if value is None or isinstance(value, str):
            continue
        if name not in IDS or not _is_integer(value):
            found = _kind(getattr(members, name))
            raise _reject("invalid_field", f"`{name}` is {found}, expected {kind}")
    timestamp = fields["timestamp"]
    if not (timestamp is None or is_time(timestamp)):
        raise _reject("invalid_field", f"`timestamp` must be {TIMES}")


def _is_integer(value: Any) -> bool:
    """To JSON Schema 1.0 is one too."""
    return type(value) is int or (type(value) is float and value.is_integer())


def is_time(value: Any) -> bool:
    """Whether it is a `timestamp` that the contract admits."""
    if isinstance(value, str):
        return TIME.fullmatch(value) is not None
    return type(value) in (int, float)


def _head(value: bytes, members: Any, missing: dict[str, Any]) -> bytes:
    ours = msgspec.structs.astuple(members)[len(INPUT_NAMES) :] != _NO_OUTPUT_NAMES
    if ours or any(getattr(members, name) is not UNSET for name in missing):  # it is null
        value = _without(value, {*OUTPUT_NAMES, *missing})
    head = value.rstrip()[:-1] + b","
    return head + orjson.dumps(missing)[1:-1] + b"," if missing else head


def _without(value: bytes, names: set[str]) -> bytes:
    """The object without these members; the other values keep their exact bytes."""
    kept = {name: raw for name, raw in _members.decode(value).items() if name not in names}
    return msgspec.json.encode(kept)


def _kind(raw: Raw | bytes) -> str:
    return _KINDS.get(memoryview(raw)[0], "a number")


def _reject(reason: str, message: str) -> Reject:
    return Reject("decode", reason, message)
