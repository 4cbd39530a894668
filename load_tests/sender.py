"""A producer that waits while its queue is full and counts what is not delivered."""

from __future__ import annotations

from confluent_kafka import KafkaError, Message, Producer


class Sender:
    """One producer.

    Args:
        linger_ms, queued: librdkafka's `linger.ms` and `queue.buffering.max.messages`.

    Attributes:
        failed: the errors of records that were not delivered.
    """

    def __init__(self, bootstrap: str, linger_ms: int, queued: int) -> None:
        self.failed: list[KafkaError] = []
        self.producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": linger_ms,
                "queue.buffering.max.messages": queued,
                "delivery.report.only.error": True,
                "on_delivery": self._on_delivery,
            }
        )

    def send(
        self, topic: str, value: bytes, partition: int, at_ms: int = 0, pause_s: float = 0.05
    ) -> None:
        """Queue a record; while there is no room, wait `pause_s` at a time.

        Args:
            at_ms: its timestamp, Unix milliseconds; 0 is now.
        """
        while True:
            try:
                return self.producer.produce(topic, value, partition=partition, timestamp=at_ms)
            except BufferError:
                self.producer.poll(pause_s)

    def _on_delivery(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self.failed.append(error)
