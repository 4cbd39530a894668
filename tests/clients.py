"""Kafka clients that answer when a test says so, and the parts of the stream on them."""

from __future__ import annotations

import json
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from worker.config.load import load_settings
from worker.config.settings import Settings
from worker.event import Enrichment
from worker.metrics import Metrics
from worker.stream import blocking, commits, kafka_thread, lanes, producer
from worker.stream import consumer as consumers
from worker.stream.backpressure import MissWindow
from worker.stream.batch import Batch
from worker.stream.commits import Commits
from worker.stream.connectivity import Connectivity
from worker.stream.counts import Counts, Totals
from worker.stream.delivery import exactly_once
from worker.stream.delivery.at_least_once import AtLeastOnce
from worker.stream.delivery.base import Delivery
from worker.stream.delivery.exactly_once import ExactlyOnce
from worker.stream.kafka_thread import KafkaThread
from worker.stream.lanes import Lanes
from worker.stream.offsets import Offsets
from worker.stream.rejection_limits import DeadLetterLimits
from worker.understanding.cache import SeenQueries
from worker.understanding.deadline import Deadline
from worker.understanding.fast_lane import FastLane

SEEN = Enrichment(b'"provenance":{"cached":', "browse")
MAX_BYTES = 1_000_000
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
    """

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
        asked: how often the last commits were asked for.
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
        self.asked += 1
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

    incremental_assign = incremental_unassign = subscribe


class Seen:
    """In place of the pipeline: its fast lane knows the query `seen`."""

    def __init__(self, max_age_ms: int = 0) -> None:
        self.snapshot = SimpleNamespace(deadline=Deadline(max_age_ms, "pass"))
        self.seen = SeenQueries(100_000)
        self.seen.put(("seen", None), SEEN)
        self.hits = 0

    def fast_lane(self, max_bytes: int) -> FastLane:
        return FastLane(self.seen, min(max_bytes, MAX_BYTES))

    def count_hits(self, count: int) -> None:
        self.hits += count


class Clock:
    """Seconds that pass at a word."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Parts:
    """The stream's parts, with partitions 0 and 1 assigned.

    Attributes:
        submitted: batches for the pipeline, in the order in which they were submitted.
        learned: notes of what the dead-letter limits of an earlier owner counted.
        failures: what would end the worker.
    """

    settings: Settings
    offsets: Offsets
    delivery: Delivery
    counts: Counts
    totals: Totals
    window: MissWindow
    metrics: Metrics
    lanes: Lanes
    commits: Commits
    consumer: FakeConsumer
    clock: Clock
    submitted: list[Batch]
    learned: list[str] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    @property
    def client(self) -> FakeProducer:
        return self.delivery.producer.client

    def take(self, *records: Message, may_produce: bool = True) -> None:
        """A round of records."""
        groups: dict[int, list[Message]] = {}
        for one in records:
            groups.setdefault(one.partition(), []).append(one)
        self.lanes.take(groups, self.clock.now, may_produce)

    def answer(self, batch: Batch, result: Any) -> None:
        """The pipeline's result, the same for every miss of the batch."""
        batch.results = [result if found is None else found for found in batch.results]
        self.lanes.finished.put(batch)
        self.lanes.wait(0.0)

    def advance(self, seconds: float = 0.0) -> bool:
        """A turn of the commits, after this time."""
        self.clock.now += seconds
        return self.commits.advance(self.consumer, self.clock.now)

    def places(self) -> list[tuple[int, int]]:
        """Partition and offset of what was produced, in order."""
        return [place(sent) for sent in self.client.sent]


def place(sent: Sent) -> tuple[int, int]:
    """Partition and offset of the input, which in the fast lane only the query's id names."""
    one = sent.callback.args[1]
    if one is not None:
        return one.partition(), one.offset()
    partition, offset = json.loads(sent.value)["query_id"].split("-")
    return int(partition), int(offset)


def parts(*assignments: str, limits: dict[str, int] | None = None, max_age_ms: int = 0) -> Parts:
    """The parts, ready to produce; inside of `clients`.

    Args:
        limits: topic → `max.message.bytes`.
    """
    chosen = load_settings(None, {}, assignments)
    kafka, metrics, offsets, totals = chosen.kafka, Metrics(), Offsets(), Totals()
    kind = ExactlyOnce if kafka.delivery == "exactly-once" else AtLeastOnce
    delivery, counts, window = kind(kafka, metrics), Counts(metrics, totals), MissWindow()
    submitted: list[Batch] = []
    made = Lanes(
        *(Seen(max_age_ms), offsets, delivery, counts),
        *(DeadLetterLimits(chosen.dead_letters), window, metrics, submitted.extend),
    )
    delivery.producer._limits = limits or {}
    delivery.prepare()
    found = Commits(kafka, offsets, delivery, counts, Connectivity(kafka), metrics)
    found.note = lambda: ALIVE
    offsets.assign([0, 1])
    for _, partition in offsets.items():
        partition.needs_seek = False
    return Parts(
        *(chosen, offsets, delivery, counts, totals, window, metrics, made, found),
        *(FakeConsumer(), commits.monotonic, submitted),
    )


def stream(consumer: FakeConsumer | None = None, *assignments: str) -> tuple[KafkaThread, Parts]:
    """The Kafka thread, which the test turns, and its parts; inside of `clients`."""
    found = parts(*assignments)
    found.consumer = consumer or found.consumer
    thread = KafkaThread(
        *(found.settings, found.offsets, found.lanes, found.commits, found.window),
        *(Connectivity(found.settings.kafka), found.metrics),
        consumed=lambda _: None,
        fail=found.failures.append,
        learn=found.learned.append,
    )
    found.commits.note = lambda: ALIVE  # to tell these commits from notes
    with patch.object(consumers, "Consumer", lambda _: found.consumer):
        thread._consumer.join(thread._on_assign, thread._on_revoke, thread._on_lost)
    for number in found.offsets.owned():
        nothing = TopicPartition("queries", number, -1001, metadata="")
        thread._poison.learn(found.consumer, nothing)
    return thread, found


@contextmanager
def clients():
    """The stream's clients and clock are those of this file."""
    clock = Clock()
    with (
        patch.object(producer, "Producer", FakeProducer),
        patch.object(blocking, "call", lambda work, *given, timeout_s: work(*given)),
        patch.object(exactly_once, "sleep", lambda _: None),
        patch.object(producer, "monotonic", clock),
        patch.object(commits, "monotonic", clock),
        patch.object(lanes, "monotonic", clock),
        patch.object(kafka_thread, "monotonic", clock),
    ):
        yield clock
