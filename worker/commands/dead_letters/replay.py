"""Dead letters sent back to the input topic, each at most once.

One transaction holds the records in the input topic and their mark in the dead-letter topic: both
are there, or neither is. All replays of a group share one transactional id, so a second one
fences the first, and then reads the marks that the first has left.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from worker.commands.dead_letters.letter import Letter
from worker.commands.dead_letters.replay_markers import mark
from worker.config.settings import Kafka
from worker.errors import Stop
from worker.stream.batch import MARK, Header, headers
from worker.stream.clients import producer_properties
from worker.stream.delivery.base import RECORD_AT_FAULT
from worker.stream.producer import REJECTION, REPLAYED_FROM

# A replay that is killed holds up the input's consumers for this long: they wait for its end.
TRANSACTION_MS = 15_000
START_S = 30.0
UNSENT = (*REJECTION, REPLAYED_FROM, MARK)  # its attempts stay, so that the next one counts on
WITHOUT = (
    "without which a replay could send a record twice: use Kafka 0.11 or newer, or read the "
    "records with `dead-letters show`"
)
TIMED_OUT = KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT
FENCED = (
    *(KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH),
    KafkaError.INVALID_PRODUCER_ID_MAPPING,
)

Pair = tuple[Message, Letter]


class Replay:
    """Sends letters back; opening it ends every other replay of the group.

    Args:
        partitions: of the input topic.

    Raises (every method):
        Stop: Kafka refuses it; names the remedy. What was not sent by then stays as it was.
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
                "log_level": 0,  # what goes wrong is told once, by us
            }
        )
        try:
            self._producer.init_transactions(START_S)
        except KafkaException as error:
            raise self._stop(error.args[0]) from None

    def send(self, pairs: Sequence[Pair]) -> list[tuple[Letter, str]]:
        """Send these as one; returns those that the input topic refuses, and why.

        A broker refuses a whole request for the sake of one record, so halves are tried alone.
        """
        error = self._send(pairs)
        if error is not None and error.code() == KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER:
            error = self._send(pairs)  # the client mends its own numbers once, after a refusal
        if error is None:
            self.sent += len(pairs)
            return []
        if len(pairs) == 1:
            return [(pairs[0][1], error.str())]
        middle = len(pairs) // 2
        return self.send(pairs[:middle]) + self.send(pairs[middle:])

    def _send(self, pairs: Sequence[Pair]) -> KafkaError | None:
        """One transaction; returns the error with which a record was refused."""
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
            told = error.args[0]
            if told.fatal() or told.code() == KafkaError._FATAL:
                told = self._fatal() or told
            self._abort()
        cause = refused[0] if refused and not told.fatal() else told
        if cause.code() in (*RECORD_AT_FAULT, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER):
            return cause
        raise self._stop(cause)

    def _fatal(self) -> KafkaError | None:
        """What ended the producer for good; `produce` itself tells only that something did."""
        try:
            self._producer.poll(0)
        except KafkaException as error:
            return error.args[0]
        return self._fatal_error

    def _abort(self) -> None:
        """End the transaction; one that the broker does not know of cannot be, nor need it be."""
        with suppress(KafkaException):
            self._producer.abort_transaction(TRANSACTION_MS / 1000)

    def _queue(self, pairs: Sequence[Pair], on_delivery) -> None:
        """The records, each to the partition it came from, and a mark for each partition."""
        marked: dict[int, list[int]] = {}
        for record, letter in pairs:
            marked.setdefault(letter.place.partition, []).append(letter.place.offset)
            message = {"key": record.key(), "value": record.value()}
            message |= {"headers": sent_headers(record, letter)} | self._partition(letter)
            self._produce(self._kafka.input_topic, on_delivery=on_delivery, **message)
        for number, offsets in marked.items():
            self._produce(self._kafka.dead_letter_topic, partition=number, **mark(offsets))

    def _produce(self, topic: str, **message) -> None:
        while True:
            try:
                return self._producer.produce(topic, **message)
            except BufferError:
                self._producer.poll(0.05)

    def _partition(self, letter: Letter) -> dict[str, int]:
        """Where it came from, if that is still there; else its key decides, as for any record."""
        source = letter.source
        ours = source is not None and source.topic == self._kafka.input_topic
        there = ours and source.partition in self._partitions
        return {"partition": source.partition} if there else {}

    def _on_error(self, error: KafkaError) -> None:
        self._last_error = error.str()
        if error.fatal():
            self._fatal_error = error

    def _stop(self, error: KafkaError) -> Stop:
        kafka, code = self._kafka, error.code()
        topics = f"{kafka.input_topic} and {kafka.dead_letter_topic}"
        if code in FENCED:
            told = "another replay of this group has begun and goes on instead of this one"
        elif code == KafkaError._UNSUPPORTED_FEATURE:
            told = f"this broker has no transactions, {WITHOUT}"
        elif code in TIMED_OUT and not self._last_error:
            told = (
                f"this broker answers, but took nothing for {TRANSACTION_MS / 1000:g} s; start the "
                f"replay again; if it has no transactions, {WITHOUT}"
            )
        elif code == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            told = f"{error.str()}; add an ACL: WRITE on transactional id {self._id}"
        elif code in (
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        ):
            told = f"{error.str()}; add an ACL: WRITE on topics {topics}"
        else:
            why = f" ({self._last_error})" if self._last_error else ""
            told = f"Kafka: {error.str()}{why}; mend it and start the replay again"
        return Stop(f"{told}\n{self.sent} were replayed before; none of them is replayed again")


def sent_headers(record: Message, letter: Letter) -> list[Header]:
    """The headers of a replayed record: its own, its attempts, and which letter it was."""
    kept = [item for item in headers(record) or () if item[0] not in UNSENT]
    return [*kept, (REPLAYED_FROM, str(letter.place).encode())]
