"""The producer of outputs and dead letters; used from the Kafka thread alone.

Nothing here waits for a confirmation: what Kafka refuses is collected in `refusals`, and all else
is confirmed once `flush` returns True. Nothing is ever dropped.
"""

from __future__ import annotations

import logging
import lzma
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from time import monotonic

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from worker.config.settings import Kafka
from worker.errors import Reject
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.redact import redacted
from worker.stream.admin import Cluster
from worker.stream.batch import REPLAY_HEADER, Header, headers, record_id, time_ms
from worker.stream.clients import producer_properties
from worker.stream.connectivity import STATISTICS_MS, Brokers
from worker.stream.credentials import Credentials
from worker.stream.kafka_errors import with_remedy

logger = logging.getLogger(__name__)

MESSAGE_LIMIT = 1_000_000  # where no topic names a smaller one
REQUEST_SHARE = 0.8  # of a topic's max.message.bytes; the rest is for the request's own bytes
UNTIMELY = KafkaError.INVALID_TIMESTAMP, KafkaError.INVALID_RECORD
NO_CLOCK_S = 600.0  # then this machine's clock is tried again
REJECTION = (
    "x-error-stage",
    "x-error-type",
    "x-error-message",
    "x-source-topic",
    "x-source-partition",
    "x-source-offset",
)
REPLAYED_FROM = "x-replayed-from"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Kafka refused, and why.

    Attributes:
        record: the input that it was made of; None where nobody kept it.
        is_dead_letter: whether it was the dead letter of the input, not its output.
    """

    record: Message | None
    error: KafkaError
    is_dead_letter: bool

    @property
    def key(self) -> tuple[int, int, bool]:
        """What it is remembered by: partition and offset of its record, and `is_dead_letter`."""
        return self.record.partition(), self.record.offset(), self.is_dead_letter

    @property
    def id(self) -> str:
        """What messages call its record."""
        return record_id(self.record) if self.record else "a record"


class OutputProducer:
    """Produces in the order of its calls.

    Args:
        transactional_id: None for a producer without transactions.

    Attributes:
        client: confluent_kafka's producer; None before `open`, and after `discard`.
        refusals: what Kafka refused; each client has a list of its own.
        fatal: why the client can produce nothing more; None while it can.
    """

    def __init__(self, kafka: Kafka, metrics: Metrics, transactional_id: str | None) -> None:
        self._kafka, self._transactional_id = kafka, transactional_id
        self._errors = metrics.kafka_errors
        self._seldom = Seldom(logger)
        self._limits: dict[str, int] | None = None
        self._no_clock_until = 0.0
        self.client: Producer | None = None
        self.refusals: list[Refusal] = []
        self.fatal: KafkaError | None = None

    def open(self) -> None:
        """Create the client, with requests that fit the topics it writes to.

        A topic refuses a request as a whole; sending its records again would break their order.
        """
        if self._limits is None:
            self._limits = Cluster(self._kafka).message_limits()
        limit = min([MESSAGE_LIMIT, *self._limits.values()])
        self._credentials = Credentials({**self._kafka.client, **self._kafka.producer})
        properties = producer_properties(self._kafka, self._transactional_id)
        properties |= {"batch.size": max(1, int(limit * REQUEST_SHARE))}
        properties |= {"error_cb": self._on_error, "stats_cb": self._on_statistics}
        alias = properties.get("compression.codec")
        self._compression = alias or properties.get("compression.type")
        self._brokers = Brokers()
        self.refusals, self.fatal = [], None
        self.client = Producer(properties | {"statistics.interval.ms": STATISTICS_MS})

    def discard(self) -> None:
        """Let go of the client: what is not confirmed is not sent any more."""
        client, self.client, self.fatal = self.client, None, None
        if client is None:
            return
        client.purge()
        # Its destructor may wait for brokers that are away.
        left = [client]
        del client
        threading.Thread(target=left.clear, name="kafka-producer-end", daemon=True).start()

    def output(self, record: Message, value: bytes) -> None:
        """Queue the output made from `record`, with its key, headers and time.

        Outputs have their inputs' time, as in Kafka Streams: brokers refuse what is more than
        `message.timestamp.after.max.ms` ahead, so this machine's clock must not decide.

        Raises:
            BufferError: the queue is full.
        """
        self._produce(
            record,
            topic=self._kafka.output_topic,
            value=value,
            time=time_ms(record),
            record_headers=headers(record),
        )

    def outputs(
        self,
        records: list[Message],
        values: Iterable[bytes],
        record_headers: list[list[Header] | None],
    ) -> int:
        """Queue outputs of many records, each with its headers; returns how many found room.

        What a broker refuses later is a `Refusal` without its record; what librdkafka refuses at
        once has it.
        """
        produce, topic, done = self.client.produce, self._kafka.output_topic, 0
        refused = partial(_refused, self.refusals, None, False)
        try:
            for record, value, header in zip(records, values, record_headers, strict=True):
                kind, time = record.timestamp()
                time = time if kind and time > 0 else 0
                produce(topic, value, record.key(), -1, refused, None, time, header)
                done += 1
        except BufferError:
            pass
        except KafkaException as error:
            self.refusals.append(Refusal(records[done], error.args[0], is_dead_letter=False))
            done += 1
        return done

    def dead_letter(self, record: Message, error: Reject | None) -> None:
        """Queue a record for the dead-letter topic as it came.

        Its time is now, so that retention counts from the rejection; its record's for a while after
        that was refused.

        Args:
            error: the reason, which is added as headers.

        Raises:
            BufferError: the queue is full.
        """
        added = error_headers(record, error, self._kafka.dead_letter_topic) if error else []
        # Strips replay marks and rejection headers, so that inputs cannot forge these.
        names = {*REJECTION, REPLAY_HEADER, *(name for name, _ in added)}
        kept = [item for item in headers(record) or () if item[0] not in names]
        time = 0 if monotonic() >= self._no_clock_until else time_ms(record)
        self._produce(
            record,
            topic=self._kafka.dead_letter_topic,
            value=record.value(),
            time=time,
            record_headers=kept + added,
            is_dead_letter=True,
        )

    def too_large(self, value: bytes, topic: str) -> bool:
        """Whether the topic will surely refuse this value, compressed as the producer does it.

        False where the topic does not name its limit, and with zstd, which may make less of some
        values than is found out here.
        """
        limit = (self._limits or {}).get(topic)
        if limit is None or len(value) <= limit or self._compression == "zstd":
            return False
        # LZMA looks back further than gzip, lz4 and snappy, and makes less of what it finds.
        return len(lzma.compress(value, lzma.FORMAT_ALONE, preset=1)) > limit

    @property
    def output_limit(self) -> int:
        """Bytes of an output that the topic takes however it is compressed."""
        return (self._limits or {}).get(self._kafka.output_topic, MESSAGE_LIMIT)

    @property
    def idle(self) -> bool:
        """Whether all that was queued is answered."""
        return self.client is not None and len(self.client) == 0

    def poll(self) -> None:
        """Take Kafka's answers."""
        try:
            self.client.poll(0.0)
            self._credentials.renew(self.client, monotonic())
        except (KafkaException, SystemError) as error:
            self.broke(_fatal(error))

    def flush(self, timeout_s: float) -> bool:
        """Whether all that was queued is answered, at the latest after `timeout_s`."""
        try:
            return self.client.flush(timeout_s) == 0
        except (KafkaException, SystemError) as error:
            self.broke(_fatal(error))
            return False

    def broke(self, error: KafkaError) -> None:
        """The client is unusable: what is not confirmed is never sent."""
        if self.fatal is None:
            self.fatal = error
            logger.warning("the Kafka producer failed, a new one is created: %s", error.str())

    def take_refusals(self) -> list[Refusal]:
        """What Kafka refused since the last call."""
        found = self.refusals[:]
        self.refusals.clear()
        return found

    def distrust_clock(self) -> None:
        """Give dead letters their records' time for a while."""
        self._no_clock_until = monotonic() + NO_CLOCK_S
        message = "%s refuses this machine's time, dead letters have their records' time"
        self._seldom.warning("time", message, self._kafka.dead_letter_topic)

    @property
    def distrusts_clock(self) -> bool:
        return monotonic() < self._no_clock_until

    def _produce(
        self,
        record: Message,
        topic: str,
        value: bytes | None,
        time: int,
        record_headers: list[Header] | None,
        is_dead_letter: bool = False,
    ) -> None:
        # As `callback`: where that is None, `on_delivery` is never called.
        callback = partial(_refused, self.refusals, record, is_dead_letter)
        try:
            self.client.produce(
                topic, value, record.key(), -1, callback, None, time, record_headers
            )
        except KafkaException as error:
            # What librdkafka refuses at once is handled like what the broker refuses.
            self.refusals.append(Refusal(record, error.args[0], is_dead_letter))

    def _on_error(self, error: KafkaError) -> None:
        self._errors.labels(error.name()).inc()
        self._seldom.warning(error.name(), "Kafka: %s", with_remedy(error.str()))

    def _on_statistics(self, text: str) -> None:
        self._brokers.look(orjson.loads(text))
        if self._brokers.forgotten:
            self.broke(KafkaError(KafkaError._ALL_BROKERS_DOWN, Brokers.FORGOTTEN, fatal=True))


