"""The fast lane: outputs of queries that were seen before, spliced from ready bytes.

A value is answered here only if it is plain in every way; anything else is None and goes through
`Pipeline.process`, whose answer is the same byte for byte (tests/fuzz compares the two).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from worker.event import OUTPUT_NAMES, Enrichment, is_time
from worker.input_checks import MAX_DEPTH, number_out_of_range
from worker.understanding.cache import SeenQueries

_KNOWN = [
    ("query", str),
    *((name, str | int | UnsetType, UNSET) for name in ("query_id", "timestamp")),
    *((name, str | int | None | UnsetType, UNSET) for name in ("user_id", "session_id")),
    *((name, str | None | UnsetType, UNSET) for name in ("locale", "channel")),
]
# Skipping unknown members costs a second look at them, so values are first taken to have none.
_decode_known = msgspec.json.Decoder(
    msgspec.defstruct("_Known", _KNOWN, gc=False, forbid_unknown_fields=True)
).decode
_decode_any = msgspec.json.Decoder(
    msgspec.defstruct("_Any", [*_KNOWN, *((name, Any, UNSET) for name in OUTPUT_NAMES)], gc=False)
).decode
# An array or object nested too deeply has at least as many bytes: shorter values need no count.
_SHORTEST_DEEP = 2 * MAX_DEPTH
_SHORTEST_HUGE = 300  # bytes; so many digits make an integer that no double can hold


class FastLane:
    """Answers a round of values.

    Args:
        seen: the enrichments to splice, by query and locale.
        max_bytes: larger values are refused elsewhere, so they are not answered here.
    """

    def __init__(self, seen: SeenQueries, max_bytes: int) -> None:
        self._seen, self._max_bytes = seen, max_bytes

    def outputs(
        self,
        values: Sequence[bytes | None],
        default: Callable[[int], tuple[str, int]],
        now_ms: int,
    ) -> tuple[list[bytes | None], list[Enrichment]]:
        """The output of each value that is plain and whose query was seen before, else None.

        Args:
            default: position → `query_id` and `timestamp` (Unix ms) of a record without them.
            now_ms: `processed_at`, Unix milliseconds.

        Returns:
            Outputs in the order of `values`, and the enrichments of those that are not None.
        """
        end = b'true},"processed_at":%d}' % now_ms
        outputs: list[bytes | None] = []
        used: list[Enrichment] = []
        add, use, get, decode = outputs.append, used.append, self._seen.get, _decode_known
        for position, value in enumerate(values):
            entry = None
            if value and self._is_plain(value):
                try:
                    fields = decode(value)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    decode = _with_unknown_members
                    fields = decode(value)
                if fields is not None:
                    entry = get((fields.query, fields.locale or None))
            if entry is None:
                add(None)
                continue
            head = value[:-1]
            if fields.query_id is UNSET or fields.timestamp is UNSET:
                head += _defaults(fields, *default(position))
            if type(fields.timestamp) is str and not is_time(fields.timestamp):
                add(None)
                continue
            add(b"%b,%b%b" % (head, entry.body, end))
            use(entry)
        return outputs, used

    def _is_plain(self, value: bytes) -> bool:
        if value[-1] != 125 or b"\\" in value:  # "}"; an escape may hide half a surrogate pair
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


def _defaults(fields: Any, query_id: str, timestamp: int) -> bytes:
    """The members that the event lacks, as `event.decode` adds them."""
    found = b""
    if fields.query_id is UNSET:
        found += b',"query_id":"%b"' % query_id.encode()
    if fields.timestamp is UNSET:
        found += b',"timestamp":%d' % timestamp
    return found
