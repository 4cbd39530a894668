"""Sends dead letters back to the input topic, each at most once.

The records in the input topic and their marker in the dead-letter topic are written in one
transaction. All replays of a group share one transactional id, so that a second one fences the
first, and then reads the markers that the first has left.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from worker.commands.dead_letters.letter import Letter
from worker.commands.dead_letters.replay_markers import marker
from worker.config.settings import Kafka
from worker.errors import Stop
from worker.stream.batch import REPLAY_HEADER, Header, headers
from worker.stream.clients import producer_properties
from worker.stream.delivery.base import RECORD_AT_FAULT
from worker.stream.producer import REJECTION, REPLAYED_FROM

# The input's consumers wait this long for the open transaction of a replay that is killed.
TRANSACTION_MS = 15_000
START_S = 30.0
UNSENT = (*REJECTION, REPLAYED_FROM, REPLAY_HEADER)  # `x-attempts` stays, so that it is counted on
WITHOUT = (
    "without which a replay could send a record twice: use Kafka 0.11 or newer, or read the "
    "records with `dead-letters show`"
)
TIMED_OUT = KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT
FENCED = (
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.INVALID_PRODUCER_ID_MAPPING,
)

Pair = tuple[Message, Letter]


class ReplayProducer:
    """Sends letters back; creating one fences every other replay of the group.

    Args:
        partitions: of the input topic.

    Raises (every method):
        Stop: Kafka refuses it; names the remedy. What was not sent by then can be replayed again.
    """

    def __init__(self, kafka: Kafka, partitions: Sequence[int]) -> None:
        self._kafka, self._partitions = kafka, set(partitions)
        self._id = f"{kafka.group_id}.replay"
        self._last_error = ""
        self._fatal_error: KafkaError | None = None
        self.sent = 0
        self._producer = Producer(
            producer_properties(kafka)
            | {
                "transactional.id": self._id,
                "transaction.timeout.ms": TRANSACTION_MS,
                "message.timeout.ms": TRANSACTION_MS,
                "error_cb": self._on_error,
                "log_level": 0,  # errors are reported by `Stop`
            }
        )
        try:
            self._producer.init_transactions(START_S)
        except KafkaException as error:
            raise self._stop(error.args[0]) from None

    def send(self, pairs: Sequence[Pair]) -> list[tuple[Letter, str]]:
        """Send these in one transaction; returns those that the input topic refuses, and why.

        A broker refuses the whole request for one record, so each half is tried again alone.
        """
        error = self._send(pairs)
        if error is not None and error.code() == KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER:
            error = self._send(pairs)  # the client resets its sequence numbers after a refusal
        if error is None:
            self.sent += len(pairs)
            return []
        if len(pairs) == 1:
            return [(pairs[0][1], error.str())]
        middle = len(pairs) // 2
        return self.send(pairs[:middle]) + self.send(pairs[middle:])

    def _send(self, pairs: Sequence[Pair]) -> KafkaError | None:
        """One transaction; returns the error of the record that was refused."""
        refused: list[KafkaError] = []

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            if error is not None and error.code() != KafkaError._PURGE_QUEUE:
                refused.append(error)

        try:
            self._producer.begin_transaction()
            self._queue(pairs, on_delivery)
            self._producer.commit_transaction()
            return None
        except KafkaException as error:
            cause = error.args[0]
            if cause.fatal() or cause.code() == KafkaError._FATAL:
                cause = self._fatal() or cause
            with suppress(KafkaException):  # the broker may know of no transaction
                self._producer.abort_transaction(TRANSACTION_MS / 1000)
        if refused and not cause.fatal():
            cause = refused[0]
        if cause.code() in (*RECORD_AT_FAULT, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER):
            return cause
        raise self._stop(cause)

    def _fatal(self) -> KafkaError | None:
        """The producer's fatal error; `produce` itself only reports that there is one."""
        try:
            self._producer.poll(0)
        except KafkaException as error:
            return error.args[0]
        return self._fatal_error

    def _queue(self, pairs: Sequence[Pair], on_delivery) -> None:
        """Produce each record to the partition it came from, and a marker for each partition."""
        offsets_of: dict[int, list[int]] = {}
        for record, letter in pairs:
            offsets_of.setdefault(letter.position.partition, []).append(letter.position.offset)
            message = {"key": record.key(), "value": record.value()}
            message |= {"headers": sent_headers(record, letter)} | self._partition(letter)
            self._produce(self._kafka.input_topic, on_delivery=on_delivery, **message)
        for number, offsets in offsets_of.items():
            self._produce(self._kafka.dead_letter_topic, partition=number, **marker(offsets))

    def _produce(self, topic: str, **message) -> None:
        while True:
            try:
                return self._producer.produce(topic, **message)
            except BufferError:
                self._producer.poll(0.05)

    def _partition(self, letter: Letter) -> dict[str, int]:
        """The partition it came from, if it still exists; else the partitioner decides by key."""
        source = letter.source
        ours = source is not None and source.topic == self._kafka.input_topic
        exists = ours and source.partition in self._partitions
        return {"partition": source.partition} if exists else {}

    def _on_error(self, error: KafkaError) -> None:
        self._last_error = error.str()
        if error.fatal():
            self._fatal_error = error

    def _stop(self, error: KafkaError) -> Stop:
        kafka, code = self._kafka, error.code()
        topics = f"{kafka.input_topic} and {kafka.dead_letter_topic}"
        if code in FENCED:
            reason = "another replay of this group has started and continues instead of this one"
        elif code == KafkaError._UNSUPPORTED_FEATURE:
            reason = f"this broker has no transactions, {WITHOUT}"
        elif code in TIMED_OUT and not self._last_error:
            reason = (
                f"this broker answers, but accepted nothing for {TRANSACTION_MS / 1000:g} s; start "
                f"the replay again; if it has no transactions, {WITHOUT}"
            )
        elif code == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            reason = f"{error.str()}; add an ACL: WRITE on transactional id {self._id}"
        elif code in (
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        ):
            reason = f"{error.str()}; add an ACL: WRITE on topics {topics}"
        else:
            detail = f" ({self._last_error})" if self._last_error else ""
            reason = f"Kafka: {error.str()}{detail}; correct it and start the replay again"
        return Stop(f"{reason}\n{self.sent} were replayed before; none of them is replayed again")


def sent_headers(record: Message, letter: Letter) -> list[Header]:
    """Headers of a replayed record: its own, `x-attempts`, and the position of its letter."""
    kept = [item for item in headers(record) or () if item[0] not in UNSENT]
    return [*kept, (REPLAYED_FROM, str(letter.position).encode())]
