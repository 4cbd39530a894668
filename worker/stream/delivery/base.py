"""How outputs and offsets become durable: what at_least_once.py and transactions.py share.

A batch is produced inside `producing()`. What fails there for the producer's sake is `Broken`: the
producer is made anew, and every partition goes back to its last commit, so nothing is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from worker.config.settings import Kafka
from worker.errors import DeliveryError, Reject
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.stream.batch import place
from worker.stream.clients import transactional_id
from worker.stream.gate import Gate
from worker.stream.kafka_errors import DENIED
from worker.stream.offsets import Tracker
from worker.stream.producer import UNTIMELY, Sink
from worker.tasks import guarded

logger = logging.getLogger(__name__)

RECORD_AT_FAULT = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError._INVALID_ARG,
    *UNTIMELY,
)
MOST_RECOVERIES = 10  # one after the other, without a commit between them
MOST_BARRED = 10_000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0


class Broken(Exception):
    """The producer, or its transaction, failed: the batch is done again from the last commit."""


class Delivery:
    """What both ways share: the producer, its recovery, and who may produce when.

    Args:
        fail: called with an error that ends the worker.
    """

    def __init__(
        self,
        kafka: Kafka,
        tracker: Tracker,
        metrics: Metrics,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._kafka, self._tracker, self._metrics, self._fail = kafka, tracker, metrics, fail
        name = transactional_id(kafka)
        self.sink = Sink(kafka, metrics, name, lambda _: self._broken.set(), fail)
        self._seldom = Seldom(logger)
        self._commit_at = 0.0
        self._recoveries = 0
        self._barred: dict[str, KafkaError] = {}  # what a topic refused, by place
        self._consumer: Consumer | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._gate, self._broken = Gate(), asyncio.Event()
        await self.sink.start()
        self._tasks = [asyncio.create_task(guarded(self._recover_when_broken(), self._fail))]

    async def stop(self) -> None:
        """Stop without waiting: what is not committed by now is consumed again."""
        for task in self._tasks:
            task.cancel()
        await self.sink.stop()

    @asynccontextmanager
    async def producing(self) -> AsyncIterator[None]:
        """Around all that is produced of one batch, until it is confirmed and resolved."""
        async with self._gate.inside():
            yield

    def counted(self, count: Callable[[], None]) -> None:
        """Call `count` when what was just confirmed can no longer be undone."""
        count()

    def barred(self, record: Message, value: bytes) -> Reject | None:
        """Why the record's output must not be sent; None if it may."""
        refusal = self._barred.get(place(record))
        return refusal and self._output_refused(refusal)

    async def refused(self, record: Message, value: bytes, error: KafkaError) -> Reject | None:
        """Kafka refused an output; returns why it is to be dead-lettered, None if it is out now.

        Raises:
            Broken: it is done again.
            DeliveryError: no dead letter mends it.
        """
        raise NotImplementedError

    async def dead_letter(self, record: Message, error: Reject) -> None:
        """Send a record to the dead-letter topic as it came, with the reason as headers.

        Raises:
            Broken: it is done again.
            DeliveryError: the dead-letter topic refused it even without the added headers.
        """
        raise NotImplementedError

    # What follows runs in the consumer's thread.

    def bind(
        self, consumer: Consumer | None, on_refusal: Callable[[KafkaError | None], None]
    ) -> None:
        """The consumer whose offsets are committed; None when it is about to close.

        Args:
            on_refusal: called with the answer to each commit, None if it was taken.
        """
        self._consumer, self._on_refusal = consumer, on_refusal

    def tick(self, now: float) -> None:
        """Once in each turn of the consumer's thread; `now` is `time.monotonic()`."""

    def settle(self, partitions: Iterable[int], timeout_s: float) -> bool:
        """Commit what is resolved, before the partitions go; waits for the rest of them first.

        False while a commit may still be under way, and while the consumer closes.
        """
        raise NotImplementedError

    def on_commit(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """The answer to an asynchronous commit; it comes in a poll, never in `commit` itself."""

    # What follows runs on the event loop again.

    async def _recover_when_broken(self) -> None:
        while True:
            await self._broken.wait()
            async with self._gate.alone():
                if self._broken.is_set():  # not mended by a commit meanwhile
                    await self._recover()

    async def _recover(self) -> None:
        """Make the producer able to produce, then back to the last commit; the gate is shut."""
        await asyncio.sleep(min(FIRST_PAUSE_S * 2**self._recoveries, LONGEST_PAUSE_S))
        self._recoveries += 1
        await self._mend()
        self._broken.clear()
        self._tracker.rewind()
        logger.warning("every partition is consumed again from its last commit")

    async def _mend(self) -> None:
        if self.sink.fatal:
            await self._renew()

    async def _renew(self) -> None:
        """A new producer in place of one that failed.

        Raises:
            DeliveryError: another would fail like it.
        """
        fatal = self.sink.fatal
        away = fatal.code() == KafkaError._MSG_TIMED_OUT  # an output that is, is waited for
        if fatal.code() in DENIED or (self._recoveries > MOST_RECOVERIES and not away):
            raise DeliveryError(self._told(fatal))
        await self.sink.reopen()
        self._metrics.producers.inc()

    def _told(self, fatal: KafkaError) -> str:
        """What ends the worker when no producer can ever produce."""
        told = f"the Kafka producer failed for good: {fatal.str()}"
        if fatal.code() not in DENIED:
            return told
        return f"{told}; {self._rights()}"

    def _rights(self) -> str:
        topics = f"{self._kafka.output_topic} and {self._kafka.dead_letter_topic}"
        return (
            f"allow WRITE on {topics}, and IDEMPOTENT_WRITE on the cluster for brokers before 3.0"
        )

    def _unmended(self, record: Message, refusal: KafkaError) -> DeliveryError:
        return DeliveryError(
            f"{self._kafka.output_topic} refuses the output of {place(record)}: {refusal.str()}; "
            "see that the topic exists and this user may write to it"
        )

    async def _letter(
        self, record: Message, error: Reject, refused: KafkaError | None = None
    ) -> KafkaError | None:
        """Send a dead letter; returns the refusal, if any.

        Args:
            refused: why the first try was. Where it was not for its time, which the sink mends, the
                reason may be what is too much.
        """
        if refused is None or refused.code() in UNTIMELY:
            return await self.sink.dead_letter(record, error)
        refusal = await self.sink.dead_letter(record, None)
        if refusal is None:
            logger.error("dead letter of %s went without its reason: %s", place(record), error)
        return refusal

    def _letter_refused(self, record: Message, refusal: KafkaError) -> DeliveryError:
        return DeliveryError(
            f"{self._kafka.dead_letter_topic} refuses the dead letter of {place(record)}: "
            f"{refusal.str()}; let it take what the input topic takes (max.message.bytes, "
            "cleanup.policy, message.timestamp.*), or mend its access rights"
        )

    def _bar(self, what: str, error: KafkaError) -> None:
        while len(self._barred) >= MOST_BARRED:
            del self._barred[next(iter(self._barred))]
        self._barred[what] = error
        self._recoveries = 0  # the next time it gets further

    def _output_refused(self, refusal: KafkaError) -> Reject:
        told = f"{self._kafka.output_topic} refused it: {refusal.str()}"
        return Reject("produce", "output_refused", told)
