"""Input events decoded, output events spliced.

Only the fields that the worker needs are decoded; the input's own bytes become the output's
beginning. The one case that is rewritten is an input that already uses a name of the output.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from msgspec import UNSET, Raw

from worker.errors import Reject

SCHEMA_VERSION = "1.0"
OUTPUT_NAMES = (
    *("schema_version", "normalized_query", "language", "intent", "expansions", "categories"),
    *("attributes", "status", "degraded", "provenance", "processed_at"),
)

# A day that there is, and if one likes a time of it with an offset: RFC 3339, where the offset, the
# seconds and the T may be missing. The schemas hold the same pattern; so does every reader of them.
_LEAP_YEAR = "[0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00"
_DAY = (
    "(?!0000)([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    "|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    f"|({_LEAP_YEAR})-02-29)"
)
_HOUR = "([01][0-9]|2[0-3]):[0-5][0-9]"
TIME = re.compile(f"^{_DAY}([T ]{_HOUR}(:[0-5][0-9](\\.[0-9]+)?)?(Z|[+-]{_HOUR})?)?$")
MAX_BYTES = 4 * 2**20
# Nested deeper than this, readers of the output may refuse it (.NET's does at 64).
MAX_DEPTH = 64
# Unicode's own bound (UAX 15, stream-safe text): putting more marks in order takes square time.
MAX_MARKS = 30
# Possessive, and content with a string that never ends: it takes linear time on any bytes.
_BRACKETS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{}]', re.S)
_INFINITY = "number is infinity when parsed as double", "number out of range"

_Input = msgspec.defstruct(
    "_Input",
    [
        *((name, Any, UNSET) for name in ("query", "query_id", "timestamp")),
        *((name, Any, UNSET) for name in ("user_id", "session_id", "locale", "channel")),
        *((name, Any, UNSET) for name in OUTPUT_NAMES),
    ],
)
_decoder = msgspec.json.Decoder(_Input)
_fields = msgspec.json.Decoder(dict[str, Raw])


@dataclass(frozen=True, slots=True)
class Input:
    """A raw event and what it lacks.

    Attributes:
        value: the record's bytes; None is a tombstone.
        default_id: its `query_id` when it has none.
        default_timestamp: its `timestamp` when it has none, Unix milliseconds.
        created_ms: the record's own time, which tells its age, Unix milliseconds; None: unknown.
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


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What is attached to every event of one query, made once.

    Attributes:
        body: the JSON members from `schema_version` up to the value of `provenance.cached`.
        intent: the label that the model gave, or None without it; for metrics.
        degraded: the stages that are missing.
        versions: of the intent, encoder and matching models that made it; "" where none did.
    """

    body: bytes
    intent: str | None
    degraded: tuple[str, ...] = ()
    versions: tuple[str, str, str] = ("", "", "")

    def splice(self, event: Event, cached: bool, now_ms: int) -> bytes:
        """The output event's bytes; `now_ms` is Unix time in milliseconds."""
        flag = b"true" if cached else b"false"
        return b'%b%b%b},"processed_at":%d}' % (event.head, self.body, flag, now_ms)


def from_line(line: bytes) -> bytes:
    """A line of text as an event: `{` begins a JSON event, anything else is the query itself.

    What is not UTF-8 stays as it is, so that `decode` refuses it.
    """
    line = line.removeprefix(b"\xef\xbb\xbf")  # editors on Windows begin a file with it
    if line.lstrip().startswith(b"{"):
        return line
    try:
        return orjson.dumps({"query": line.decode()})
    except UnicodeDecodeError:
        return line


def decode(item: Input, max_chars: int, max_bytes: int = MAX_BYTES) -> Event:
    """Decode an input; one of more than `max_bytes`, or a query of `max_chars`, is refused.

    Raises:
        Reject: names the reason (stage `decode`).
    """
    if item.value is None:
        raise _reject("null_value", "the record has no value (tombstone)")
    if len(item.value) > max_bytes:
        told = f"the value has {len(item.value)} bytes, at most {max_bytes}"
        raise _reject("value_too_large", f"{told} (understanding.max_event_bytes)")
    if _too_deep(item.value):
        raise _reject("nested_too_deeply", f"arrays or objects nested deeper than {MAX_DEPTH}")
    fields = _parse(item.value)
    query = fields.query
    if query is UNSET:
        raise _reject("missing_query", "the event has no field `query`")
    if not isinstance(query, str):
        raise _reject("query_not_text", f"`query` is {_kind(query)}, expected a string")
    if len(query) > max_chars:
        raise query_too_long(len(query), max_chars)
    if _too_many_marks(query):
        told = f"`query` has more than {MAX_MARKS} combining marks in a row"
        raise _reject("too_many_marks", told)
    _check_optional(fields)
    return Event(query, _text(fields.locale), _head(item, fields))


