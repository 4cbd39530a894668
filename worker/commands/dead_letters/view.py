"""Shows dead letters: as rows, as a table, one in full; safe for a terminal, whatever they hold.

A list never shows a query, only the record's length and hash.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Message

from worker.commands.dead_letters.letter import FOREIGN, Letter
from worker.redact import redacted
from worker.stream.batch import headers

HEAD = ["time", "record", "stage", "reason", "tries", "bytes", "sha256", "replayed", "message"]
ONE_OBJECT = "change its producer to send one JSON object per record, then produce it again"
REMEDIES = {
    "null_value": "change its producer to send no tombstones to this topic",
    "invalid_utf8": "change its producer to send UTF-8, then produce it again",
    "invalid_json": ONE_OBJECT,
    "not_an_object": ONE_OBJECT,
    "empty_value": "change its producer to send no empty records to this topic",
    "compressed_value": "change its producer to send JSON and set compression.type instead",
    "avro_value": ONE_OBJECT,
    "schema_registry_framing": "use a JSON serializer without Schema Registry in its producer",
    "missing_query": "change its producer to set `query`, then produce it again",
    "query_not_text": "change its producer to send `query` as a string, then produce it again",
    "empty_query": "ignore it, or change its producer to drop empty queries",
    "query_too_long": "raise understanding.max_query_chars and replay it, or ignore it",
    "too_many_marks": "ignore it: no script combines so many marks with one letter",
    "value_too_large": "raise understanding.max_event_bytes and replay it, or ignore it",
    "nested_too_deeply": "change its producer to nest less deeply, then produce it again",
    "too_many_headers": "change its producer to send fewer headers, then produce it again",
    "headers_too_large": "change its producer to send smaller headers, then produce it again",
    "invalid_field": "correct the field that the message names, then produce it again",
    "invalid_headers": "use UTF-8 header names in its producer; a replay drops the headers",
    "model_rejected": "fix the model that the stage names, then replay it",
    "model_unavailable": "replay it when the model server is back",
    "output_refused": "raise the output topic's max.message.bytes, then replay it",
    "internal_error": "please report it; replay it with a newer version",
    "process_died": "find in the log what ended the process; replay it with a newer version",
    FOREIGN: "find out who else writes to this topic: this worker gave no reason for it",
}
UNKNOWN = "fix what the message names, then replay it"


def when(time_ms: int) -> str:
    """RFC 3339 in UTC."""
    try:
        text = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):  # a producer may set any timestamp
        return f"{time_ms} ms"
    return text.replace("+00:00", "Z")


def row(letter: Letter, replayed: bool, topic: str) -> dict[str, Any]:
    """A letter in `list --json`; `topic` is the input topic."""
    return {
        "time": when(letter.time_ms),
        "letter": str(letter.position),
        "source": str(letter.source) if letter.source else None,
        "foreign": letter.source is None or letter.source.topic != topic,
        "stage": letter.stage,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "bytes": letter.size,
        "sha256": letter.digest,
        "replayed": replayed,
        "message": letter.message,
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows in order, one a line; each record by the position that `show` takes."""
    lines = [HEAD]
    for item in rows:
        shown = item | {
            "time": item["time"][:19] + "Z",
            "record": item["source"] or item["letter"],
            "tries": item["attempts"],
            "replayed": "yes" if item["replayed"] else "",
        }
        lines.append([redacted(str(shown[name])) for name in HEAD])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def letters(count: int) -> str:
    """`1 dead letter`, `1,204 dead letters`."""
    return f"{count:,} dead letter{'' if count == 1 else 's'}"


def summary(counts: Counter[str]) -> str:
    """`1,204 invalid_json, 3 empty_query`, the most frequent first."""
    return ", ".join(f"{count:,} {redacted(name)}" for name, count in counts.most_common())


def details(record: Message, letter: Letter, replayed: bool, topic: str) -> dict[str, Any]:
    """A letter in `show --json`: all of it, bytes that are no UTF-8 as base64."""
    items = headers(record)
    return row(letter, replayed, topic) | {
        "remedy": REMEDIES.get(letter.reason, UNKNOWN),
        "key": _plain(record.key()),
        "headers": None if items is None else [[name, _plain(value)] for name, value in items],
        "value": _plain(record.value()),
    }


def in_full(record: Message, letter: Letter, replayed: bool) -> str:
    """One letter as text: why it was rejected, the remedy, and all that it holds."""
    lines = [
        ("dead letter", letter.position),
        ("source", letter.source or "unknown"),
        ("rejected", when(letter.time_ms)),
        ("stage", letter.stage),
        ("reason", letter.reason),
        ("message", letter.message),
        ("attempts", letter.attempts or "unknown"),
        ("replayed", "yes" if replayed else "no"),
        ("remedy", REMEDIES.get(letter.reason, UNKNOWN)),
        ("key", _text(record.key())),
    ]
    items = headers(record)
    if items is None:
        lines.append(("headers", "cannot be read: a name is not UTF-8"))
    lines += [("header", f"{name}: {_text(value)}") for name, value in items or ()]
    lines.append(("value", f"{letter.size:,} bytes, SHA-256 {letter.digest}..."))
    head = [f"{name:<12} {redacted(str(text))}".rstrip() for name, text in lines]
    if record.value() is None:
        return "\n".join([*head, "  (null)"])
    text = record.value().decode("utf-8", "backslashreplace")
    # Each line of the value is prefixed, so that none looks like one of ours.
    return "\n".join([*head, *(f"  | {redacted(line)}" for line in text.split("\n"))])


def _text(value: bytes | None) -> str:
    return "(none)" if value is None else value.decode("utf-8", "backslashreplace")


def _plain(value: bytes | None) -> Any:
    try:
        return value if value is None else value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
