"""Whether the consumer reaches a broker that lets it consume, and what it may not do."""

from __future__ import annotations

import json
import logging

from confluent_kafka import KafkaError

from worker.config.settings import Kafka

logger = logging.getLogger(__name__)

REMIND_S = 10.0  # of rights that are missing: librdkafka tells of them once
EVERYWHERE = -1  # in place of a partition
STATISTICS_MS = 1000  # between those of a client


class Brokers:
    """Whether a client knows any broker, by its statistics.

    A broker that stops may answer that there is none; then librdkafka now and then forgets them
    all (2.16, whatever `metadata.recovery.strategy`), and only another client finds them again.
    """

    FORGOTTEN = "librdkafka has forgotten all brokers"

    def __init__(self) -> None:
        self._without = 0  # statistics in a row

    @property
    def forgotten(self) -> bool:
        return self._without > 1

    def look(self, statistics: dict) -> None:
        brokers = statistics.get("brokers", {}).values()
        known = any(broker["source"] in ("configured", "learned") for broker in brokers)
        self._without = 0 if known else self._without + 1


class Reach:
    """What the client's errors and statistics tell of it; used from the consumer's thread."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._any_broker_up = False
        self.brokers = Brokers()
        self._denied: dict[int, str] = {}  # partition → what this user may not do
        self._remind_at = 0.0

    @property
    def connected(self) -> bool:
        return self._any_broker_up and not self._denied

    def deny(self, error: KafkaError, partition: int = EVERYWHERE) -> bool:
        """Hold a refusal until something shows that it is over; False if it is no refusal."""
        group = error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED
        if not group and error.code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
            return False
        what = f"group {self._kafka.group_id}" if group else f"topic {self._kafka.input_topic}"
        told = f"{error.str()}; add an ACL: READ on {what}"
        self._denied[EVERYWHERE if group else partition] = told
        return True

    def allow(self, partition: int = EVERYWHERE) -> None:
        self._denied.pop(partition, None)

    def on_commit(self, error: KafkaError | None) -> None:
        """What became of a commit."""
        if error is None:
            self.allow()
        else:
            self.deny(error)

    def on_statistics(self, text: str) -> None:
        """librdkafka's statistics, once a second."""
        statistics = json.loads(text)
        self.brokers.look(statistics)
        brokers = statistics.get("brokers", {}).values()
        self._any_broker_up = any(broker["state"] == "UP" for broker in brokers)
        topic = statistics.get("topics", {}).get(self._kafka.input_topic, {})
        for number, partition in topic.get("partitions", {}).items():
            if partition["hi_offset"] >= 0:  # a fetch that is refused does not tell it
                self.allow(int(number))

    def remind(self, now: float) -> None:
        """Log what is denied, once in a while."""
        if self._denied and now >= self._remind_at:
            logger.warning("Kafka: %s", "; ".join(dict.fromkeys(self._denied.values())))
            self._remind_at = now + REMIND_S