def _fatal(error: KafkaException | SystemError) -> KafkaError:
    """The fatal error that a call raised: nothing more is confirmed.

    A callback that is called while the client has set one makes a SystemError of it.
    """
    cause = error if isinstance(error, KafkaException) else error.__cause__
    if not isinstance(cause, KafkaException):
        raise error
    return cause.args[0]


def _refused(
    refusals: list[Refusal],
    record: Message | None,
    is_dead_letter: bool,
    error: KafkaError | None,
    _: Message,
) -> None:
    """The answer to one record; `delivery.report.only.error` leaves out good ones."""
    if error is not None:
        refusals.append(Refusal(record, error, is_dead_letter))


def error_headers(record: Message, error: Reject, dead_letter_topic: str) -> list[Header]:
    """Why a record was rejected, and where it came from."""
    why = error.stage, error.reason, redacted(str(error))[:500]
    where = record.topic(), record.partition(), record.offset()
    found = dict(zip(REJECTION, why + where, strict=True))
    found["x-attempts"] = _earlier_attempts(record, dead_letter_topic) + 1
    return [(name, str(value).encode("utf-8", "replace")) for name, value in found.items()]


def _earlier_attempts(record: Message, dead_letter_topic: str) -> int:
    """Its `x-attempts`, where it says that it was replayed; 0 where that is no number of attempts.

    A record can say so without being replayed: replay has no secret to sign it with.
    """
    found = headers(record) or []
    origin = b"%b-" % dead_letter_topic.encode()
    origins = [value or b"" for name, value in found if name == REPLAYED_FROM]
    if not any(value.startswith(origin) for value in origins):
        return 0
    attempts = [value or b"" for name, value in found if name == "x-attempts"]
    if attempts and attempts[-1].isdigit() and len(attempts[-1]) < 10:
        return int(attempts[-1])
    return 0
