"""The one loop: consume → decode → understand → produce → commit.

Batches of all partitions are understood at once; within a partition they are produced in offset
order, each after the one before it, unless `kafka.ordering` says otherwise. A batch is resolved,
and so may be committed, only when Kafka confirmed every output and dead letter of it; one whose
producer fails is abandoned, and its partition goes back to the last commit.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from confluent_kafka import KafkaException, Message

from worker.config.settings import Settings
from worker.errors import Reject, Stop
from worker.event import Input
from worker.metrics import Metrics
from worker.stream.admin import Backlog
from worker.stream.batch import Batch, place, refused_headers, time_ms
from worker.stream.consumer import Source
from worker.stream.delivery.at_least_once import AtLeastOnce
from worker.stream.delivery.base import RECORD_AT_FAULT, Broken
from worker.stream.delivery.exactly_once import ExactlyOnce
from worker.stream.offsets import Tracker
from worker.stream.producer import Receipt
from worker.stream.rejection_limits import DeadLetterLimits
from worker.tasks import guarded
from worker.understanding.pipeline import Output, Pipeline, Result, Skipped

logger = logging.getLogger(__name__)

BEAT_S = 0.25
LAG_S = 2.0
# Shares of the shutdown deadline; the rest is for closing the producer.
QUIET_SHARE, FINISH_SHARE, CLOSE_SHARE = 0.1, 0.6, 0.2
FAILED_S = 1.0


@dataclass
class Totals:
    """Records since the start, confirmed by Kafka unless consumed only."""

    consumed: int = 0
    published: int = 0
    dead_lettered: int = 0
    skipped: int = 0  # too late; Kafka has nothing to confirm
    first_at: float = 0.0  # time.monotonic() of the first and the last confirmation
    last_at: float = 0.0

    @property
    def resolved(self) -> int:
        return self.published + self.dead_lettered + self.skipped

    def __str__(self) -> str:
        told = f"consumed {self.consumed}, published {self.published}"
        told += f", dead-lettered {self.dead_lettered}"
        return f"{told}, skipped {self.skipped}" if self.skipped else told


class Runner:
    """Carries batches from source to sink until told to stop."""

    def __init__(
        self, settings: Settings, pipeline: Pipeline, tracker: Tracker, metrics: Metrics
    ) -> None:
        self._settings, self._pipeline = settings, pipeline
        self._tracker, self._metrics = tracker, metrics
        kind = ExactlyOnce if settings.kafka.delivery == "exactly-once" else AtLeastOnce
        self._delivery = kind(settings.kafka, tracker, metrics, self.fail)
        self._source = Source(
            *(settings.kafka, settings.batching, tracker, metrics, self._delivery),
            hand_over=lambda batch: self._loop.call_soon_threadsafe(self._admit, batch),
            fail=lambda error: self._loop.call_soon_threadsafe(self.fail, error),
            learn=lambda note: self._loop.call_soon_threadsafe(self._learn, note),
        )
        self._turns: dict[int, asyncio.Future[None]] = {}
        self._tasks: dict[asyncio.Task[None], None] = {}  # in the order of their beginning
        self._limits = DeadLetterLimits(settings.dead_letters)
        self._deliver_seconds = metrics.stage_seconds.labels("deliver")
        self._statuses = {
            status: metrics.events.labels(status)
            for status in ("complete", "degraded", "dead_lettered", "skipped")
        }
        self.totals = Totals()
        self.heartbeat_at = monotonic()

    @property
    def connected(self) -> bool:
        """Whether the consumer reaches a broker that lets it consume."""
        return self._source.connected

    def use(self, settings: Settings) -> None:
        """Keep to these limits of batching, dead letters and the shutdown from now on."""
        self._settings = settings
        self._source.use(settings.batching)
        self._limits.use(settings.dead_letters)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain within the shutdown deadline.

        Raises:
            Stop: Kafka or a dead letter failed for good; nothing unconfirmed was committed.
        """
        self._loop = asyncio.get_running_loop()
        self._failure: asyncio.Future[None] = self._loop.create_future()
        await self._delivery.start()
        self._source.start()
        works = self._beat_on(), self._measure_lag()
        beside = [asyncio.create_task(guarded(work, self.fail)) for work in works]
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopped, self._failure}, return_when=asyncio.FIRST_COMPLETED)
            logger.info("draining: %d batches in flight", self._tracker.in_flight.batches)
            left = await self._drain()
        finally:
            self._source.stop()
            for task in (stopped, *beside):
                task.cancel()
        if self._failure.done():
            await self._failure
        if left:
            raise Stop(f"the drain ended at its deadline: {left} batches will be consumed again")

    async def _beat_on(self) -> None:
        while True:
            self._beat()
            await asyncio.sleep(BEAT_S)

    async def _measure_lag(self) -> None:
        """From the cluster itself: what is not fetched, the consumer knows nothing of."""
        backlog, topic = Backlog(self._settings.kafka), self._settings.kafka.input_topic
        while True:
            owned = self._tracker.owned()
            with suppress(KafkaException):  # away: the last figures stand
                lag = await asyncio.to_thread(backlog.lag, owned)
                for partition in set(lag) & set(self._tracker.owned()):
                    self._metrics.lag.labels(topic, str(partition)).set(lag[partition])
            await asyncio.sleep(LAG_S)

    def _beat(self) -> None:
        """The heartbeat is the older of this loop's and the consumer thread's."""
        self.heartbeat_at = self._source.turned_at
        self._metrics.heartbeat.set(time.time() - (monotonic() - self.heartbeat_at))
        self._metrics.up.labels("kafka").set(self.connected)
        now = self._tracker.in_flight
        self._metrics.in_flight_batches.set(now.batches)
        self._metrics.in_flight_records.set(now.records)
        self._metrics.in_flight_bytes.set(now.size)

    def fail(self, error: BaseException) -> None:
        """End the work with this error, raised by `run`."""
        if not self._failure.done():
            self._failure.set_exception(error)

    def _learn(self, note: str) -> None:
        dead, total = self._limits.learn(note, monotonic(), time.time())
        if dead:
            told = "dead letters of before this start count on: %d of %d records"
            logger.info(told, dead, total)

    def _admit(self, batch: Batch) -> None:
        """Start a batch; its turn to produce comes after the partition's batch before it."""
        self.totals.consumed += len(batch.records)
        partition = batch.ticket.partition
        mine, before = self._loop.create_future(), None
        if self._settings.kafka.ordering == "partition":
            before, self._turns[partition] = self._turns.get(partition), mine
        task = self._loop.create_task(guarded(self._carry(batch, before, mine), self.fail))
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def _carry(
        self, batch: Batch, before: asyncio.Future[None] | None, mine: asyncio.Future[None]
    ) -> None:
        if batch.deadly:
            results: list[Result] = [_deadly()]
        else:
            results = await self._pipeline.process([_input(record) for record in batch.records])
        for index, record in enumerate(batch.records):
            result = refused_headers(record) or results[index]
            barred = isinstance(result, Output) and self._delivery.barred(record, result.value)
            results[index] = barred or result
        if before is not None:
            await before
        # Before anything of the batch is produced, or a transaction would have to be aborted.
        self._limits.add(monotonic(), len(results), _reasons(results))
        try:
            async with self._delivery.producing():
                if not batch.ticket.stale:  # else the partition's next owner does it again
                    await self._deliver(batch, results, mine)
                    self._tracker.resolve(batch.ticket)
                    return
        except Broken as error:
            logger.debug("abandoned: %s", error)
        finally:
            if not mine.done():
                mine.set_result(None)
        self._tracker.abandon(batch.ticket)

    async def _deliver(
        self, batch: Batch, results: list[Result], mine: asyncio.Future[None]
    ) -> None:
        """Produce the batch in order, give the turn on, and wait until all of it is confirmed."""
        started = monotonic()
        delivery, receipt = self._delivery, Receipt()
        for index, record in enumerate(batch.records):
            if isinstance(results[index], Output):
                await delivery.sink.output(receipt, index, record, results[index].value)
        mine.set_result(None)
        refusals = await receipt.confirmed()
        # First what is a record's own fault: a transaction takes the others with it.
        for index, error in sorted(refusals, key=lambda one: one[1].code() not in RECORD_AT_FAULT):
            refused = await delivery.refused(batch.records[index], results[index].value, error)
            if refused:
                self._limits.add(monotonic(), 0, [refused.reason])
                results[index] = refused
        rejected = [pair for pair in zip(batch.records, results, strict=True) if _bad(pair[1])]
        sent = [delivery.dead_letter(*pair) for pair in rejected]
        for failure in await asyncio.gather(*sent, return_exceptions=True):
            if failure is not None:  # only now, when none of them still produces
                raise failure
        self._deliver_seconds.observe(monotonic() - started)
        delivery.counted(lambda: self._count(batch, results))

    def _count(self, batch: Batch, results: list[Result]) -> None:
        now = monotonic()
        took = now - batch.consumed_at
        for result in results:
            if isinstance(result, Reject):
                status = "dead_lettered"
                self._metrics.dead_letters.labels(result.stage, result.reason).inc()
            elif isinstance(result, Skipped):
                status = "skipped"
            else:
                status = "degraded" if result.enrichment.degraded else "complete"
                self._metrics.intents.labels(result.enrichment.intent or "none").inc()
                for stage in result.enrichment.degraded:
                    self._metrics.degraded.labels(stage).inc()
            self._statuses[status].inc()
            self._metrics.event_seconds.observe(took)
        dead = sum(map(_bad, results))
        skipped = sum(isinstance(result, Skipped) for result in results)
        self.totals.dead_lettered += dead
        self.totals.skipped += skipped
        self.totals.published += len(results) - dead - skipped
        self.totals.first_at = self.totals.first_at or now
        self.totals.last_at = now

    async def _drain(self) -> int:
        """Stop fetching → finish what is in flight → commit → close, within one deadline.

        Returns the number of batches that were not finished; they were not committed.
        """
        deadline = self._settings.lifecycle.shutdown_timeout_s
        await asyncio.to_thread(self._source.stop_fetching, QUIET_SHARE * deadline)
        if self._tasks:  # after a failure, only what is about to be confirmed
            finish_s = FAILED_S if self._failure.done() else FINISH_SHARE * deadline
            await asyncio.wait(self._tasks, timeout=finish_s)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        counted = self._limits.note(monotonic(), time.time())
        if not await asyncio.to_thread(self._source.close, CLOSE_SHARE * deadline, counted):
            logger.warning("the consumer did not close in time; the group notices by itself")
        await self._delivery.stop()
        return len(left)


def _input(record: Message) -> Input:
    created_ms = time_ms(record)
    return Input(record.value(), place(record), created_ms, created_ms or None)


def _deadly() -> Reject:
    told = "the worker died each time that it worked on this record, at last on it alone"
    return Reject("worker", "process_died", told)


def _reasons(results: list[Result]) -> list[str]:
    """Why records are rejected, as far as nobody chose it: the policy `dead_letter` is a choice."""
    return [item.reason for item in results if _bad(item) and item.reason != "model_unavailable"]


def _bad(result: Result) -> bool:
    return isinstance(result, Reject)
