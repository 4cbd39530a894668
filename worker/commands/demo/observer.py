"""What the demo shows: the worker's metrics, and its output topics as read from Kafka."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from worker.app import App
from worker.stream.batch import headers

WINDOW_S = 5.0


@dataclass(frozen=True)
class Interval:
    """What happened in some seconds: (metric, label) → by how much it grew."""

    seconds: float
    counts: Counter[tuple[str, str]]

    @property
    def rate(self) -> float:
        """Events per second."""
        return sum(self.of("events_total").values()) / self.seconds if self.seconds else 0.0

    @property
    def hit_ratio(self) -> float:
        """Share of lookups that the cache answered."""
        return self.shares("cache_lookups_total").get("hit", 0.0)

    def of(self, metric: str) -> dict[str, float]:
        """Label → count."""
        return {label: count for (name, label), count in self.counts.items() if name == metric}

    def shares(self, metric: str) -> dict[str, float]:
        """Label → share of the metric's total."""
        counts = self.of(metric)
        total = sum(counts.values())
        return {label: count / total if total else 0.0 for label, count in counts.items()}

    def latency_ms(self, quantile: float) -> float:
        """Quantile of the event latency, interpolated in its bucket as Prometheus does."""
        counts = {float(le): n for le, n in self.of("event_seconds_bucket").items()}
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
        self._first = self._sample()
        self._recent = deque([self._first])

    def sample(self) -> None:
        self._recent.append(self._sample())
        while len(self._recent) > 2 and self._recent[-1][0] - self._recent[0][0] > WINDOW_S:
            self._recent.popleft()

    def recent(self) -> Interval:
        """The last few seconds."""
        return _between(self._recent[0], self._recent[-1])

    def whole(self) -> Interval:
        """Since the start."""
        return _between(self._first, self._sample())

    def _sample(self) -> tuple[float, Counter[tuple[str, str]]]:
        """The time, and the value of every series with one label."""
        values = {
            (sample.name.removeprefix("query_worker_"), *sample.labels.values()): sample.value
            for family in self.app.metrics.registry.collect()
            for sample in family.samples
            if len(sample.labels) == 1
        }
        return time.monotonic(), Counter(values)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read the output topics in a thread, as any consumer could."""
        stopping = threading.Event()
        thread = threading.Thread(target=self._read, args=(stopping,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join(2.0)

    def _read(self, stopping: threading.Event) -> None:
        kafka = self.app.settings.kafka
        servers = {"bootstrap.servers": kafka.bootstrap_servers}
        consumer = Consumer(servers | {"group.id": "demo-view", "enable.auto.commit": False})
        topics = consumer.list_topics(timeout=10).topics
        partitions = [
            TopicPartition(name, number, OFFSET_BEGINNING)
            for name in (kafka.output_topic, kafka.dead_letter_topic)
            for number in topics[name].partitions
        ]
        consumer.assign(partitions)
        while not stopping.is_set():
            messages = [m for m in consumer.consume(500, 0.05) if m.error() is None]
            shown = (_shown(message, kafka.output_topic) for message in messages[-8:])
            self.newest.extend(filter(None, shown))
        consumer.close()


def _between(first: tuple[float, Counter], last: tuple[float, Counter]) -> Interval:
    grown = Counter(last[1])
    grown.subtract(first[1])
    return Interval(last[0] - first[0], grown)


def _shown(message: Message, output_topic: str) -> Shown | None:
    """None for records in another format: any client may write to these topics."""
    try:
        return _event(message) if message.topic() == output_topic else _dead_letter(message)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _event(message: Message) -> Shown:
    event = orjson.loads(message.value())
    unserved = f"language {event['language']}" if event["status"] == "complete" else "none"
    intent = event["intent"] or {"label": unserved, "confidence": 0.0}
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
