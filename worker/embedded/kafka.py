"""The demo's broker: librdkafka's mock cluster, on loopback ports of this process.

Any Kafka client can use it. It has groups, commits and idempotent produce, four partitions per
topic, and keeps the last 5 MiB of a partition. It has no topic administration, does not survive a
restart, and its transactions are incomplete.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, Producer, TopicPartition

from worker.errors import StartupError

START_S = 10.0


class EmbeddedKafka:
    """One mock broker, while `running`.

    Attributes:
        bootstrap_servers: its address.

    Raises:
        StartupError: it has no address in time.
    """

    def __init__(self) -> None:
        # The mock cluster replaces this address by its own.
        self._client: Producer | None = Producer(
            {"bootstrap.servers": "embedded", "test.mock.num.brokers": 1, "log_level": 0}
        )
        brokers = self._client.list_topics(timeout=START_S).brokers
        if not brokers:
            raise StartupError("the embedded Kafka has no address; start it again")
        self.bootstrap_servers = ",".join(f"{b.host}:{b.port}" for b in brokers.values())

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[EmbeddedKafka]:
        kafka = cls()
        try:
            yield kafka
        finally:
            kafka._client = None  # closes its port; all records are lost

    def create(self, *topics: str) -> None:
        """Create topics: the mock cluster does so on the first metadata request for them."""
        for topic in topics:
            self._client.list_topics(topic, timeout=START_S)

    def records(self, topic: str) -> int:
        """How many records were produced to a topic, by all clients."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": "records"})
        try:
            numbers = consumer.list_topics(topic, timeout=START_S).topics[topic].partitions
            partitions = [TopicPartition(topic, number) for number in numbers]
            return sum(consumer.get_watermark_offsets(p, timeout=START_S)[1] for p in partitions)
        finally:
            consumer.close()