def empty_query() -> Reject:
    """The rejection of a query without any visible character."""
    return _reject("empty_query", "`query` has no visible character")


def query_too_long(found: int, most: int) -> Reject:
    """The rejection of a query, or a normal form, with too many characters."""
    return _reject("query_too_long", f"`query` has {found} characters, at most {most}")


def _too_deep(value: bytes) -> bool:
    """Counted exactly only where there are enough brackets for it."""
    if value.count(b"{") + value.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for found in _BRACKETS.finditer(value):
        token = found[0]
        if token in (b"{", b"["):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token in (b"}", b"]"):
            depth -= 1
    return False


def _too_many_marks(text: str) -> bool:
    if len(text) <= MAX_MARKS or text.isascii():
        return False
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > MAX_MARKS:
            return True
    return False


def _parse(value: bytes) -> Any:
    try:
        if not value.isascii():
            value.decode()
        fields = _decoder.decode(value)
        # The decoder skips what it does not need; no reader of the output may fail on that. Its
        # own search for a number beyond a double, or a lone surrogate, takes longer than this.
        orjson.loads(value)
        return fields
    except UnicodeDecodeError as error:
        raise _reject("invalid_utf8", f"not UTF-8 at byte {error.start}") from None
    except msgspec.ValidationError as error:
        if value.lstrip().startswith(b"{"):  # e.g. a number that no double can hold
            raise _reject("invalid_field", str(error)) from None
        raise _reject("not_an_object", "the value is JSON, but not an object") from None
    except RecursionError:
        raise _reject("invalid_json", "nested too deeply") from None
    except (msgspec.DecodeError, orjson.JSONDecodeError) as error:
        told = str(error).replace(*_INFINITY)
        raise _reject("invalid_json", f"not JSON: {told}") from None


def _check_optional(fields: Any) -> None:
    for name in ("query_id", "user_id", "session_id"):
        value = getattr(fields, name)
        if value is not UNSET and value is not None and not _is_id(value):
            found = _kind(value)
            raise _reject("invalid_field", f"`{name}` is {found}, expected a string or an integer")
    for name in ("locale", "channel"):
        value = getattr(fields, name)
        if value is not UNSET and value is not None and type(value) is not str:
            raise _reject("invalid_field", f"`{name}` is {_kind(value)}, expected a string")
    if fields.timestamp not in (UNSET, None) and not is_time(fields.timestamp):
        told = "`timestamp` must be Unix milliseconds or, like 2026-01-31T10:00:00Z, RFC 3339"
        raise _reject("invalid_field", told)


def _is_id(value: Any) -> bool:
    """A string or an integer; to JSON Schema 1.0 is one."""
    return type(value) in (str, int) or (type(value) is float and value.is_integer())


def is_time(value: Any) -> bool:
    """Whether it is a `timestamp` that the contract admits."""
    if isinstance(value, str):
        return TIME.fullmatch(value) is not None
    return type(value) in (int, float)


def _head(item: Input, fields: Any) -> bytes:
    defaults = {"query_id": item.default_id, "timestamp": item.default_timestamp}
    missing = {k: v for k, v in defaults.items() if getattr(fields, k) in (UNSET, None)}
    value = item.value
    if any(getattr(fields, name) is not UNSET for name in (*OUTPUT_NAMES, *missing)):
        value = _without(value, {*OUTPUT_NAMES, *missing})
    head = value.rstrip()[:-1] + b","
    return head + orjson.dumps(missing)[1:-1] + b"," if missing else head


def _without(value: bytes, names: set[str]) -> bytes:
    """The object without these members; the other values keep their exact bytes."""
    kept = {name: raw for name, raw in _fields.decode(value).items() if name not in names}
    return msgspec.json.encode(kept)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _kind(value: Any) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", list: "an array"}
    return "null" if value is None else kinds.get(type(value), "an object")


def _reject(reason: str, message: str) -> Reject:
    return Reject("decode", reason, message)
