"""The producer: outputs and dead letters, confirmed.

Everything runs on the event loop: delivery callbacks run in `poll`, which a task here calls.
A record's offset may move only after `Delivery.confirmed`; nothing here is ever dropped.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from worker.errors import DeliveryError, Reject
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.safe import safe
from worker.settings import Kafka
from worker.stream.admin import Cluster
from worker.stream.batch import Header, headers, place
from worker.stream.clients import producer_properties
from worker.stream.login import Login
from worker.stream.trouble import explained

logger = logging.getLogger(__name__)

POLL_S = 0.002
REQUEST_SHARE = 0.8  # of a topic's max.message.bytes; the rest is for the request's own bytes
DENIED = KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED
RECORD_AT_FAULT = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_RECORD,
    KafkaError._INVALID_ARG,
)


class Delivery:
    """The confirmation of several produced records."""

    def __init__(self) -> None:
        self._waiting = 1  # one for the producing side, taken by `sealed`
        self._done = asyncio.get_running_loop().create_future()
        self.refused: list[tuple[int, KafkaError]] = []

    def add(self, index: int):
        """A delivery callback for record `index`."""
        self._waiting += 1

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                self.refused.append((index, error))
            self._finish_one()

        return on_delivery

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
    """Produces in the order of its calls; one per worker."""

    def __init__(self, kafka: Kafka, metrics: Metrics) -> None:
        self._kafka = kafka
        self._errors = metrics.kafka_errors
        self._seldom = Seldom(logger)
        self._login = Login({**kafka.client, **kafka.producer})
        self._producer: Producer | None = None
        self._poller: asyncio.Task[None] | None = None
        self.fatal: KafkaError | None = None

    async def start(self) -> None:
        """Open the producer, with requests that fit the topics it writes to.

        A topic refuses a request as a whole; sending its records again would break their order.
        """
        limit = await asyncio.to_thread(Cluster(self._kafka).message_limit)
        fitting = {"batch.size": max(1, int(limit * REQUEST_SHARE)), "error_cb": self._on_error}
        self._producer = Producer(producer_properties(self._kafka) | fitting)
        self._poller = asyncio.create_task(self._poll(self._producer), name="kafka-producer")

    async def stop(self) -> None:
        """Stop without waiting: what is not confirmed by now was not committed either."""
        if self._poller:
            self._poller.cancel()
        if self._producer:
            self._producer.purge()
            self._producer.flush(0)

    async def output(self, delivery: Delivery, index: int, record: Message, value: bytes) -> None:
        """Queue the output made from `record`; its confirmation comes through `delivery`."""
        await self._produce(delivery, index, record, self._kafka.output_topic, value=value)

    async def output_alone(self, record: Message, value: bytes) -> Reject | None:
        """Send once more an output that was refused; says why if it is refused again.

        A broker refuses a whole produce request for the sake of one record.

        Raises:
            DeliveryError: the refusal is not the record's fault, so no dead letter mends it.
        """
        topic = self._kafka.output_topic
        refusal = await self._send(record, topic, value=value)
        if refusal is None:
            return None
        if refusal.fatal():
            raise DeliveryError(self.told(refusal))
        if refusal.code() in RECORD_AT_FAULT:
            return Reject("produce", "output_refused", f"{topic} refused it: {refusal.str()}")
        raise DeliveryError(
            f"{topic} refuses the output of {place(record)}: {refusal.str()}; "
            "see that the topic exists and this user may write to it"
        )

    async def dead_letter(self, record: Message, error: Reject) -> None:
        """Send a record to the dead-letter topic as it came, with the reason as headers.

        Raises:
            DeliveryError: the dead-letter topic refused it even without the added headers.
        """
        topic = self._kafka.dead_letter_topic
        told = error_headers(record, error)  # of an earlier rejection they are replaced
        names = {name for name, _ in told}
        kept = [item for item in headers(record) or () if item[0] not in names]
        if await self._send(record, topic, headers=kept + told) is None:
            return
        refusal = await self._send(record, topic)  # the reason may have made it too large
        if refusal is not None and refusal.fatal():
            raise DeliveryError(self.told(refusal))
        if refusal is not None:
            raise DeliveryError(
                f"{topic} refuses the dead letter of {place(record)}: {refusal.str()}; raise its "
                "max.message.bytes above the input topic's, or mend its access rights"
            )
        logger.error("dead letter of %s went without its reason: %s", place(record), error)

    def told(self, fatal: KafkaError) -> str:
        """What ends the worker when its producer can never produce again."""
        told = f"the Kafka producer failed for good: {fatal.str()}"
        if fatal.code() not in DENIED:
            return told
        topics = f"{self._kafka.output_topic} and {self._kafka.dead_letter_topic}"
        return (
            f"{told}; allow WRITE on {topics}, and IDEMPOTENT_WRITE on the cluster "
            "for brokers before 3.0"
        )

    async def _send(self, record: Message, topic: str, **changed) -> KafkaError | None:
        """Produce one record and wait for its confirmation; returns the refusal, if any."""
        delivery = Delivery()
        await self._produce(delivery, 0, record, topic, **changed)
        refused = await delivery.confirmed()
        return refused[0][1] if refused else None

    async def _produce(
        self, delivery: Delivery, index: int, record: Message, topic: str, **changed
    ) -> None:
        """Queue `record` for `topic` with its key and headers, unless `changed`.

        Waits while the local queue is full. What librdkafka refuses at once is told through
        `delivery`, like what the broker refuses.
        """
        assert self._producer
        message = {"key": record.key(), "value": record.value(), "headers": headers(record)}
        on_delivery = delivery.add(index)
        while True:
            try:
                self._producer.produce(topic, on_delivery=on_delivery, **(message | changed))
                return
            except BufferError:
                await asyncio.sleep(POLL_S)
            except KafkaException as error:
                on_delivery(error.args[0], record)
                return

    def _on_error(self, error: KafkaError) -> None:
        self._errors.labels(error.name()).inc()
        self._seldom.warning(error.name(), "Kafka: %s", explained(error.str()))

    async def _poll(self, producer: Producer) -> None:
        try:
            while True:
                producer.poll(0)
                self._login.renew(producer, monotonic())
                await asyncio.sleep(POLL_S)
        except KafkaException as error:  # a fatal error: nothing is confirmed any more
            self.fatal = error.args[0]


def error_headers(record: Message, error: Reject) -> list[Header]:
    """Why a record was rejected, and where it came from."""
    told = {
        "x-error-stage": error.stage,
        "x-error-type": error.reason,
        "x-error-message": safe(str(error))[:500],
        "x-source-topic": record.topic(),
        "x-source-partition": record.partition(),
        "x-source-offset": record.offset(),
        "x-attempts": _earlier_attempts(record) + 1,
    }
    return [(name, str(value).encode("utf-8", "replace")) for name, value in told.items()]


def _earlier_attempts(record: Message) -> int:
    """What its last `x-attempts` tells; 0 where that is no number that replaying could reach."""
    told = [value or b"" for name, value in headers(record) or () if name == "x-attempts"]
    return int(told[-1]) if told and told[-1].isdigit() and len(told[-1]) < 10 else 0
