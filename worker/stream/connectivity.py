"""Whether the consumer is connected to a broker and authorized to consume."""

from __future__ import annotations

import logging

import orjson
from confluent_kafka import KafkaError

from worker.config.settings import Kafka

logger = logging.getLogger(__name__)

REMIND_S = 10.0  # between warnings: librdkafka reports a missing right once
EVERYWHERE = -1  # in place of a partition
_CREATE = "create the topic {topic}, or correct kafka.input_topic"
# Why a consumer does not become a member of the group → the remedy.
NOT_JOINING = {
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: "the members of group {group} assign partitions by"
    ' another strategy: set kafka.consumer "partition.assignment.strategy" to theirs, or give the'
    " workers a kafka.group_id of their own",
    KafkaError.INVALID_SESSION_TIMEOUT: 'set kafka.consumer "session.timeout.ms" to what the'
    " brokers allow (group.min.session.timeout.ms, group.max.session.timeout.ms)",
    KafkaError.UNKNOWN_TOPIC_OR_PART: _CREATE,
    KafkaError._UNKNOWN_TOPIC: _CREATE,
    KafkaError._UNKNOWN_PARTITION: "the topic {topic} was deleted, or made again with fewer"
    " partitions: create it, or correct kafka.input_topic",
}
_OFFSET = (
    'set kafka.consumer "auto.offset.reset" to earliest or latest, or give group {group} an offset'
    " while no worker runs (kafka-consumer-groups.sh --reset-offsets)"
)
STATISTICS_MS = 1000  # interval of a client's statistics


class Brokers:
    """Whether a client knows any broker, by its statistics.

    A broker that stops may answer that there is none; then librdkafka sometimes forgets them all
    (2.16, whatever `metadata.recovery.strategy`), and only a new client finds them again.
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


class Connectivity:
    """Derived from the client's errors and statistics; used from the consumer's thread.

    `connected` may be read from any thread.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._any_broker_up = False
        self.brokers = Brokers()
        self._denied: dict[int, str] = {}  # partition → what this user may not do
        self._not_joining = ""  # why
        self._without_offset: dict[int, str] = {}  # partition → why it is not consumed
        self._remind_at = 0.0

    @property
    def connected(self) -> bool:
        reasons = self._denied or self._not_joining or self._without_offset
        return self._any_broker_up and not reasons

    def on_error(self, error: KafkaError, partition: int = EVERYWHERE) -> bool:
        """Take an error of the consumer; False if it says nothing of what this is about."""
        # Whatever the partition: librdkafka leaves it 0 in errors of a group and of a topic.
        if remedy := NOT_JOINING.get(error.code()):
            names = {"group": self._kafka.group_id, "topic": self._kafka.input_topic}
            self._not_joining = f"{error.str()}; {remedy.format(**names)}"
            return True
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            remedy = _OFFSET.format(group=self._kafka.group_id)
            self._without_offset[partition] = f"{error.str()}; {remedy}"
            return True
        return self.deny(error, partition)

    def deny(self, error: KafkaError, partition: int = EVERYWHERE) -> bool:
        """Keep an authorization error until `allow`; False if it is another error."""
        group = error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED
        if not group and error.code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
            return False
        what = f"group {self._kafka.group_id}" if group else f"topic {self._kafka.input_topic}"
        message = f"{error.str()}; add an ACL: READ on {what}"
        self._denied[EVERYWHERE if group else partition] = message
        return True

    def allow(self, partition: int = EVERYWHERE) -> None:
        """It is a member of the group, and may consume."""
        if partition == EVERYWHERE:
            self._not_joining = ""
        self._denied.pop(partition, None)

    def on_commit(self, error: KafkaError | None) -> None:
        """Take the result of a commit."""
        if error is None:
            self.allow()
        else:
            self.deny(error)

    def on_statistics(self, text: str) -> None:
        """librdkafka's statistics, once a second."""
        statistics = orjson.loads(text)
        self.brokers.look(statistics)
        brokers = statistics.get("brokers", {}).values()
        self._any_broker_up = any(broker["state"] == "UP" for broker in brokers)
        if statistics.get("cgrp", {}).get("assignment_size"):
            self._not_joining = ""
        topic = statistics.get("topics", {}).get(self._kafka.input_topic, {})
        for number, partition in topic.get("partitions", {}).items():
            if partition["hi_offset"] >= 0:  # unknown while fetches are refused
                self.allow(int(number))
            if int(number) in self._without_offset and (
                partition["fetch_state"] == "active" or not partition["desired"]
            ):
                del self._without_offset[int(number)]  # consumed now, or by another

    def remind(self, now: float) -> None:
        """Log what is denied, or why it does not join or consume, at most every 10 s; `now` is
        `time.monotonic()`."""
        reasons = [*self._denied.values(), *filter(None, [self._not_joining])]
        reasons += self._without_offset.values()
        if reasons and now >= self._remind_at:
            logger.warning("Kafka: %s", "; ".join(dict.fromkeys(reasons)))
            self._remind_at = now + REMIND_S
