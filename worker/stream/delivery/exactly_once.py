"""Exactly once: outputs, dead letters and offsets in one Kafka transaction a commit interval.

    begin ─▶ produce, of many batches ─▶ gate shut, all confirmed ─▶ offsets ─▶ commit ─▶ begin
                        │                                              │          │
                        └─────────── refused, fenced, orphaned ────────┴──────────┘
                                                 ▼
                        abort (or a new producer) ─▶ back to the last commit ─▶ begin

The group's metadata is taken before the offsets that go with it: a partition that is ours after
that is another's only in a later generation, in which the broker refuses these offsets (KIP-447).
It is taken in the consumer's thread: in another, librdkafka may answer seconds late. What a worker
that was killed left open, the broker aborts after `transaction.timeout.ms`.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import CancelledError, Future
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from worker.config.settings import Kafka
from worker.errors import DeliveryError, Reject
from worker.metrics import Metrics
from worker.stream.batch import place
from worker.stream.delivery.base import RECORD_AT_FAULT, Broken, Delivery
from worker.stream.kafka_errors import DENIED
from worker.stream.offsets import Tracker
from worker.tasks import aside, guarded

logger = logging.getLogger(__name__)

CALL_S = 1.0  # of one blocking call; it is made again until it is answered
# Longer than that librdkafka may wait for ever, for a broker that has left (its issues 5456, 5511).
HANG_S = 3.0
PATIENCE_S = 8.0  # until a call that is never answered is left to another producer
PAUSE_S = 0.1
PURGED = KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT


class ExactlyOnce(Delivery):
    """One transactional producer; used from the event loop, but for the consumer's methods."""

    def __init__(
        self,
        kafka: Kafka,
        tracker: Tracker,
        metrics: Metrics,
        fail: Callable[[BaseException], None],
    ) -> None:
        super().__init__(kafka, tracker, metrics, fail)
        self._spoiled = False  # outputs are in the transaction whose offsets never will be
        self._counts: list[Callable[[], None]] = []
        self._committing: Future[None] = Future()
        self._committing.set_result(None)

    async def start(self) -> None:
        await super().start()
        self._tasks.append(asyncio.create_task(guarded(self._open(), self._fail)))

    @asynccontextmanager
    async def producing(self) -> AsyncIterator[None]:
        async with self._gate.inside():
            try:
                yield
            except BaseException:
                self._spoil()
                raise

    def counted(self, count: Callable[[], None]) -> None:
        self._counts.append(count)

    def barred(self, record: Message, value: bytes) -> Reject | None:
        """What is surely too large is not even tried: each refusal would undo a transaction."""
        if self.sink.too_large(value):
            return self._output_refused(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        return super().barred(record, value)

    async def refused(self, record: Message, value: bytes, error: KafkaError) -> Reject | None:
        """One refusal undoes the transaction; at the next time the record is dead-lettered."""
        if error.code() in RECORD_AT_FAULT:
            self._bar(place(record), error)
        elif error.code() in DENIED:
            raise self._unmended(record, error)
        raise self._undone(error)

    async def dead_letter(self, record: Message, error: Reject) -> None:
        letter = f"{place(record)} letter"
        refused = self._barred.get(letter)
        refusal = await self._letter(record, error, refused)
        if refusal is None:
            return
        if refusal.code() in DENIED or (refused and refusal.code() in RECORD_AT_FAULT):
            raise self._letter_refused(record, refusal)
        if refusal.code() in RECORD_AT_FAULT:
            self._bar(letter, refusal)
        raise self._undone(refusal)

    def tick(self, now: float) -> None:
        if now >= self._commit_at and self._committing.done():
            self._committing = self._ask()
            self._commit_at = now + self._kafka.commit_interval_ms / 1000

    def settle(self, partitions: Iterable[int], timeout_s: float) -> bool:
        if self._consumer is None:
            return False
        self._tracker.wait_resolved(partitions, timeout_s)
        try:
            self._ask().result(timeout_s)
        except (TimeoutError, RuntimeError, CancelledError):
            return False  # where the loop has ended, so has the transaction
        return True

    def _ask(self) -> Future[None]:
        """Let the event loop commit, as the member of the group that we are now."""
        commit = self._commit(self._consumer.consumer_group_metadata())
        return asyncio.run_coroutine_threadsafe(guarded(commit, self._fail), self._loop)

    def _spoil(self) -> None:
        """Something is in the transaction that must not come out: it will be aborted."""
        self._spoiled = True
        self._broken.set()
        self.sink.producer.purge(in_flight=False)  # or it waits for what is never sent

    def _undone(self, error: KafkaError) -> Broken:
        if not self.sink.fatal and error.code() not in PURGED:  # those follow on what was told
            told = "Kafka refuses an output, the transaction is aborted: %s"
            self._seldom.warning(f"refused {error.name()}", told, error.str())
        if error.code() == KafkaError._MSG_TIMED_OUT:
            self.sink.broke(error)  # as in `_bar`
        return Broken(error.str())

    def _bar(self, what: str, error: KafkaError) -> None:
        super()._bar(what, error)
        # librdkafka counts the refused record as sent, so that the broker would miss it in the next
        # transaction: that would be refused too, or not be answered until transaction.timeout.ms.
        self.sink.broke(error)

    async def _open(self) -> None:
        async with self._gate.alone():
            await self._begin()

    async def _begin(self) -> None:
        """Fence and abort what an earlier producer of this name left open, then begin."""
        while True:
            try:
                await self._call(self.sink.producer.init_transactions, patience_s=math.inf)
                self.sink.producer.begin_transaction()
                return
            except KafkaException as error:
                self._note(error.args[0])
                await self._renew()

    async def _commit(self, member: object) -> None:
        """Commit what is resolved; abort and go back when that cannot be.

        Args:
            member: the consumer's group metadata.

        Raises:
            DeliveryError: no later try can succeed.
        """
        async with self._gate.alone():
            offsets = self._tracker.settled()
            try:
                if offsets is None or self._spoiled:
                    await self._recover()
                elif offsets:
                    await self._send(offsets, member)
            except KafkaException as error:
                self._note(error.args[0])
                await self._recover()

    async def _send(self, offsets: dict[int, int], member: object) -> None:
        topic, producer = self._kafka.input_topic, self.sink.producer
        positions = [TopicPartition(topic, p, o) for p, o in offsets.items()]
        await self._call(producer.send_offsets_to_transaction, positions, member)
        await self._call(producer.commit_transaction)
        self._committed(offsets)
        producer.begin_transaction()

    def _committed(self, offsets: dict[int, int]) -> None:
        self._metrics.commits.labels("ok").inc()
        self._recoveries = 0
        for partition, offset in offsets.items():
            self._tracker.committed(partition, offset)
        counts, self._counts = self._counts, []
        for count in counts:
            count()

    async def _mend(self) -> None:
        self._metrics.commits.labels("aborted").inc()
        self._counts.clear()
        try:
            if self.sink.fatal is None:
                await self._call(self.sink.producer.abort_transaction)
                self.sink.producer.begin_transaction()
        except KafkaException as error:
            self._note(error.args[0], aborting=True)
        if self.sink.fatal:
            await self._renew()
            await self._begin()
        self._spoiled = False

    def _note(self, error: KafkaError, aborting: bool = False) -> None:
        """Decide what an error of a transaction means: to abort it, or a new producer.

        Raises:
            DeliveryError: a right is missing.
        """
        if error.code() in DENIED:
            raise DeliveryError(f"the transaction failed: {error.str()}; {self._rights()}")
        if aborting or not error.txn_requires_abort():
            self.sink.broke(error)
        else:
            logger.warning("the transaction is aborted: %s", error.str())

    async def _call(
        self, call: Callable, *arguments: object, patience_s: float | None = None
    ) -> None:
        """Make a blocking call until it succeeds.

        Raises:
            KafkaException: it never will, or it does not come back.
        """
        until = monotonic() + (patience_s or PATIENCE_S)
        while True:
            try:
                made = aside(partial(call, *arguments, CALL_S))
                return await asyncio.wait_for(made, CALL_S + HANG_S)
            except TimeoutError:
                told = f"{call.__name__} does not return"
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, told, fatal=True)) from None
            except KafkaException as error:
                if not error.args[0].retriable() or monotonic() > until:
                    raise
                told = "Kafka does not answer %s, asked again: %s"
                self._seldom.warning(call.__name__, told, call.__name__, error.args[0].str())
                await asyncio.sleep(PAUSE_S)

    def _rights(self) -> str:
        ids = f"the transactional ids that begin with {self._kafka.group_id}-"
        return f"{super()._rights()}; WRITE on {ids}; READ on group {self._kafka.group_id}"
