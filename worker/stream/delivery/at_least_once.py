"""At least once: outputs confirmed, then offsets committed.

After a fault what was not yet committed comes out twice, in its order; nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException

from worker.stream.delivery.base import Delivery

SETTLE_S = 1.0


class AtLeastOnce(Delivery):
    """A producer without transactions, and the consumer's own commits."""

    def commit(self, offsets: Mapping[int, int], consumer: Consumer, wait: bool, note: str) -> bool:
        places = self._places(offsets, note)
        for place in consumer.commit(offsets=places, asynchronous=not wait) or ():
            if place.error is not None:  # the call raises only what all of them have met
                raise KafkaException(place.error)
        return wait

    def before_refusals(self, offsets: Mapping[int, int]) -> dict[int, int]:
        """Of each partition what is before the first record that was refused.

        Once all is answered, that is confirmed. Nothing where it is not known what was refused, nor
        while brokers do not answer: a commit would only wait for them.
        """
        producer = self.producer
        if producer.fatal or not producer.flush(SETTLE_S) or producer.fatal:
            return {}
        found = dict(offsets)
        for refusal in producer.refusals:
            if refusal.record is None or refusal.error.code() == KafkaError._MSG_TIMED_OUT:
                return {}
            number, offset = refusal.record.partition(), refusal.record.offset()
            found[number] = min(found.get(number, offset), offset)
        return {number: found[number] for number in offsets}

    def _undo(self) -> None:
        """Nothing can be taken back; what is under way is waited for, or it comes out later."""
        if not self.producer.fatal:
            self.producer.flush(SETTLE_S)
