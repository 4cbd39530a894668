"""The dead-letter topic, read: its letters, and the marks of those that were replayed.

A mark is a record of the dead-letter topic itself, in the partition of the letters that it names
and behind them, so that retention never takes it away before them. It has a key of its own and a
value: a compacted topic keeps it too. `Sink.dead_letter` takes its header from whatever comes in:
only who may write to the dead-letter topic can make one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import uuid4

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.errors import Stop
from worker.settings import Kafka
from worker.stream.batch import MARK, headers
from worker.stream.clients import consumer_properties

REPLAYED_FROM = "x-replayed-from"
ATTEMPTS = "x-attempts"
TIMEOUT_S = 5.0
SILENCE_S = 30.0
ROUND, ROUND_S = 1000, 0.05
FOREIGN = "foreign"  # the reason of a record that tells none
MESSAGE_CHARS = 500
BLOCK = 12  # offsets of a block of marks, as a power of two
MISSING = KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION
DENIED = KafkaError.TOPIC_AUTHORIZATION_FAILED
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
            _number(told.get(ATTEMPTS)),
            len(value),
            sha256(value).hexdigest()[:12],
            found is not None,
        )


class Marks:
    """Which letters were replayed: a bit for each offset, so that millions fit."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, int], int] = {}

    def add(self, partition: int, first: int, last: int) -> None:
        """Mark the offsets from `first` to `last`, both included."""
        for block in range(first >> BLOCK, (last >> BLOCK) + 1):
            begin = max(first - (block << BLOCK), 0)
            end = min(last + 1 - (block << BLOCK), 1 << BLOCK)
            bits = (1 << end) - (1 << begin)
            self._blocks[partition, block] = self._blocks.get((partition, block), 0) | bits

    def __contains__(self, place: Place) -> bool:
        bits = self._blocks.get((place.partition, place.offset >> BLOCK), 0)
        return bool(bits >> (place.offset & (1 << BLOCK) - 1) & 1)


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of a partition, from `begin` to before `end`."""

    begin: int
    end: int


Spans = Mapping[int, Span]


class Reader:
    """Reads the dead-letter topic, committed records only; joins no group and commits nothing.

    Raises (every method):
        Stop: the topic cannot be read; names the remedy.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._kafka, self.topic = kafka, kafka.dead_letter_topic
        self._last_error = ""
        self._client = Consumer(
            consumer_properties(kafka)
            | {
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,  # the end is told only when a fetch was waited for
                "auto.offset.reset": "earliest",
                "error_cb": self._on_error,
            }
        )

    def spans(self, since_ms: int | None = None) -> Spans:
        """What the topic holds now, from the first record that is not older than `since_ms`."""
        try:
            found = {p: Span(*self._watermarks(p)) for p in self.partitions(self.topic)}
            if since_ms is None or not found:
                return found
            times = [TopicPartition(self.topic, number, since_ms) for number in found]
            begins = self._client.offsets_for_times(times, timeout=TIMEOUT_S)
        except KafkaException as error:
            raise self._stop(error.args[0]) from None
        # Below zero: nothing is so young.
        return {
            item.partition: Span(
                found[item.partition].end if item.offset < 0 else item.offset,
                found[item.partition].end,
            )
            for item in begins
        }

    def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic."""
        try:
            found = self._client.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
        except KafkaException as error:
            raise self._stop(error.args[0]) from None
        if found.error is not None:
            raise self._stop(found.error, topic)
        return sorted(found.partitions)

    def records(self, spans: Spans) -> Iterator[Message]:
        """Everything within the spans, marks too; each partition in the order of its offsets."""
        ends = {number: span.end for number, span in spans.items() if span.begin < span.end}
        begins = [TopicPartition(self.topic, number, spans[number].begin) for number in ends]
        self._client.assign(begins)
        self._client.resume(begins)  # a pause outlives the reading before this one
        heard_at = time.monotonic()
        while ends:
            for record in self._client.consume(ROUND, ROUND_S):
                # What is behind the last record, a transaction's end for one, is never given out.
                ended = self._ended(record)
                number = record.partition()
                if not ended and record.error() is not None:
                    continue
                if not ended and record.offset() < ends.get(number, 0):
                    yield record
                if number in ends and (ended or record.offset() + 1 >= ends[number]):
                    del ends[number]
                    self._client.pause([TopicPartition(self.topic, number)])
                heard_at = time.monotonic()
            if time.monotonic() - heard_at > SILENCE_S:
                raise self._away(f"no answer for {SILENCE_S:.0f} s")
        self._client.unassign()

    def letters(self, spans: Spans) -> Iterator[tuple[Message, Letter]]:
        """The letters within the spans, without the marks."""
        for record in self.records(spans):
            if _marked(record) is None:
                yield record, Letter.of(record)

    def marks(self, spans: Spans) -> Marks:
        """Which of the letters within the spans were replayed."""
        found = Marks()
        for record in self.records(spans):
            span = spans[record.partition()]
            for first, last in _marked(record) or ():
                first, last = max(first, span.begin), min(last, span.end - 1)
                if first <= last:
                    found.add(record.partition(), first, last)
        return found

    def close(self) -> None:
        self._client.close()

    def _watermarks(self, number: int) -> tuple[int, int]:
        """The end is that of the committed records."""
        place = TopicPartition(self.topic, number)
        return self._client.get_watermark_offsets(place, timeout=TIMEOUT_S)

    def _ended(self, record: Message) -> bool:
        """Whether this tells the end of its partition; ends at what does not pass by itself.

        The group's rights do not matter, since it is not used.
        """
        error = record.error()
        if error is None or error.code() == KafkaError._PARTITION_EOF:
            return error is not None
        if error.code() in (*MISSING, DENIED) or error.fatal():
            raise self._stop(error)
        return False

    def _stop(self, error: KafkaError, topic: str = "") -> Stop:
        topic = topic or self.topic
        given = topic == self._kafka.input_topic
        key, right = ("input_topic", "WRITE") if given else ("dead_letter_topic", "READ")
        if error.code() in MISSING:
            return Stop(
                f"topic {topic}: does not exist, or this user may not DESCRIBE it; "
                f"create it, add an ACL: {right} on topic {topic}, or mend kafka.{key}"
            )
        if error.code() == DENIED:
            return Stop(f"topic {topic}: {error.str()}; add an ACL: {right} on topic {topic}")
        return self._away(error.str())

    def _away(self, told: str) -> Stop:
        self._client.poll(0)
        return Stop(
            f"Kafka at {self._kafka.bootstrap_servers}: {self._last_error or told}; "
            "start it, or mend kafka.bootstrap_servers and [kafka.client]"
        )

    def _on_error(self, error: KafkaError) -> None:
        self._last_error = error.str()


def mark(offsets: list[int]) -> dict:
    """The mark of a partition's letters at `offsets`, as arguments of `produce`."""
    ranges: list[list[int]] = []
    for offset in sorted(offsets):
        if ranges and ranges[-1][1] + 1 == offset:
            ranges[-1][1] = offset
        else:
            ranges.append([offset, offset])
    return {
        "key": f"{MARK} {uuid4().hex}".encode(),
        "value": msgspec.json.encode(ranges),
        "headers": [(MARK, b"offsets of this partition, from and to")],
    }


def _marked(record: Message) -> list[tuple[int, int]] | None:
    """The ranges of a mark; None when the record is none."""
    if MARK not in dict(headers(record) or ()):
        return None
    try:
        return msgspec.json.decode(record.value() or b"", type=list[tuple[int, int]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")[:MESSAGE_CHARS]


def _number(value: bytes | None) -> int:
    return int(value) if value and value.isdigit() and len(value) < 10 else 0
