"""The fast lane: outputs of queries that were seen before, spliced from ready bytes.

A value is answered here only if it is plain in every way; anything else is None and goes through
`Pipeline.process`, whose answer is the same byte for byte (tests/fuzz compares the two).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from worker.event import OUTPUT_NAMES, Enrichment, is_time
from worker.input_checks import MAX_DEPTH, number_out_of_range
from worker.understanding.cache import SeenQueries

_IDS = [(name, str | int | None | UnsetType, UNSET) for name in ("user_id", "session_id")]
_TEXTS = [(name, str | None | UnsetType, UNSET) for name in ("locale", "channel")]
_OPTIONAL = [(name, str | int | UnsetType, UNSET) for name in ("query_id", "timestamp")]


def _decoder(name: str, members: list, **options: bool) -> Callable[[bytes], Any]:
    event = msgspec.defstruct(name, [("query", str), *members], gc=False, **options)
    return msgspec.json.Decoder(event).decode


# Nothing is missing and nothing else is there: of most streams, all values of a round are so.
_decode_complete = _decoder(
    "_Complete",
    [("query_id", str | int), ("timestamp", int), *_IDS, *_TEXTS],
    forbid_unknown_fields=True,
)
_decode_known = _decoder("_Known", [*_OPTIONAL, *_IDS, *_TEXTS], forbid_unknown_fields=True)
_decode_any = _decoder(
    "_Any", [*_OPTIONAL, *_IDS, *_TEXTS, *((name, Any, UNSET) for name in OUTPUT_NAMES)]
)
# An array or object nested too deeply has at least as many bytes: shorter values need no count.
_SHORTEST_DEEP = 2 * MAX_DEPTH
_SHORTEST_HUGE = 300  # bytes; so many digits make an integer that no double can hold
_END = ord("}")


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of the values of a round, in their order.

    An output is put together only when it is asked for: one that is sent at once is still in the
    processor's cache then, and the next one takes its memory.

    Attributes:
        heads: how each output begins: the value without its closing brace.
        entries: the enrichments; None of a value that is not plain or was not seen before.
        end: how all outputs end.
    """

    heads: list[bytes | None]
    entries: list[Enrichment | None]
    end: bytes

    def part(self, start: int, end: int) -> Answers:
        """Those of the values from `start` up to `end`."""
        return Answers(self.heads[start:end], self.entries[start:end], self.end)

    def known_prefix(self, limit: int) -> int:
        """How many outputs, from the first on, are known and have at most `limit` bytes."""
        room = limit - len(self.end) - 1
        for position, entry in enumerate(self.entries):
            if entry is None or len(self.heads[position]) + len(entry.body) > room:
                return position
        return len(self.entries)

    def outputs(self, count: int) -> Iterator[bytes]:
        """The first `count` outputs, which must be known."""
        bodies = [entry.body for entry in self.entries[:count]]
        return map(b"".join, zip(self.heads, repeat(b","), bodies, repeat(self.end), strict=False))

    def output(self, position: int) -> bytes | None:
        entry = self.entries[position]
        return entry and b"%b,%b%b" % (self.heads[position], entry.body, self.end)


class FastLane:
    """Answers a round of values.

    Args:
        seen: the enrichments to splice, by query and locale.
        max_bytes: larger values are refused elsewhere, so they are not answered here.
    """

    def __init__(self, seen: SeenQueries, max_bytes: int) -> None:
        self._seen, self._max_bytes = seen, max_bytes

    def answers(
        self,
        values: Sequence[bytes | None],
        default: Callable[[int], tuple[str, int]],
        now_ms: int,
    ) -> Answers:
        """The enrichment of each value that is plain and whose query was seen before.

        Args:
            default: position → `query_id` and `timestamp` (Unix ms) of a record without them.
            now_ms: `processed_at`, Unix milliseconds.
        """
        end = b'true},"processed_at":%d}' % now_ms
        entries = self._complete(values)
        if all(entries):
            return Answers([value[:-1] for value in values], entries, end)
        heads = [entry and value[:-1] for value, entry in zip(values, entries, strict=True)]
        self._look_closer(values, default, heads, entries)
        return Answers(heads, entries, end)

    def _complete(self, values: Sequence[bytes | None]) -> list[Enrichment | None]:
        """The enrichments of values that are complete and lately seen, if all are short."""
        young, decode = self._seen.young, _decode_complete  # which takes no arrays and objects
        try:
            if (
                b"\\" in b"".join(values)
                or max(map(len, values)) > min(self._max_bytes, _SHORTEST_HUGE)
                or any([value[-1] != _END for value in values])
            ):
                return [None] * len(values)
            return [
                young[(event := decode(value)).locale or None].get(event.query) for value in values
            ]
        except (TypeError, LookupError, msgspec.DecodeError, UnicodeDecodeError):
            return [None] * len(values)

    def _look_closer(
        self,
        values: Sequence[bytes | None],
        default: Callable[[int], tuple[str, int]],
        heads: list[bytes | None],
        entries: list[Enrichment | None],
    ) -> None:
        """Put in the heads and enrichments that are missing, as in `Answers`."""
        decode = _decode_known
        for position, value in enumerate(values):
            if entries[position] is not None:
                continue
            fields = None
            if value and self._is_plain(value):
                try:
                    fields = decode(value)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    decode = _with_unknown_members  # and so are the others, most likely
                    fields = decode(value)
            if fields is None or not _has_time(fields):
                continue
            entries[position] = self._seen.get((fields.query, fields.locale or None))
            if entries[position] is not None:
                heads[position] = value[:-1]
                if fields.query_id is UNSET or fields.timestamp is UNSET:
                    heads[position] += _defaults(fields, *default(position))

    def _is_plain(self, value: bytes) -> bool:
        if value[-1] != _END or b"\\" in value:  # an escape may hide half a surrogate pair
            return False
        if len(value) < _SHORTEST_DEEP:
            return True
        return (
            len(value) <= self._max_bytes
            and value.count(b"{") + value.count(b"[") <= MAX_DEPTH
            and not (len(value) > _SHORTEST_HUGE and number_out_of_range(value))
        )


def _with_unknown_members(value: bytes) -> Any | None:
    """The decoded value, or None where only the careful way can judge it."""
    try:
        if not value.isascii():
            value.decode()
        fields = _decode_any(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if number_out_of_range(value):
        return None
    if any(getattr(fields, name) is not UNSET for name in OUTPUT_NAMES):
        return None
    return fields


def _has_time(fields: Any) -> bool:
    """Whether its timestamp is one, or is missing."""
    return type(fields.timestamp) is not str or is_time(fields.timestamp)


def _defaults(fields: Any, query_id: str, timestamp: int) -> bytes:
    """The members that the event lacks, as `event.decode` adds them."""
    found = b""
    if fields.query_id is UNSET:
        found += b',"query_id":"%b"' % query_id.encode()
    if fields.timestamp is UNSET:
        found += b',"timestamp":%d' % timestamp
    return found
