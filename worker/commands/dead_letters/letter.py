"""A dead letter, and where records stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from confluent_kafka import Message

from worker.stream.batch import headers

FOREIGN = "foreign"  # the reason of a record that tells none
MESSAGE_CHARS = 500
PLACE = re.compile(r"([A-Za-z0-9._-]{1,249})-(\d{1,10})-(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """From `topic-partition-offset`; None when it is not that."""
        found = PLACE.fullmatch(text)
        return cls(found[1], int(found[2]), int(found[3])) if found else None


@dataclass(frozen=True, slots=True)
class Letter:
    """What a dead letter tells about itself.

    Attributes:
        time_ms: when it was rejected, Unix milliseconds; 0 when the broker does not know.
        source: where the record came from; None in a foreign record, which this worker did not
            reject, or could not tell why.
        attempts: how often it was rejected, 0 when it does not tell.
        size: bytes of the value.
        digest: the beginning of the value's SHA-256, in hex.
        readable: False when the names of its headers are not UTF-8; they cannot be sent again.
    """

    time_ms: int
    place: Place
    source: Place | None
    stage: str
    reason: str
    message: str
    attempts: int
    size: int
    digest: str
    readable: bool

    @classmethod
    def of(cls, record: Message) -> Letter:
        found = headers(record)
        told = dict(found or ())
        value = record.value() or b""
        source = Place.parse(
            "-".join(_text(told.get(f"x-source-{n}")) for n in ("topic", "partition", "offset"))
        )
        return cls(
            max(record.timestamp()[1], 0),
            Place(record.topic(), record.partition(), record.offset()),
            source,
            _text(told.get("x-error-stage")),
            _text(told.get("x-error-type")) or FOREIGN,
            _text(told.get("x-error-message")),
            _number(told.get("x-attempts")),
            len(value),
            sha256(value).hexdigest()[:12],
            found is not None,
        )


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")[:MESSAGE_CHARS]


def _number(value: bytes | None) -> int:
    return int(value) if value and value.isdigit() and len(value) < 10 else 0
