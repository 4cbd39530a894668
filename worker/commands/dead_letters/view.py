"""How dead letters are shown: rows, tables, one in full. Safe for a terminal, whatever is in them.

A list never shows a query, only the length and hash of the record that holds it.
"""

from __future__ import annotations

import base64
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
from confluent_kafka import Message
from rich.console import Console
from rich.text import Text

from worker.commands.dead_letters.letter import FOREIGN, Letter
from worker.redact import redacted
from worker.stream.batch import headers

HEAD = [
    *("time", "record", "stage", "reason", "tries", "bytes", "sha256", "replayed", "message"),
]
SPARED = "sha256", "bytes", "tries", "stage", "replayed"  # on a narrow terminal, in this order
REMEDIES = {
    "null_value": "see that its producer sends no tombstones to this topic",
    "invalid_utf8": "let its producer send UTF-8, then produce it anew",
    "invalid_json": "let its producer send one JSON object a record, then produce it anew",
    "not_an_object": "let its producer send one JSON object a record, then produce it anew",
    "empty_value": "see that its producer sends no empty records to this topic",
    "compressed_value": "let its producer send JSON and set compression.type instead",
    "avro_value": "let its producer send one JSON object a record, then produce it anew",
    "schema_registry_framing": "let its producer use a JSON serializer without Schema Registry",
    "missing_query": "let its producer set `query`, then produce it anew",
    "query_not_text": "let its producer send `query` as a string, then produce it anew",
    "empty_query": "leave it here, or let its producer drop empty queries",
    "query_too_long": "raise understanding.max_query_chars and replay it, or leave it here",
    "too_many_marks": "leave it here: no writing stacks so many marks upon one letter",
    "value_too_large": "raise understanding.max_event_bytes and replay it, or leave it here",
    "nested_too_deeply": "let its producer nest less deeply, then produce it anew",
    "too_many_headers": "let its producer send fewer headers, then produce it anew",
    "headers_too_large": "let its producer send smaller headers, then produce it anew",
    "invalid_field": "let its producer mend the field that the message names, then produce it anew",
    "invalid_headers": "let its producer name headers in UTF-8; a replay goes without them",
    "model_rejected": "mend the model that the stage names, then replay it",
    "model_unavailable": "replay it when the model server is back",
    "output_refused": "raise the output topic's max.message.bytes, then replay it",
    "internal_error": "please report it; replay it with a newer version",
    "process_died": "look at the log for what ended the process; replay it with a newer version",
    FOREIGN: "this worker did not reject it, or could not tell why: ask who writes to this topic",
}
UNKNOWN = "mend what the message names, then replay it"


def when(time_ms: int) -> str:
    """RFC 3339 in UTC."""
    try:
        told = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):  # whatever a producer has set
        return f"{time_ms} ms"
    return told.replace("+00:00", "Z")


def row(letter: Letter, replayed: bool, topic: str) -> dict[str, Any]:
    """What `list --json` tells of a letter; `topic` is the input topic."""
    return {
        "time": when(letter.time_ms),
        "letter": str(letter.place),
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


def table(rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows, in their order; on a terminal each on one line of it."""
    lines = [HEAD, *([redacted(str(cell)) for cell in _cells(item)] for item in rows)]
    if not sys.stdout.isatty():
        click.echo("\n".join(_aligned(lines)))
        return
    console = Console()
    for line in _aligned(_narrowed(lines, console.width)):
        console.print(Text(line), no_wrap=True, overflow="ellipsis")


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def _narrowed(lines: Sequence[Sequence[str]], width: int) -> Sequence[Sequence[str]]:
    """The lines without columns that a narrow terminal has no room for: the message needs it."""
    kept = list(range(len(HEAD)))
    for name in SPARED:
        if max(map(len, _aligned([[line[n] for n in kept] for line in lines]))) <= width:
            break
        kept.remove(HEAD.index(name))
    return [[line[n] for n in kept] for line in lines]


def _cells(item: dict[str, Any]) -> list[Any]:
    """A row as the table has it; `show` takes either place."""
    shown = item | {
        "time": item["time"][:19] + "Z",
        "record": item["source"] or item["letter"],
        "replayed": "yes" if item["replayed"] else "",
    }
    return [shown[{"tries": "attempts"}.get(name, name)] for name in HEAD]


def summary(counts: Counter[str]) -> str:
    """`1,204 invalid_json, 3 empty_query`, the commonest first."""
    return ", ".join(f"{count:,} {redacted(name)}" for name, count in counts.most_common())


def details(record: Message, letter: Letter, replayed: bool, topic: str) -> dict[str, Any]:
    """What `show --json` tells: everything, bytes that are no UTF-8 as base64."""
    found = headers(record)
    told = None if found is None else [[name, _plain(value)] for name, value in found]
    return row(letter, replayed, topic) | {
        "mend": REMEDIES.get(letter.reason, UNKNOWN),
        "key": _plain(record.key()),
        "headers": told,
        "value": _plain(record.value()),
    }


def in_full(record: Message, letter: Letter, replayed: bool) -> str:
    """One letter for a reader: why, how to mend it, and all that it holds."""
    lines = [
        ("dead letter", letter.place),
        ("source", letter.source or "not told"),
        ("rejected", when(letter.time_ms)),
        ("stage", letter.stage),
        ("reason", letter.reason),
        ("message", letter.message),
        ("attempts", letter.attempts or "not told"),
        ("replayed", "yes" if replayed else "no"),
        ("how to mend", REMEDIES.get(letter.reason, UNKNOWN)),
        ("key", _told(record.key())),
    ]
    found = headers(record)
    if found is None:
        lines.append(("headers", "cannot be read: a name is not UTF-8"))
    lines += [("header", f"{name}: {_told(value)}") for name, value in found or ()]
    lines.append(("value", f"{letter.size:,} bytes, SHA-256 {letter.digest}..."))
    told = [f"{name:<12} {redacted(str(text))}".rstrip() for name, text in lines]
    if record.value() is None:
        return "\n".join([*told, "  (null)"])
    text = record.value().decode("utf-8", "backslashreplace")
    # Each line of the value is set off, so that none can pass for one of ours.
    return "\n".join([*told, *(f"  | {redacted(line)}" for line in text.split("\n"))])


def _told(value: bytes | None) -> str:
    return "(none)" if value is None else value.decode("utf-8", "backslashreplace")


def _plain(value: bytes | None) -> Any:
    try:
        return value if value is None else value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
