"""Exactly once: outputs, dead letters and offsets in one Kafka transaction a commit interval.

    begin ─▶ produce ─▶ flush ─▶ offsets ─▶ commit ─▶ begin
                │         │         │         │
                └─────────┴─ refused, fenced, orphaned
                                    ▼
              abort (or a new producer) ─▶ back to the last commit ─▶ begin

The group's metadata is taken together with the offsets: a partition that is another's by then is so
in a later generation, in which the broker refuses these offsets (KIP-447). What a worker that was
killed left open, the broker aborts after `transaction.timeout.ms`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from time import monotonic, sleep

from confluent_kafka import Consumer, KafkaError, KafkaException

from worker.errors import DeliveryError
from worker.stream import blocking
from worker.stream.delivery.base import RECORD_AT_FAULT, Delivery
from worker.stream.kafka_errors import DENIED
from worker.stream.producer import Refusal

logger = logging.getLogger(__name__)

CALL_S = 1.0  # of one blocking call; it is made again until it is answered
# Longer than that librdkafka may wait for ever, for a broker that has left (its issues 5456, 5511).
HANG_S = 3.0
PATIENCE_S = 8.0  # until a call that is never answered is left to another producer
PAUSE_S = 0.1


class ExactlyOnce(Delivery):
    """One transactional producer."""

    confirms_at_commit = True
    _spoiled = False  # outputs are in the transaction whose offsets never will be

    def prepare(self) -> None:
        """Fence and abort what an earlier producer of this name left open, then begin."""
        if self.producer.client is None:
            self.producer.open()
        try:
            self._call(self.producer.client.init_transactions, patience_s=0.0)
            self.producer.client.begin_transaction()
            self.ready = True
        except KafkaException as error:
            if error.args[0].retriable():
                self._seldom.warning("init", "Kafka: %s", error.args[0].str())
                return
            self._recoveries += 1
            self.producer.broke(error.args[0])
            self._replace_producer()

    @property
    def failed(self) -> bool:
        return self._spoiled or super().failed

    def commit(self, offsets: Mapping[int, int], consumer: Consumer, wait: bool, note: str) -> bool:
        member = consumer.consumer_group_metadata()
        client = self.producer.client
        try:
            self._call(client.send_offsets_to_transaction, self._places(offsets, note), member)
            self._call(client.commit_transaction)
            client.begin_transaction()
        except KafkaException as error:
            self._on_transaction_error(error.args[0])
            raise
        return True

    def orphaned(self) -> None:
        self._spoiled = True

    def _undo(self) -> None:
        self._metrics.commits.labels("aborted").inc()
        try:
            if self.producer.fatal is None:
                self._call(self.producer.client.abort_transaction)
                self.producer.client.begin_transaction()
        except KafkaException as error:
            self._on_transaction_error(error.args[0], aborting=True)
        self._spoiled = False

    def _judge(self, refusal: Refusal) -> None:
        super()._judge(refusal)
        code = refusal.error.code()
        # librdkafka counts the record as sent, so that the broker would miss it in the next
        # transaction: that would be refused too, or not be answered until transaction.timeout.ms.
        if code in RECORD_AT_FAULT or code == KafkaError._MSG_TIMED_OUT:
            self.producer.broke(refusal.error)

    def _on_transaction_error(self, error: KafkaError, aborting: bool = False) -> None:
        """Decide what an error of a transaction means: to abort it, or a new producer.

        Raises:
            DeliveryError: a right is missing.
        """
        if error.code() in DENIED:
            raise DeliveryError(f"the transaction failed: {error.str()}; {self._rights()}")
        if aborting or not error.txn_requires_abort():
            self.producer.broke(error)
        else:
            self._spoiled = True
            logger.warning("the transaction is aborted: %s", error.str())

    def _call(self, function: Callable, *arguments: object, patience_s: float = PATIENCE_S) -> None:
        """Make a blocking call until it succeeds.

        Raises:
            KafkaException: it never will, or it does not return.
        """
        until = monotonic() + patience_s
        while True:
            try:
                return blocking.call(function, *arguments, CALL_S, timeout_s=CALL_S + HANG_S)
            except KafkaException as error:
                if not error.args[0].retriable() or monotonic() >= until:
                    raise
                message = "Kafka does not answer %s, asked again: %s"
                name, reason = function.__name__, error.args[0].str()
                self._seldom.warning(name, message, name, reason)
                sleep(PAUSE_S)

    def _rights(self) -> str:
        ids = f"the transactional ids that begin with {self._kafka.group_id}-"
        return f"{super()._rights()}; WRITE on {ids}; READ on group {self._kafka.group_id}"
