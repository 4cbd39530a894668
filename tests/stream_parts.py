"""The parts of the stream on clients that answer when a test says so."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from confluent_kafka import Message, TopicPartition

from tests.clients import ALIVE, FakeConsumer, FakeProducer, place
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
        counted: the note of what ours counted.
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
    counted: str = ""
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
        self.lanes.collect_finished(0.0)

    def advance(self, seconds: float = 0.0) -> bool:
        """A turn of the commits, after this time."""
        self.clock.now += seconds
        return self.commits.advance(self.consumer, self.clock.now)

    def places(self) -> list[tuple[int, int]]:
        """Partition and offset of what was produced, in order."""
        return [place(sent) for sent in self.client.sent]


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
        counted=lambda: found.counted,
    )
    found.commits.note = lambda: ALIVE  # to tell these commits from notes
    with patch.object(consumers, "Consumer", lambda _: found.consumer):
        thread._consumer.join(thread._on_assign, thread._on_revoke, thread._on_lost)
    for number in found.offsets.owned():
        nothing = TopicPartition("queries", number, -1001, metadata="")
        thread._poison.assigned(found.consumer, nothing)
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
