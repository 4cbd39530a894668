"""Kafka clients that answer when a test says so, and records for them."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from worker.stream.consumer import NO_PARTITION

ALIVE = "progress"  # the metadata of commits of progress


def failed(code: int, **flags: bool) -> KafkaException:
    """The exception of a client's call."""
    return KafkaException(KafkaError(code, "planned", **flags))


def record(
    offset: int,
    query: str = "new",
    partition: int = 0,
    time_ms: int = 1,
    headers: list | None = None,
    more: bytes = b"",
) -> Message:
    """An input; `seen` is answered by the fast lane of `Seen`."""
    value = b'{"query":"%b","query_id":"%d-%d"%b}' % (query.encode(), partition, offset, more)
    return Message(
        topic="queries",
        partition=partition,
        offset=offset,
        key=b"k",
        value=value,
        timestamp=(1, time_ms),
        headers=headers,
    )


@dataclass
class Sent:
    """What a producer was given."""

    topic: str
    value: bytes | None
    key: bytes | None
    time_ms: int
    headers: list
    callback: Any = field(repr=False)


class FakeProducer:
    """Confirms what waits in its queue in `flush` and `confirm`.

    Attributes:
        room: records that may wait.
        stuck: the broker is away: `flush` confirms nothing.
        refusals: value → the error that it gets in place of a confirmation.
        faults: name of a transactional call → exceptions that its next calls raise.
        calls: the names of the transactional calls.
        topics: that the cluster has; None while it does not answer.
    """

    topics: tuple[str, ...] | None = ("queries", "queries.enriched", "queries.dead-letters")

    def __init__(self, properties: dict | None = None) -> None:
        self.properties = properties or {}
        self.queue: deque[Sent] = deque()
        self.sent: list[Sent] = []
        self.room, self.stuck, self.dead = 10_000, False, False
        self.refusals: dict[bytes | None, int] = {}
        self.faults: dict[str, list[KafkaException]] = {}
        self.calls: list[str] = []

    def produce(self, topic, value, key, partition, callback, on_delivery, time, headers) -> None:
        if len(self.queue) >= self.room:
            raise BufferError
        self.sent.append(Sent(topic, value, key, time, headers or [], callback))
        self.queue.append(self.sent[-1])

    def confirm(self, count: int = 10_000) -> None:
        """Answer the oldest of the queue."""
        for _ in range(min(count, len(self.queue))):
            sent = self.queue.popleft()
            code = self.refusals.get(sent.value)
            sent.callback(None if code is None else KafkaError(code, "planned"), None)

    def poll(self, _timeout_s: float = 0.0) -> int:
        if self.dead:
            raise failed(KafkaError._FATAL, fatal=True)
        return 0

    def flush(self, _timeout_s: float) -> int:
        if not self.stuck:
            self.confirm()
        return len(self.queue)

    def list_topics(self, timeout: float) -> SimpleNamespace:
        if self.topics is None:
            raise failed(KafkaError._TRANSPORT)
        return SimpleNamespace(topics=self.topics)

    def purge(self) -> None:
        self.queue.clear()

    def __len__(self) -> int:
        return len(self.queue)

    def __getattr__(self, name: str) -> Any:
        """The transactional calls."""
        if not name.endswith(("_transaction", "_transactions")):
            raise AttributeError(name)

        def call(*_: object) -> None:
            self.calls.append(name)
            if self.faults.get(name):
                raise self.faults[name].pop(0)

        call.__name__ = name
        return call


class FakeConsumer:
    """Hands out `left`, and remembers what it is asked.

    Attributes:
        commits: partition → offset of each commit that came without a note.
        notes: partition, offset and note of the others.
        known: partition → its last commit as the group has it, with a note.
        unknown: the group does not say what the last commits are.
        faults: exceptions that the next commits raise.
        asked: how often the last commits of partitions were asked for.
    """

    def __init__(self, records: list[Message] | tuple = ()) -> None:
        self.left = list(records)
        self.commits: list[dict[int, int]] = []
        self.notes: list[tuple[int, int, str]] = []
        self.known: dict[int, tuple[int, str]] = {}
        self.unknown, self.asked = False, 0
        self.faults: list[KafkaException] = []
        self.paused: set[int] = set()
        self.sought: list[tuple[int, int]] = []
        self.before_commit = lambda: None

    def consume(self, count: int, _timeout_s: float) -> list[Message]:
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        if not (offsets[0].metadata or "").startswith(ALIVE):
            self.notes += [(one.partition, one.offset, one.metadata) for one in offsets]
            return
        self.before_commit()
        if self.faults:
            raise self.faults.pop(0)
        self.commits.append({one.partition: one.offset for one in offsets})

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        self.asked += any(place.partition != NO_PARTITION for place in places)
        if self.unknown:
            raise failed(KafkaError._TIMED_OUT)
        return [self._known(place) for place in places]

    def get_watermark_offsets(self, place: TopicPartition, cached: bool) -> tuple[int, int]:
        return 0, 0

    def list_topics(self, topic: str, timeout: float) -> SimpleNamespace:
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions={0: None, 1: None})})

    def _known(self, place: TopicPartition) -> TopicPartition:
        offset, note = self.known.get(place.partition, (-1001, ""))
        return TopicPartition(place.topic, place.partition, offset, metadata=note)

    def seek(self, place: TopicPartition) -> None:
        self.sought.append((place.partition, place.offset))

    def pause(self, places: list[TopicPartition]) -> None:
        self.paused |= {place.partition for place in places}

    def resume(self, places: list[TopicPartition]) -> None:
        self.paused -= {place.partition for place in places}

    def consumer_group_metadata(self) -> str:
        return "member"

    def subscribe(self, *_: object, **__: object) -> None:
        """Its partitions come as the test says."""

    incremental_assign = incremental_unassign = close = subscribe


class Rebalanced(FakeConsumer):
    """Calls back while it fetches, as librdkafka does."""

    during = None

    def consume(self, count, timeout_s):
        work, self.during = self.during, None
        if work is not None:
            work()
        return super().consume(count, timeout_s)


def place(sent: Sent) -> tuple[int, int]:
    """Partition and offset of the input, which in the fast lane only the query's id names."""
    one = sent.callback.args[1]
    if one is not None:
        return one.partition(), one.offset()
    partition, offset = json.loads(sent.value)["query_id"].split("-")
    return int(partition), int(offset)
