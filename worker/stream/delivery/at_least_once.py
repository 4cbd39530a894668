"""At least once: outputs confirmed, then offsets committed.

After a fault what was not yet committed comes out twice, in its order; nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException

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

    def _undo(self) -> None:
        """Nothing can be taken back; what is under way is waited for, or it comes out later."""
        if not self.producer.fatal:
            self.producer.flush(SETTLE_S)
