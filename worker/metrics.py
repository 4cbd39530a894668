"""The worker's metrics: one declared vocabulary, with unit and meaning.

Every series is declared here and nowhere else; dashboards and alerts are checked against it.
Label children on hot paths are kept by the caller (`labels()` costs more than `inc()`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.utils import floatToGoString

disable_created_metrics()  # a second series for each one, which shows only when it began

SECONDS = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075,
    0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
RATIO = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class CountedHistogram:
    """A histogram without labels whose observations come many at a time.

    prometheus_client's own takes one value a call, under a lock.
    """

    def __init__(
        self, name: str, meaning: str, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._meaning, self._bounds = name, meaning, [*buckets, math.inf]
        self._counts, self._sum = [0] * len(self._bounds), 0.0
        registry.register(self)

    def observe(self, value: float, count: int = 1) -> None:
        """Observe `value` `count` times; for one thread."""
        self._counts[bisect_left(self._bounds, value)] += count
        self._sum += value * count

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The series, as prometheus_client asks for them."""
        sums = accumulate(self._counts)
        buckets = [(floatToGoString(b), n) for b, n in zip(self._bounds, sums, strict=True)]
        yield HistogramMetricFamily(self._name, self._meaning, buckets, self._sum)


class Metrics:
    """All series of one worker, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # its start time shows a restart loop

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"query_worker_{name}", meaning, labels, registry=self.registry)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"query_worker_{name}", meaning, labels, registry=self.registry)

        def histogram(name: str, meaning: str, buckets: tuple, *labels: str) -> Histogram:
            return Histogram(
                f"query_worker_{name}", meaning, labels, buckets=buckets, registry=self.registry
            )

        self.consumed = counter("records_consumed", "Records taken from the input topic")
        self.events = counter(
            "events",
            "Events confirmed by Kafka: complete, degraded, dead_lettered; or skipped, being late",
            "status",
        )
        self.event_seconds = CountedHistogram(
            "query_worker_event_seconds",
            "Time from the fetch of a record to its output being produced; not what it waited in "
            "the topic, nor what Kafka takes to confirm",
            SECONDS,
            self.registry,
        )
        self.stage_seconds = histogram(
            "stage_seconds", "Time a batch spends in one step of the way", SECONDS, "stage"
        )
        self.batch_records = histogram(
            "batch_records", "Records in a round, which one fetch brought", ROWS
        )
        self.batch_fill = histogram(
            "batch_fill_ratio", "Records in a round over batching.max_records", RATIO
        )
        self.in_flight_records = gauge("in_flight_records", "Records fetched, not yet produced")
        self.in_flight_batches = gauge("in_flight_batches", "Batches fetched, not yet produced")
        self.in_flight_bytes = gauge("in_flight_bytes", "Bytes of the records in flight")
        self.cache = counter(
            "cache_lookups",
            "Lookups in the cache: hit, miss, or joined to an equal query in flight",
            "result",
        )
        self.cache_entries = gauge("cache_entries", "Enrichments held by the cache")
        self.model_calls = counter("model_calls", "Model calls by outcome", "model", "outcome")
        self.model_seconds = histogram(
            "model_call_seconds", "Time of one answered model call", SECONDS, "model"
        )
        self.model_rows = histogram("model_batch_rows", "Rows in one model call", ROWS, "model")
        self.model_fill = histogram(
            "model_batch_fill_ratio", "Tokens over padded tokens in one model call", RATIO, "model"
        )
        self.model_retries = counter("model_retries", "Model calls that were made again", "model")
        self.model_circuit_open = gauge(
            "model_circuit_open",
            "1 while the model does not answer, and one call at a time probes it",
            "model",
        )
        self.model_circuit_openings = counter(
            "model_circuit_openings", "How often the model's circuit opened", "model"
        )
        self.dead_letters = counter(
            "dead_letters", "Records sent to the dead-letter topic", "stage", "reason"
        )
        self.degraded = counter("degraded_events", "Events published without a stage", "stage")
        self.late = counter(
            "late_events",
            "Events older than policies.max_age_ms as they began: processed, passed or skipped",
            "outcome",
        )
        self.intents = counter("intents", "Published events by intent", "intent")
        self.lag = gauge(
            "consumer_lag_records",
            "Records of the partition that are not yet committed",
            "topic",
            "partition",
        )
        self.expired = counter(
            "records_expired",
            "Offsets of the input topic that retention deleted before the group had consumed them",
        )
        self.partitions = gauge("assigned_partitions", "Input partitions owned now")
        self.rebalances = counter(
            "rebalances", "Of partitions: assigned, revoked, lost, forced", "kind"
        )
        self.commits = counter("commits", "Offset commits: ok, failed or aborted", "outcome")
        self.producers = counter(
            "producers_replaced", "Kafka producers that failed and were replaced"
        )
        self.kafka_errors = counter("kafka_errors", "Errors that the Kafka client reported", "code")
        self.up = gauge("component_up", "1 while the component answers", "component")
        self.heartbeat = gauge(
            "heartbeat_timestamp_seconds", "Unix time of the main loop's last turn"
        )
        self.config_reloads = counter(
            "config_reloads",
            "Reloads by outcome: changed, unchanged or refused",
            "outcome",
        )
        self.config_loaded = gauge(
            "config_loaded_timestamp_seconds", "Unix time when the configuration in use was read"
        )
        self.config = Info(
            "query_worker_config",
            "Hash of the configuration in use, secrets left out",
            registry=self.registry,
        )
        self.build = Info("query_worker_build", "Version and models", registry=self.registry)

    def forget_lag(self, topic: str, partition: int) -> None:
        """Let a partition's series go: one that stays would keep its alert alive for ever."""
        self.lag.remove_by_labels({"topic": topic, "partition": str(partition)})


class ProcessMetrics:
    """What the supervisor of `run --processes` adds to the sums of its workers' series."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.up = Gauge(
            "query_worker_process_up",
            "1 while the process runs",
            ["process"],
            registry=self.registry,
        )
        self.restarts = Counter(
            "query_worker_process_restarts",
            "How often the process was started again",
            ["process"],
            registry=self.registry,
        )


def vocabulary() -> dict[str, str]:
    """Every sample name that `/metrics` can show, with its meaning."""
    suffixes = {
        "counter": ("_total",),
        "histogram": ("_bucket", "_sum", "_count"),
        "info": ("_info",),
        "gauge": ("",),
    }
    return {
        family.name + suffix: family.documentation
        for family in Metrics().registry.collect()
        for suffix in suffixes[family.type]
    }
