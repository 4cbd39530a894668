"""The producer: outputs and dead letters, confirmed.

Whoever serves the producer, this loop or a call that blocks in a thread, puts Kafka's answers into
a queue; a task here takes them out, on the event loop. A record's offset may move only after
`Receipt.confirmed`; nothing here is ever dropped.
"""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from worker.config.settings import Kafka
from worker.errors import Reject
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.redact import redacted
from worker.stream.admin import Cluster
from worker.stream.batch import MARK, Header, headers, time_ms
from worker.stream.clients import producer_properties
from worker.stream.connectivity import STATISTICS_MS, Brokers
from worker.stream.credentials import Login
from worker.stream.kafka_errors import explained
from worker.tasks import aside, guarded

logger = logging.getLogger(__name__)

POLL_S = 0.002
MESSAGE_LIMIT = 1_000_000  # where no topic tells a smaller one
REQUEST_SHARE = 0.8  # of a topic's max.message.bytes; the rest is for the request's own bytes
DESTROY_S = 10.0
UNTIMELY = KafkaError.INVALID_TIMESTAMP, KafkaError.INVALID_RECORD
NO_CLOCK_S = 600.0  # then this machine's is tried again
REJECTION = (
    *("x-error-stage", "x-error-type", "x-error-message"),
    *("x-source-topic", "x-source-partition", "x-source-offset"),
)


class Receipt:
    """The confirmation of several produced records."""

    def __init__(self) -> None:
        self._waiting = 1  # one for the producing side, taken by `confirmed`
        self._done = asyncio.get_running_loop().create_future()
        self.refused: list[tuple[int, KafkaError]] = []

    def expect(self) -> None:
        self._waiting += 1

    def answer(self, index: int, error: KafkaError | None) -> None:
        """Kafka's answer for record `index`."""
        if error is not None:
            self.refused.append((index, error))
        self._finish_one()

    async def confirmed(self) -> list[tuple[int, KafkaError]]:
        """Wait until Kafka answered for all; returns the refused ones with their errors."""
        self._finish_one()
        await self._done
        return self.refused

    def _finish_one(self) -> None:
        self._waiting -= 1
        if self._waiting == 0 and not self._done.done():
            self._done.set_result(None)


