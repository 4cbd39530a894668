"""Dead letters, from records and their headers, and which of them a command selects."""

from __future__ import annotations

import re
import time
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from confluent_kafka import Message

from worker.stream.batch import headers

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
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

    @property
    def age(self) -> tuple[int, Position]:
        """Orders letters from the oldest to the newest."""
        return self.time_ms, self.position

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


@dataclass(frozen=True)
class Filters:
    """Filters; an empty one selects everything.

    Attributes:
        since_ms, until_ms: of the rejection, Unix milliseconds; `until_ms` is exclusive.
        partitions: of the source topic.
    """

    reasons: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    partitions: frozenset[int] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None

    def __contains__(self, letter: Letter) -> bool:
        source = letter.source.partition if letter.source else None
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.stages or letter.stage in self.stages)
            and (not self.partitions or source in self.partitions)
            and (self.since_ms is None or letter.time_ms >= self.since_ms)
            and (self.until_ms is None or letter.time_ms < self.until_ms)
        )


@dataclass(frozen=True)
class ReplayRules:
    """Which selected letters a replay skips.

    Attributes:
        topic: the input topic; letters of another topic are foreign.
        max_attempts: skip letters rejected this many times or more.
        again: include letters that were replayed before.
        foreign: include letters that this worker did not reject.
    """

    topic: str
    max_attempts: int
    again: bool = False
    foreign: bool = False

    def left_out(self, letter: Letter, replayed: Container[Position]) -> str | None:
        """Why a letter is skipped; None if it is to be replayed."""
        if not letter.readable:
            return "its headers cannot be read, so they cannot be sent again"
        if not self.foreign and (letter.source is None or letter.source.topic != self.topic):
            return f"not rejected from {self.topic} (--foreign sends it)"
        if not self.again and letter.position in replayed:
            return "replayed before (--again sends it again)"
        if letter.attempts >= self.max_attempts:
            return f"rejected {self.max_attempts} times or more (--max-attempts)"
        return None


def moment(text: str, now: float | None = None) -> int:
    """Unix milliseconds of an RFC 3339 time, or of a duration before now: `90s`, `2h`, `7d`.

    Raises:
        ValueError: it is neither.
    """
    if duration := re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII):
        before = int(duration[1]) * UNITS[duration[2]]
        return max(int(((time.time() if now is None else now) - before) * 1000), 0)
    time_ = datetime.fromisoformat(text)
    if time_.tzinfo is None or "T" not in text.upper().replace(" ", "T"):
        raise ValueError("without a time zone")
    return max(int(time_.timestamp() * 1000), 0)
