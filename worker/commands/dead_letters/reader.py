"""The dead-letter topic, read: its letters, and which of them were replayed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.commands.dead_letters.letter import Letter
from worker.commands.dead_letters.replay_markers import Marks, marked
from worker.config.settings import Kafka
from worker.errors import Stop
from worker.stream.clients import consumer_properties

TIMEOUT_S = 5.0
SILENCE_S = 30.0
ROUND, ROUND_S = 1000, 0.05
MISSING = KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION
DENIED = KafkaError.TOPIC_AUTHORIZATION_FAILED


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
                "fetch.queue.backoff.ms": 5,  # we wait for nothing but the fetches
                "auto.offset.reset": "earliest",
                "error_cb": self._on_error,
            }
        )

    def spans(self, since_ms: int | None = None) -> Spans:
        """What the topic holds now, from the first record that is not older than `since_ms`.

        All of it where the broker cannot find records by their time.
        """
        try:
            found = {p: Span(*self._watermarks(p)) for p in self.partitions(self.topic)}
            if since_ms is None or not found:
                return found
            begins = self._begins(found, since_ms)
            # Below zero: nothing is so young, or the broker knows no times, as the embedded one.
            if min(begins.values()) < 0 and max(self._begins(found, 0).values()) < 0:
                return found
        except KafkaException as error:
            raise self._stop(error.args[0]) from None
        return {
            number: Span(span.end if begins[number] < 0 else begins[number], span.end)
            for number, span in found.items()
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
            if marked(record) is None:
                yield record, Letter.of(record)

    def marks(self, spans: Spans) -> Marks:
        """Which of the letters within the spans were replayed."""
        found = Marks()
        for record in self.records(spans):
            span = spans[record.partition()]
            for first, last in marked(record) or ():
                first, last = max(first, span.begin), min(last, span.end - 1)
                if first <= last:
                    found.add(record.partition(), first, last)
        return found

    def close(self) -> None:
        self._client.close()

    def _begins(self, partitions: Iterable[int], since_ms: int) -> dict[int, int]:
        """Partition → its first record that is not older; below zero where there is none."""
        times = [TopicPartition(self.topic, number, since_ms) for number in partitions]
        found = self._client.offsets_for_times(times, timeout=TIMEOUT_S)
        return {item.partition: item.offset for item in found}

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