class Sink:
    """Produces in the order of its calls; one per worker.

    Args:
        transactional_id: of the producer; None for one without transactions.
        on_fatal: called when the producer can produce nothing more.
        fail: called with an error that ends the worker.
    """

    def __init__(
        self,
        kafka: Kafka,
        metrics: Metrics,
        transactional_id: str | None,
        on_fatal: Callable[[KafkaError], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._kafka = kafka
        self._errors = metrics.kafka_errors
        self._transactional_id, self._on_fatal, self._fail = transactional_id, on_fatal, fail
        self._seldom = Seldom(logger)
        self._answers: deque[tuple[Receipt, int, KafkaError | None]] = deque()
        self._poller: asyncio.Task[None] | None = None
        self._no_clock_until = 0.0
        self.producer: Producer | None = None
        self.fatal: KafkaError | None = None

    async def start(self) -> None:
        """Open the producer, with requests that fit the topics it writes to.

        A topic refuses a request as a whole; sending its records again would break their order.
        """
        self._limits = await asyncio.to_thread(Cluster(self._kafka).message_limits)
        limit = min([MESSAGE_LIMIT, *self._limits.values()])
        self._fitting = {"batch.size": max(1, int(limit * REQUEST_SHARE))}
        self._open()

    async def reopen(self) -> None:
        """A new producer in place of the old one, all of whose records were answered."""
        self._poller.cancel()
        old, self.producer = [self.producer], None
        with suppress(TimeoutError):  # its end may wait for brokers that are away
            await asyncio.wait_for(aside(old.clear), DESTROY_S)
        self._open()

    async def stop(self) -> None:
        """Stop without waiting: what is not confirmed by now was not committed either."""
        if self._poller:
            self._poller.cancel()
        if self.producer:
            self.producer.purge()
            self.producer.flush(0)

    async def output(self, receipt: Receipt, index: int, record: Message, value: bytes) -> None:
        """Queue the output made from `record`; its confirmation comes through `receipt`.

        Outputs have their inputs' time, as in Kafka Streams: brokers refuse what is more than
        `message.timestamp.after.max.ms` ahead, so this machine's clock must not decide.
        """
        await self._produce(receipt, index, record, value=value)

    def too_large(self, value: bytes) -> bool:
        """Whether the output topic will refuse this output, compressed as the producer does it.

        False where the topic does not tell its limit.
        """
        limit = self._limits.get(self._kafka.output_topic)
        if limit is None or len(value) <= limit:
            return False
        # lz4 and snappy find repetitions, as zlib does, but do not shorten rare bytes' codes.
        entropy = self._compression in ("gzip", "zstd")
        strategy = zlib.Z_DEFAULT_STRATEGY if entropy else zlib.Z_FIXED
        coder = zlib.compressobj(strategy=strategy)
        return len(coder.compress(value)) + len(coder.flush()) > limit

    async def output_alone(self, record: Message, value: bytes) -> KafkaError | None:
        """Send one output and wait for its confirmation; returns the refusal, if any."""
        return await self._send(record, value=value)

    async def dead_letter(self, record: Message, error: Reject | None) -> KafkaError | None:
        """Send a record to the dead-letter topic as it came; returns the refusal, if any.

        Its time is now, so that retention counts from the rejection; its record's for a while after
        that was refused.

        Args:
            error: the reason, which is added as headers.
        """
        told = error_headers(record, error) if error else []  # an earlier rejection's are replaced
        # No input may pass for a mark of a replay, nor tell a reason of its own.
        names = {*REJECTION, MARK, *(name for name, _ in told)}
        kept = [item for item in headers(record) or () if item[0] not in names]
        topic, now = self._kafka.dead_letter_topic, monotonic() >= self._no_clock_until
        time = 0 if now else time_ms(record)
        refusal = await self._send(record, topic=topic, headers=kept + told, timestamp=time)
        if refusal and now and refusal.code() in UNTIMELY:
            self._no_clock_until = monotonic() + NO_CLOCK_S
            told = "%s refuses this machine's time, dead letters have their records': %s"
            self._seldom.warning("time", told, topic, refusal.str())
        return refusal

    def broke(self, error: KafkaError) -> None:
        """The producer is of no more use: whatever is not confirmed is answered with errors."""
        if self.fatal is None:
            self.fatal = error
            logger.warning("the Kafka producer is made anew: %s", error.str())
            self.producer.purge()
            self._on_fatal(error)

    def _open(self) -> None:
        self.fatal = None
        login = Login({**self._kafka.client, **self._kafka.producer})
        properties = producer_properties(self._kafka, self._transactional_id) | self._fitting
        self._compression = properties.get("compression.type")
        properties |= {"error_cb": self._on_error, "stats_cb": self._on_statistics}
        self._brokers = Brokers()
        self.producer = Producer(properties | {"statistics.interval.ms": STATISTICS_MS})
        poll = guarded(self._poll(self.producer, login), self._fail)
        self._poller = asyncio.create_task(poll, name="kafka-producer")

    async def _send(self, record: Message, **changed) -> KafkaError | None:
        receipt = Receipt()
        await self._produce(receipt, 0, record, **changed)
        refused = await receipt.confirmed()
        return refused[0][1] if refused else None

    async def _produce(self, receipt: Receipt, index: int, record: Message, **changed) -> None:
        """Queue `record` for the output topic with its key, headers and time, unless `changed`.

        Waits while the local queue is full. What librdkafka refuses at once is told through
        `receipt`, like what the broker refuses.
        """
        message = {
            "topic": self._kafka.output_topic,
            "key": record.key(),
            "value": record.value(),
            "headers": headers(record),
            "timestamp": time_ms(record),
        }
        on_delivery = partial(self._answer, receipt, index)
        receipt.expect()
        while True:
            try:
                self.producer.produce(on_delivery=on_delivery, **(message | changed))
                return
            except BufferError:
                await asyncio.sleep(POLL_S)
            except KafkaException as error:
                self._answers.append((receipt, index, error.args[0]))
                return

    def _answer(self, receipt: Receipt, index: int, error: KafkaError | None, _: Message) -> None:
        self._answers.append((receipt, index, error))

    def _on_error(self, error: KafkaError) -> None:
        self._errors.labels(error.name()).inc()
        self._seldom.warning(error.name(), "Kafka: %s", explained(error.str()))

    def _on_statistics(self, text: str) -> None:
        self._brokers.look(json.loads(text))
        if self._brokers.forgotten:
            self.broke(KafkaError(KafkaError._ALL_BROKERS_DOWN, Brokers.FORGOTTEN, fatal=True))

    async def _poll(self, producer: Producer, login: Login) -> None:
        while True:
            try:
                producer.poll(0)
                login.renew(producer, monotonic())
            except KafkaException as error:  # a fatal error: nothing more is confirmed
                self.broke(error.args[0])
            while self._answers:
                receipt, index, error = self._answers.popleft()
                # What still waits in a transaction that failed would be answered only at its end.
                if error and self._transactional_id and error.code() != KafkaError._PURGE_QUEUE:
                    producer.purge(in_flight=False)
                receipt.answer(index, error)
            await asyncio.sleep(POLL_S)


def error_headers(record: Message, error: Reject) -> list[Header]:
    """Why a record was rejected, and where it came from."""
    why = error.stage, error.reason, redacted(str(error))[:500]
    where = record.topic(), record.partition(), record.offset()
    told = dict(zip(REJECTION, why + where, strict=True))
    told["x-attempts"] = _earlier_attempts(record) + 1
    return [(name, str(value).encode("utf-8", "replace")) for name, value in told.items()]


def _earlier_attempts(record: Message) -> int:
    """What its last `x-attempts` tells; 0 where that is no number that replaying could reach."""
    told = [value or b"" for name, value in headers(record) or () if name == "x-attempts"]
    return int(told[-1]) if told and told[-1].isdigit() and len(told[-1]) < 10 else 0
