"""What becomes of fetched records: answered at once in the fast lane, or in their turn.

Rules:
- A record whose query was seen before is answered at once, unless one of its partition is waiting
  before it.
- All else goes the careful way: the pipeline makes its result on the event loop, and it is produced
  when all before it in its partition is.
- Nothing waits here for Kafka: what finds no room in the producer's queue stays in its batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain
from queue import Empty, SimpleQueue
from time import monotonic

from confluent_kafka import Message

from worker.config.settings import DeadLetters
from worker.errors import Reject
from worker.metrics import Metrics
from worker.stream.backpressure import MissWindow
from worker.stream.batch import (
    Batch,
    Header,
    has_plain_headers,
    headers,
    quick_headers,
    record_id,
    refused_headers,
    size,
    time_ms,
)
from worker.stream.counts import Counts
from worker.stream.delivery.base import Delivery
from worker.stream.offsets import Offsets, Partition
from worker.stream.rejection_limits import DeadLetterLimits
from worker.understanding.fast_lane import Answers
from worker.understanding.pipeline import Output, Pipeline, Result

# Larger records go the careful way, as do outputs that are larger than the topic's limit.
FAST_BYTES = 65_536
DEADLY = Reject(
    "worker",
    "process_died",
    "the worker died each time that it worked on this record, at last on it alone",
)


class Lanes:
    """Carries records from fetched to produced; used from the Kafka thread alone.

    Args:
        submit: called with batches of a round whose misses the pipeline is to answer.

    Attributes:
        finished: batches whose misses are answered; the event loop puts them in.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        offsets: Offsets,
        delivery: Delivery,
        counts: Counts,
        limits: DeadLetterLimits,
        window: MissWindow,
        metrics: Metrics,
        submit: Callable[[list[Batch]], None],
    ) -> None:
        self._pipeline, self._offsets = pipeline, offsets
        self._delivery, self._counts, self._limits = delivery, counts, limits
        self._window, self._submit = window, submit
        self._seconds = metrics.event_seconds
        self.finished: SimpleQueue[Batch] = SimpleQueue()

    def take(self, groups: dict[int, list[Message]], fetched_at: float, may_produce: bool) -> int:
        """Answer the records of a round, by partition, or submit them; returns the misses.

        Args:
            may_produce: whether the producer can be used now.
        """
        may_produce = may_produce and not self._delivery.needs_care
        records = [*chain.from_iterable(groups.values())]
        answers, record_headers = self._answers(records)
        batches, hits, fresh, end = [], 0, 0, 0
        for number, group in groups.items():
            start, end = end, end + len(group)
            part, partition, done = answers.part(start, end), self._offsets[number], 0
            if may_produce and not partition.pending:
                done = self._produce_fast(partition, group, part, record_headers[start:end])
                if done:
                    hits += done
                    fresh += _count(partition, group[:done])
                    self._counts.add_complete(number, partition.produced, part.entries[:done])
            if done < len(group):
                results = _results(part, done)
                batches.append(self._batch(number, group[done:], results, fetched_at))
        misses = sum(batch.misses for batch in batches)
        self._pipeline.count_hits(len(records) - misses)
        if hits:
            self._limits.add(monotonic(), fresh, ())
            self._seconds.observe(monotonic() - fetched_at, hits)
        if misses:
            self._submit([batch for batch in batches if batch.misses])
        return misses

    def take_alone(self, record: Message, deadly: bool) -> None:
        """One record the careful way; one that is `deadly` is not looked at."""
        results: list[Result | None] = [DEADLY if deadly else None]
        batch = self._batch(record.partition(), [record], results, monotonic())
        if batch.misses:
            self._submit([batch])

    def collect_finished(self, timeout_s: float) -> None:
        """Take all batches that are finished; waits for one, if there is none."""
        with suppress(Empty):
            batch = self.finished.get(timeout_s > 0, timeout_s)
            while True:
                self._take_finished(batch)
                batch = self.finished.get_nowait()

    def use(self, settings: DeadLetters) -> None:
        """Keep to these limits of rejections from now on."""
        self._limits.use(settings)

    def produce_pending(self) -> None:
        """Produce what is ready and has all before it produced.

        Raises:
            Stop: too many records are rejected.
        """
        if not self._offsets.in_flight.batches:
            return
        for _, partition in list(self._offsets.items()):
            pending = partition.pending
            while pending and pending[0].ready:
                if not self._produce(partition, pending[0]):
                    return  # the producer's queue is full
                self._offsets.remove(pending.popleft())

    def _answers(self, records: list[Message]) -> tuple[Answers, list[list[Header] | None]]:
        """What the fast lane knows of the records of a round, and their headers."""
        values = [record.value() for record in records]
        record_headers, now_ms = quick_headers(records), time.time_ns() // 1_000_000
        if any(record_headers) or self._pipeline.snapshot.deadline.max_age_ms:
            record_headers = [headers(record) for record in records]
            values = self._without_odd(records, values, record_headers, now_ms)

        def default(position: int) -> tuple[str, int]:
            record = records[position]
            return record_id(record), time_ms(record) or now_ms

        largest = min(FAST_BYTES, self._delivery.producer.output_limit // 2)
        answers = self._pipeline.fast_lane(largest).answers(values, default, now_ms)
        return answers, record_headers

    def _without_odd(
        self,
        records: Sequence[Message],
        values: Sequence[bytes | None],
        record_headers: Sequence[list[Header] | None],
        now_ms: int,
    ) -> list[bytes | None]:
        """The values, but None for records with odd headers and for late ones."""
        deadline = self._pipeline.snapshot.deadline
        return [
            None
            if not has_plain_headers(header) or deadline.is_late(time_ms(record) or None, now_ms)
            else value
            for record, value, header in zip(records, values, record_headers, strict=True)
        ]

    def _produce_fast(
        self,
        partition: Partition,
        records: list[Message],
        answers: Answers,
        record_headers: list[list[Header] | None],
    ) -> int:
        """Produce the outputs that need no closer look; returns how many found room."""
        producer = self._delivery.producer
        known = answers.known_prefix(producer.output_limit)
        if not known:
            return 0
        outputs = answers.outputs(known)
        done = producer.outputs(records[:known], outputs, record_headers[:known])
        if done:
            partition.produced = records[done - 1].offset() + 1
        return done

    def _batch(
        self, number: int, records: list[Message], results: list[Result | None], fetched_at: float
    ) -> Batch:
        misses = results.count(None)
        batch = Batch(number, records, results, misses, size(records), fetched_at)
        batch.ready = not misses
        self._offsets.add(batch)
        return batch

    def _take_finished(self, batch: Batch) -> None:
        self._window.answered(batch.misses, monotonic())
        batch.ready = True
        if batch.stale:
            self._offsets.remove(batch)

    def _produce(self, partition: Partition, batch: Batch) -> bool:
        """Produce a batch from where it stands; False if the producer's queue is full."""
        if batch.next == 0:
            self._finalize_results(partition, batch)
        try:
            for position in range(batch.next, len(batch.records)):
                record, result = batch.records[position], batch.results[position]
                if isinstance(result, Output):
                    self._delivery.producer.output(record, result.value)
                elif isinstance(result, Reject):
                    self._delivery.dead_letter(record, result)
                batch.next = position + 1
                partition.produced = record.offset() + 1
                self._counts.add(record, result)
        except BufferError:
            return False
        self._seconds.observe(monotonic() - batch.fetched_at, len(batch.records))
        return True

    def _finalize_results(self, partition: Partition, batch: Batch) -> None:
        """Reject what must not be produced, and count it; before anything of the batch is."""
        for position, record in enumerate(batch.records):
            result = refused_headers(record) or batch.results[position]
            if isinstance(result, Output):
                result = self._delivery.barred(record, result.value) or result
            batch.results[position] = result
        if fresh := _count(partition, batch.records):
            self._limits.add(monotonic(), fresh, _reasons(batch.results[-fresh:]))


def _results(answers: Answers, first: int) -> list[Result | None]:
    """Of the values from the position `first` on; None of a miss."""
    return [
        entry and Output(answers.output(position), entry)
        for position, entry in enumerate(answers.entries[first:], first)
    ]


def _count(partition: Partition, records: Sequence[Message]) -> int:
    """Mark records as counted; returns how many of them, always the last ones, are new: records
    that are done again after a rewind are not."""
    fresh = len(records)
    if records and records[0].offset() < partition.counted:
        fresh = sum(record.offset() >= partition.counted for record in records)
    if fresh:
        partition.counted = records[-1].offset() + 1
    return fresh


def _reasons(results: Sequence[Result]) -> list[str]:
    """Why records are rejected, as far as nobody chose it: the policy `dead_letter` is a choice."""
    return [
        item.reason
        for item in results
        if isinstance(item, Reject) and item.reason != "model_unavailable"
    ]
