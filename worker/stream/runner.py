"""The stream: the Kafka thread beside the event loop, from start to drained.

The Kafka thread fetches, answers what was seen before, produces and commits. What must be
understood first comes here in batches, and goes back with its results.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from time import monotonic

from confluent_kafka import KafkaException, Message

from worker.config.settings import Settings
from worker.errors import Stop
from worker.event import Input
from worker.metrics import Metrics
from worker.stream import ownership
from worker.stream.admin import Backlog
from worker.stream.backpressure import MissWindow
from worker.stream.batch import Batch, record_id, time_ms
from worker.stream.commits import Commits
from worker.stream.connectivity import Connectivity
from worker.stream.counts import Counts, Totals
from worker.stream.delivery.at_least_once import AtLeastOnce
from worker.stream.delivery.exactly_once import ExactlyOnce
from worker.stream.kafka_thread import KafkaThread
from worker.stream.lanes import Lanes
from worker.stream.offsets import Offsets
from worker.stream.rejection_limits import DeadLetterLimits
from worker.tasks import guarded
from worker.understanding.pipeline import Pipeline

logger = logging.getLogger(__name__)

BEAT_S = 0.25
LAG_S = 2.0
MISSES_TOGETHER = 256  # of batches that the pipeline answers together: they share its cost a call
FEW_GROUPS, GATHER_S = 2, 0.005  # while so many calls are under way, batches gather so long
LOOK_S = 0.01  # between two looks whether all is drained
# Shares of the shutdown deadline at which work in flight, and the consumer, are left behind.
FINISH_SHARE, CLOSE_SHARE = 0.7, 0.9


class Runner:
    """One stream of records until told to stop."""

    def __init__(self, settings: Settings, pipeline: Pipeline, metrics: Metrics) -> None:
        self._settings, self._pipeline, self._metrics = settings, pipeline, metrics
        self.totals, self.offsets = Totals(), Offsets()
        kafka, window = settings.kafka, MissWindow()
        kind = ExactlyOnce if kafka.delivery == "exactly-once" else AtLeastOnce
        self._delivery = delivery = kind(kafka, metrics)
        counts = Counts(metrics, self.totals)
        self._limits = DeadLetterLimits(settings.dead_letters)
        self.lanes = Lanes(
            pipeline=pipeline,
            offsets=self.offsets,
            delivery=delivery,
            counts=counts,
            limits=self._limits,
            window=window,
            metrics=metrics,
            submit=lambda batches: self._call(self._admit, batches),
        )
        self._connectivity = Connectivity(kafka)
        self.commits = Commits(kafka, self.offsets, delivery, counts, self._connectivity, metrics)
        self.thread = KafkaThread(
            settings=settings,
            offsets=self.offsets,
            lanes=self.lanes,
            commits=self.commits,
            window=window,
            connectivity=self._connectivity,
            metrics=metrics,
            consumed=self._count_consumed,
            fail=lambda error: self._call(self.fail, error),
            learn=self._learn,
            counted=lambda: self._limits.note(monotonic(), time.time()),
        )
        self._admitted: list[Batch] = []
        self._gathered_at = 0.0  # when they have waited for long enough, by the loop's clock
        self._tasks: set[asyncio.Task[None]] = set()
        self.heartbeat_at = monotonic()

    @property
    def connected(self) -> bool:
        """Whether the consumer reaches a broker that lets it consume, and no topic is missing."""
        return self._connectivity.connected and not self._delivery.missing

    def use(self, settings: Settings) -> None:
        """Keep to these limits of batching, dead letters and the shutdown from now on."""
        self._settings = settings
        self.thread.use(settings)

    def fail(self, error: BaseException) -> None:
        """End the work with this error, raised by `run`."""
        if not self._failure.done():
            self._failure.set_exception(error)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain within the shutdown deadline.

        Raises:
            Stop: Kafka or a dead letter failed for good; nothing unconfirmed was committed.
        """
        self._loop = asyncio.get_running_loop()
        self._failure: asyncio.Future[None] = self._loop.create_future()
        self.thread.start()
        works = [self._beat_on(), self._measure_lag()]
        if ownership.may_be_left(self._settings.kafka):
            works.append(self._watch_ownership())
        background = [guarded(work, self.fail) for work in works]
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopped, self._failure}, return_when=asyncio.FIRST_COMPLETED)
            logger.info("draining: %d batches in flight", self.offsets.in_flight.batches)
            left = await self._drain()
        finally:
            self.thread.stop()
            for task in (stopped, *background):
                task.cancel()
        if self._failure.done():
            await self._failure
        if left:
            raise Stop(f"the drain ended at its deadline: {left} batches will be consumed again")
        if self.thread.uncommitted:
            reason = self._delivery.missing or "Kafka did not take all that was worked on"
            raise Stop(f"{reason}: what came since the last commit will be consumed again")

    async def _drain(self) -> int:
        """Stop fetching → finish what is in flight → commit → close, within one deadline.

        Returns the number of batches that were not finished; they were not committed.
        """
        deadline = self._settings.lifecycle.shutdown_timeout_s
        self.thread.stop_fetching()
        began = monotonic()
        until, close_by = (began + share * deadline for share in (FINISH_SHARE, CLOSE_SHARE))
        while self._is_working() and monotonic() < until and not self._failure.done():
            await asyncio.sleep(LOOK_S)
        left = self._in_flight()
        if not await asyncio.to_thread(self.thread.close, close_by - monotonic()):
            logger.warning("the consumer did not close in time; the group notices by itself")
        self._admitted.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return left

    def _in_flight(self) -> int:
        return self.offsets.in_flight.batches

    def _is_working(self) -> bool:
        return not self.thread.fetching_stopped or bool(self._in_flight())

    async def _beat_on(self) -> None:
        while True:
            self._beat()
            await asyncio.sleep(BEAT_S)

    def _beat(self) -> None:
        """The heartbeat is the older of this loop's and the Kafka thread's."""
        self.heartbeat_at = self.thread.turned_at
        self._metrics.heartbeat.set(time.time() - (monotonic() - self.heartbeat_at))
        self._metrics.up.labels("kafka").set(self.connected)
        now = self.offsets.in_flight
        self._metrics.in_flight_batches.set(now.batches)
        self._metrics.in_flight_records.set(now.records)
        self._metrics.in_flight_bytes.set(now.size)

    async def _measure_lag(self) -> None:
        """Asks the cluster: the consumer does not know the records that it has not fetched."""
        backlog = Backlog(self._settings.kafka)
        while True:
            with suppress(KafkaException):  # away: the last figures stand
                owned = self.offsets.owned()
                self.thread.show_lag(await asyncio.to_thread(backlog.lag, owned))
            await asyncio.sleep(LAG_S)

    async def _watch_ownership(self) -> None:
        group, left = ownership.Group(self._settings.kafka), ownership.Left()
        while True:
            await asyncio.sleep(ownership.LOOK_S)
            unowned = await asyncio.to_thread(group.unowned)
            if overdue := left.overdue(unowned, monotonic()):
                logger.warning(
                    "partitions %s have no owner: the group is made to rebalance", overdue
                )
                self._metrics.rebalances.labels("forced").inc()
                self.thread.join_again()

    def _count_consumed(self, count: int) -> None:
        self.totals.consumed += count
        self._metrics.consumed.inc(count)
        self._metrics.batch_records.observe(count)
        self._metrics.batch_fill.observe(count / self._settings.batching.max_records)

    def _learn(self, note: str) -> None:
        dead, total = self._limits.learn(note, monotonic(), time.time())
        if dead:
            message = "dead letters of before this start count on: %d of %d records"
            logger.info(message, dead, total)

    def _call(self, function, *arguments) -> None:
        """Call on the event loop, from the Kafka thread."""
        with suppress(RuntimeError):  # the loop is closed: the program ends
            self._loop.call_soon_threadsafe(function, *arguments)

    def _admit(self, batches: list[Batch]) -> None:
        """Let the pipeline answer batches, with those of the rounds that came meanwhile.

        A small group costs little less than a larger one. So while some are under way, what comes
        gathers, until it fills a group, or the first of it has waited for long enough.
        """
        if not self._admitted:
            self._gathered_at = self._loop.time() + GATHER_S
            self._loop.call_later(GATHER_S, self._understand_admitted)
        self._admitted += batches
        self._loop.call_soon(self._understand_admitted)

    def _understand_admitted(self) -> None:
        while self._admitted:
            together, misses = 0, 0
            while together < len(self._admitted) and misses < MISSES_TOGETHER:
                misses += self._admitted[together].misses
                together += 1
            busy = len(self._tasks) >= FEW_GROUPS and self._loop.time() < self._gathered_at
            if busy and misses < MISSES_TOGETHER:
                return
            batches, self._admitted = self._admitted[:together], self._admitted[together:]
            task = guarded(self._understand(batches), self.fail)
            self._tasks.add(task)
            task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._understand_admitted()

    async def _understand(self, batches: list[Batch]) -> None:
        missing = [
            (batch, index)
            for batch in batches
            for index, result in enumerate(batch.results)
            if result is None
        ]
        inputs = [_input(batch.records[index]) for batch, index in missing]
        results = await self._pipeline.process(inputs)
        for (batch, index), result in zip(missing, results, strict=True):
            batch.results[index] = result
        for batch in batches:
            self.lanes.finished.put(batch)


def _input(record: Message) -> Input:
    """What the pipeline needs; a record without a time gets that of its consumption."""
    created_ms = time_ms(record)
    now_ms = time.time_ns() // 1_000_000
    return Input(record.value(), record_id(record), created_ms or now_ms, created_ms or None)
