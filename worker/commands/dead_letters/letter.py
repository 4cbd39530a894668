"""A dead letter and its position, from the record and its headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from confluent_kafka import Message

from worker.stream.batch import headers

FOREIGN = "foreign"  # reason of a record without one in its headers
MESSAGE_CHARS = 500
POSITION = re.compile(r"([A-Za-z0-9._-]{1,249})-(\d{1,10})-(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Topic, partition and offset of a record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """From `topic-partition-offset`; None for other text."""
        match = POSITION.fullmatch(text)
        return cls(match[1], int(match[2]), int(match[3])) if match else None


@dataclass(frozen=True, slots=True)
class Letter:
    """The fields of a dead letter.

    Attributes:
        time_ms: when it was rejected, Unix milliseconds; 0 if unknown.
        source: position of the rejected record; None in a foreign letter, which has no headers of
            this worker.
        attempts: how often it was rejected; 0 if unknown.
        size: of the value, bytes.
        digest: first 12 hex digits of the value's SHA-256.
        readable: False if header names are not UTF-8; they cannot be sent again.
    """

    time_ms: int
    position: Position
    source: Position | None
    stage: str
    reason: str
    message: str
    attempts: int
    size: int
    digest: str
    readable: bool

    @classmethod
    def of(cls, record: Message) -> Letter:
        items = headers(record)
        named = dict(items or ())
        value = record.value() or b""
        source = Position.parse(
            "-".join(_text(named.get(f"x-source-{n}")) for n in ("topic", "partition", "offset"))
        )
        return cls(
            max(record.timestamp()[1], 0),
            Position(record.topic(), record.partition(), record.offset()),
            source,
            _text(named.get("x-error-stage")),
            _text(named.get("x-error-type")) or FOREIGN,
            _text(named.get("x-error-message")),
            _number(named.get("x-attempts")),
            len(value),
            sha256(value).hexdigest()[:12],
            items is not None,
        )


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")[:MESSAGE_CHARS]


def _number(value: bytes | None) -> int:
    return int(value) if value and value.isdigit() and len(value) < 10 else 0
