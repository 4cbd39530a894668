"""What the demo shows: the worker's metrics, and its output topics as read from Kafka."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from worker.app import App
from worker.stream.batch import headers

WINDOW_S = 5.0


@dataclass(frozen=True)
class Sample:
    """The worker's counters at one moment."""

    at: float
    statuses: dict[str, float]
    cache: dict[str, float]
    intents: dict[str, float]
    buckets: dict[float, float]

    @classmethod
    def of(cls, app: App) -> Sample:
        families = {
            family.name.removeprefix("query_worker_"): family.samples
            for family in app.metrics.registry.collect()
        }

        def totals(name: str) -> dict[str, float]:
            return {
                next(iter(s.labels.values())): s.value
                for s in families[name]
                if s.name.endswith("_total")
            }

        buckets = {
            float(s.labels["le"]): s.value
            for s in families["event_seconds"]
            if s.name.endswith("_bucket")
        }
        statuses, cache = totals("events"), totals("cache_lookups")
        return cls(time.monotonic(), statuses, cache, totals("intents"), buckets)


@dataclass(frozen=True)
class Interval:
    """What happened between two samples."""

    first: Sample
    last: Sample

    @property
    def seconds(self) -> float:
        return self.last.at - self.first.at

    @property
    def events(self) -> float:
        return sum(self.last.statuses.values()) - sum(self.first.statuses.values())

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds if self.seconds else 0.0

    def intent_shares(self, labels: Iterable[str]) -> dict[str, float]:
        """Label → share of the published events."""
        counts = {
            label: self.last.intents.get(label, 0) - self.first.intents.get(label, 0)
            for label in labels
        }
        total = sum(counts.values())
        return {label: count / total if total else 0.0 for label, count in counts.items()}

    @property
    def hit_ratio(self) -> float:
        """Share of lookups that the cache answered."""
        lookups = {k: v - self.first.cache.get(k, 0) for k, v in self.last.cache.items()}
        total = sum(lookups.values())
        return lookups.get("hit", 0) / total if total else 0.0

    def latency_ms(self, quantile: float) -> float:
        """Quantile of the event latency, interpolated in its bucket as Prometheus does."""
        counts = {le: n - self.first.buckets.get(le, 0) for le, n in self.last.buckets.items()}
        edges = sorted(counts)
        rank = quantile * counts[edges[-1]]
        for below, above in pairwise([0.0, *edges]):
            inside = counts[above] - counts.get(below, 0)
            if counts[above] >= rank and inside:
                if above == float("inf"):
                    return below * 1000
                part = (rank - counts.get(below, 0)) / inside
                return round((below + part * (above - below)) * 1000, 1)
        return 0.0


@dataclass(frozen=True)
class Shown:
    """A record of the output topic, or of the dead-letter topic: then `rejected` is its reason."""

    query: str
    intent: str = "none"
    confidence: float = 0.0
    expansions: str = ""
    category: str = ""
    rejected: str = ""


@dataclass
class Observer:
    """Samples the metrics and keeps the newest events of the output and dead-letter topics."""

    app: App
    newest: deque[Shown] = field(default_factory=lambda: deque(maxlen=64))

    def __post_init__(self) -> None:
        self._first = Sample.of(self.app)
        self._recent: deque[Sample] = deque([self._first])
        self._stopping = threading.Event()

    def sample(self) -> None:
        self._recent.append(Sample.of(self.app))
        while len(self._recent) > 2 and self._recent[-1].at - self._recent[0].at > WINDOW_S:
            self._recent.popleft()

    def recent(self) -> Interval:
        """The last few seconds."""
        return Interval(self._recent[0], self._recent[-1])

    def whole(self) -> Interval:
        """Since the start."""
        return Interval(self._first, Sample.of(self.app))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read the output topics in a thread, as any consumer could."""
        thread = threading.Thread(target=self._read, name="demo-reader", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join(2.0)

    def _read(self) -> None:
        kafka = self.app.settings.kafka
        consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap_servers,
                "group.id": "demo-view",
                "enable.auto.commit": False,
                "queued.max.messages.kbytes": 1024,
            }
        )
        topics = consumer.list_topics(timeout=10).topics
        consumer.assign(
            [
                TopicPartition(name, number, OFFSET_BEGINNING)
                for name in (kafka.output_topic, kafka.dead_letter_topic)
                for number in topics[name].partitions
            ]
        )
        while not self._stopping.is_set():
            messages = [m for m in consumer.consume(500, 0.05) if m.error() is None]
            shown = (_shown(message, kafka.output_topic) for message in messages[-8:])
            self.newest.extend(filter(None, shown))
        consumer.close()


def _shown(message: Message, output_topic: str) -> Shown | None:
    """None for records in another format: any client may write to these topics."""
    try:
        return _event(message) if message.topic() == output_topic else _dead_letter(message)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _event(message: Message) -> Shown:
    event = orjson.loads(message.value())
    intent = event["intent"] or {"label": "none", "confidence": 0.0}
    terms = ", ".join(item["term"] for item in event["expansions"])
    category = event["categories"][0]["path"] if event["categories"] else ""
    label, confidence = _line(intent["label"]), float(intent["confidence"])
    return Shown(_line(event["query"]), label, confidence, _line(terms), _line(category))


def _dead_letter(message: Message) -> Shown:
    reason = dict(headers(message) or ())["x-error-type"].decode()
    raw = (message.value() or b"").decode("utf-8", "replace")
    return Shown(_line(raw), rejected=_line(reason))


def _line(text: str) -> str:
    """At most 120 printable characters."""
    return "".join(filter(str.isprintable, " ".join(text[:500].split())))[:120]
