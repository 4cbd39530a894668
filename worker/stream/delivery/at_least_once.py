"""At least once: outputs confirmed, then offsets committed.

After a fault what was not yet committed comes out twice, in its order; nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.errors import Reject
from worker.stream.batch import place
from worker.stream.delivery.base import MOST_RECOVERIES, RECORD_AT_FAULT, Broken, Delivery
from worker.stream.kafka_errors import DENIED


class AtLeastOnce(Delivery):
    """A producer without transactions, and the consumer's own commits."""

    _committing = False  # an asynchronous commit is not answered yet

    async def refused(self, record: Message, value: bytes, error: KafkaError) -> Reject | None:
        """Sends it once more by itself: a broker refuses a request for one record's sake."""
        self._once_more(error)
        refusal = await self.sink.output_alone(record, value)
        while refusal and refusal.code() == KafkaError._INVALID_DIFFERENT_RECORD:  # not so alone
            refusal = await self.sink.output_alone(record, value)
        if refusal is None:
            told = "an output that was refused with others was taken by itself: %s"
            self._seldom.warning("alone", told, error.str())
            return None
        self._once_more(refusal)
        if refusal.code() in RECORD_AT_FAULT:
            self._bar(place(record), refusal)  # or it takes the same others with it once more
            return self._output_refused(refusal)
        raise self._unmended(record, refusal)

    async def dead_letter(self, record: Message, error: Reject) -> None:
        refusal = await self._letter(record, error)
        if refusal is not None:
            self._once_more(refusal)
            refusal = await self._letter(record, error, refusal)
        if refusal is not None:
            self._once_more(refusal)
            raise self._letter_refused(record, refusal)

    def _once_more(self, refusal: KafkaError) -> None:
        """Do all again from the last commit where a refusal is not about the record.

        Sent alone, it would come out after later ones, and stay the last word of its key. So a
        broker that starts refuses: of a topic that exists it says that it does not.

        Raises:
            Broken: that is so.
        """
        passing = refusal.code() not in (*RECORD_AT_FAULT, *DENIED)
        if self.sink.fatal or (passing and self._recoveries < MOST_RECOVERIES):
            told = "an output is refused, all is done again from the last commit: %s"
            self._seldom.warning(refusal.name(), told, refusal.str())
            self._broken.set()
            raise Broken

    def bind(
        self, consumer: Consumer | None, on_refusal: Callable[[KafkaError | None], None]
    ) -> None:
        super().bind(consumer, on_refusal)
        self._committing = False  # one that closed answers no more

    def tick(self, now: float) -> None:
        if now >= self._commit_at and not self._committing:
            self._commit(wait=False)
            self._commit_at = now + self._kafka.commit_interval_ms / 1000

    def settle(self, partitions: Iterable[int], timeout_s: float) -> bool:
        if self._consumer is None:
            return False
        self._tracker.wait_resolved(partitions, timeout_s)
        self._commit(wait=True)
        return not self._tracker.committable()

    def on_commit(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        self._committing = False
        self._committed(error, offsets)

    def _commit(self, wait: bool) -> None:
        topic = self._kafka.input_topic
        offsets = [TopicPartition(topic, p, o) for p, o in self._tracker.committable().items()]
        if not offsets:
            return
        try:
            done = self._consumer.commit(offsets=offsets, asynchronous=not wait)
        except KafkaException as error:
            self._committed(error.args[0], offsets)
        else:
            if wait:
                self._committed(None, done)
            else:
                self._committing = True

    def _committed(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        self._metrics.commits.labels("failed" if error else "ok").inc()
        if error:
            self._on_refusal(error)
            told = "commit failed, tried again at the next: %s"
            self._seldom.warning(f"commit {error.name()}", told, error.str())
            return
        self._recoveries = 0
        self._on_refusal(None)
        for item in offsets:
            if item.error is None:
                self._tracker.committed(item.partition, item.offset)
