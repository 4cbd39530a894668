"""Reads the dead-letter topic: its letters, and which of them were replayed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.commands.dead_letters.letter import Letter, Position
from worker.commands.dead_letters.replay_markers import ReplayMarkers, marked_ranges
from worker.config.settings import Kafka
from worker.errors import Stop
from worker.stream.clients import consumer_properties
from worker.stream.kafka_errors import diagnose_connection, more_specific

TIMEOUT_S = 5.0
SILENCE_S = 30.0
ROUND, ROUND_S = 1000, 0.05
MISSING = KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION
DENIED = KafkaError.TOPIC_AUTHORIZATION_FAILED


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets of a partition, from `begin` to before `end`."""

    begin: int
    end: int


OffsetRanges = Mapping[int, OffsetRange]


@dataclass
class Found:
    """A dead letter; `earlier` are the previous ones of the same record."""

    record: Message
    letter: Letter
    replayed: bool = False
    earlier: list[Letter] = field(default_factory=list)


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
                "fetch.wait.max.ms": 50,  # a partition's end is reported after an empty fetch
                "fetch.queue.backoff.ms": 5,
                "auto.offset.reset": "earliest",
                "error_cb": self._on_error,
            }
        )

    def ranges(self, since_ms: int | None = None) -> OffsetRanges:
        """Partition → the offsets that it holds now, from the first at or after `since_ms`.

        All offsets if the broker cannot look them up by time.
        """
        try:
            held = {p: OffsetRange(*self._watermarks(p)) for p in self.partitions(self.topic)}
            if since_ms is None or not held:
                return held
            begins = self._begins(held, since_ms)
            # Below zero: no record is so new, or the broker has no time index, as the embedded one.
            if min(begins.values()) < 0 and max(self._begins(held, 0).values()) < 0:
                return held
        except KafkaException as error:
            raise self._stop(error.args[0]) from None
        return {
            number: OffsetRange(whole.end if begins[number] < 0 else begins[number], whole.end)
            for number, whole in held.items()
        }

    def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic."""
        try:
            metadata = self._client.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
        except KafkaException as error:
            raise self._stop(error.args[0]) from None
        if metadata.error is not None:
            raise self._stop(metadata.error, topic)
        return sorted(metadata.partitions)

    def records(self, ranges: OffsetRanges) -> Iterator[Message]:
        """All records in the ranges, also markers; each partition in the order of its offsets."""
        ends = {
            number: range_.end for number, range_ in ranges.items() if range_.begin < range_.end
        }
        begins = [TopicPartition(self.topic, number, ranges[number].begin) for number in ends]
        self._client.assign(begins)
        self._client.resume(begins)  # they may be paused since an earlier call
        heard_at = time.monotonic()
        while ends:
            for record in self._client.consume(ROUND, ROUND_S):
                # The end event also covers what is not returned, as a transaction's end.
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
                raise self._unreachable(f"no answer for {SILENCE_S:.0f} s")
        self._client.unassign()

    def letters(self, ranges: OffsetRanges) -> Iterator[tuple[Message, Letter]]:
        """The letters within the ranges, without the markers."""
        for record in self.records(ranges):
            if marked_ranges(record) is None:
                yield record, Letter.of(record)

    def markers(self, ranges: OffsetRanges) -> ReplayMarkers:
        """Which of the letters within the ranges were replayed."""
        markers = ReplayMarkers()
        for record in self.records(ranges):
            range_ = ranges[record.partition()]
            for first, last in marked_ranges(record) or ():
                first, last = max(first, range_.begin), min(last, range_.end - 1)
                if first <= last:
                    markers.add(record.partition(), first, last)
        return markers

    def close(self) -> None:
        self._client.close()

    def _begins(self, partitions: Iterable[int], since_ms: int) -> dict[int, int]:
        """Partition → its first offset at or after this time; below zero if there is none."""
        times = [TopicPartition(self.topic, number, since_ms) for number in partitions]
        offsets = self._client.offsets_for_times(times, timeout=TIMEOUT_S)
        return {item.partition: item.offset for item in offsets}

    def _watermarks(self, number: int) -> tuple[int, int]:
        """The first offset, and the end of the committed records."""
        partition = TopicPartition(self.topic, number)
        return self._client.get_watermark_offsets(partition, timeout=TIMEOUT_S)

    def _ended(self, record: Message) -> bool:
        """Whether this is the end of its partition; errors that can pass are ignored.

        Raises:
            Stop: the error stays. The group's rights do not matter: no group is used.
        """
        error = record.error()
        if error is None or error.code() == KafkaError._PARTITION_EOF:
            return error is not None
        if error.code() in (*MISSING, DENIED) or error.fatal():
            raise self._stop(error)
        return False

    def _stop(self, error: KafkaError, topic: str = "") -> Stop:
        topic = topic or self.topic
        is_input = topic == self._kafka.input_topic
        key, right = ("input_topic", "WRITE") if is_input else ("dead_letter_topic", "READ")
        if error.code() in MISSING:
            return Stop(
                f"topic {topic}: does not exist, or this user may not DESCRIBE it; "
                f"create it, add an ACL: {right} on topic {topic}, or correct kafka.{key}"
            )
        if error.code() == DENIED:
            return Stop(f"topic {topic}: {error.str()}; add an ACL: {right} on topic {topic}")
        return self._unreachable(error.str())

    def _unreachable(self, message: str) -> Stop:
        self._client.poll(0)
        why = diagnose_connection(self._kafka, self._last_error or message)
        return Stop(f"Kafka at {self._kafka.bootstrap_servers}: {why}")

    def _on_error(self, error: KafkaError) -> None:
        self._last_error = more_specific(error.str(), self._last_error)


def find(reader: Reader, wanted: Position) -> Found:
    """The letter at this position, or the newest letter of the record at this position.

    Raises:
        Stop: there is none.
    """
    found = _at(reader, wanted) if wanted.topic == reader.topic else _from(reader, wanted)
    position = found.letter.position
    behind = OffsetRange(position.offset, reader.ranges()[position.partition].end)
    found.replayed = position in reader.markers({position.partition: behind})
    return found


def _at(reader: Reader, wanted: Position) -> Found:
    ranges = reader.ranges()
    held = ranges.get(wanted.partition)
    if held is None:
        raise Stop(f"{wanted}: {wanted.topic} has only the partitions {sorted(ranges)}")
    if not held.begin <= wanted.offset < held.end:
        offsets = f"offsets {held.begin} to {held.end - 1}" if held.begin < held.end else "nothing"
        raise Stop(
            f"{wanted}: partition {wanted.partition} holds {offsets}; see `dead-letters list`"
        )
    only = {wanted.partition: OffsetRange(wanted.offset, wanted.offset + 1)}
    for record, letter in reader.letters(only):
        return Found(record, letter)
    raise Stop(f"{wanted}: not a dead letter but a replay marker, or the end of a transaction")


def _from(reader: Reader, wanted: Position) -> Found:
    found: Found | None = None
    for record, letter in reader.letters(reader.ranges()):
        if letter.source == wanted:
            earlier = [*found.earlier, found.letter] if found else []
            found = Found(record, letter, earlier=earlier)
    if found is None:
        raise Stop(
            f"{wanted}: {reader.topic} has no dead letter of this record; see `dead-letters list`"
        )
    return found
