"""Admin requests: topics, their limits, and the group's lag."""

from __future__ import annotations

from collections.abc import Container, Iterable
from contextlib import suppress
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource

from worker.config.settings import Kafka
from worker.stream.clients import common_properties
from worker.stream.credentials import Credentials
from worker.stream.kafka_errors import diagnose_connection, more_specific

NEWEST, OLDEST = -1, -2  # in place of a time, in Kafka's ListOffsets


class Cluster:
    """What a cluster says of its topics; every call blocks for at most its timeout."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._last_error = ""
        self._credentials = Credentials(kafka.client)
        properties = common_properties(kafka) | {"error_cb": self._on_error}
        self._client = AdminClient(properties)

    def missing(self, timeout_s: float = 1.0) -> str | None:
        """Why the worker cannot start on this cluster now; None when it can."""
        self._credentials.renew(self._client, monotonic())
        try:
            topics = self._client.list_topics(timeout=timeout_s).topics
        except KafkaException as error:
            self._client.poll(0)
            return str(diagnose_connection(self._kafka, self._last_error or error.args[0].str()))
        self._last_error = ""
        wanted = (
            self._kafka.input_topic,
            self._kafka.output_topic,
            self._kafka.dead_letter_topic,
        )
        return absent(topics, wanted)

    def message_limits(self, timeout_s: float = 5.0) -> dict[str, int]:
        """Topic → `max.message.bytes`, of the output and dead-letter topics; without topics whose
        limit cannot be read."""
        if not self._has_controller(timeout_s):
            return {}
        names = self._kafka.output_topic, self._kafka.dead_letter_topic
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
        limits = {}
        futures = self._client.describe_configs(resources, request_timeout=timeout_s)
        for resource, future in futures.items():
            # The broker may leave it out, or this user may lack DESCRIBE_CONFIGS.
            with suppress(KafkaException, KeyError, TimeoutError):
                limits[resource.name] = int(future.result(timeout_s)["max.message.bytes"].value)
        return limits

    def _has_controller(self, timeout_s: float) -> bool:
        """Whether the cluster has a controller: else admin calls wait for all of their timeout.

        The embedded broker has none.
        """
        try:
            metadata = self._client.list_topics(self._kafka.output_topic, timeout=timeout_s)
        except KafkaException:
            return False
        return metadata.controller_id in metadata.brokers

    def _on_error(self, error: KafkaError) -> None:
        self._last_error = more_specific(error.str(), self._last_error)


def absent(topics: Container[str], wanted: Iterable[str]) -> str | None:
    """Which of the wanted topics the cluster does not name, and the remedy; None if it names all.

    It does not name topics that it hides from this user.
    """
    missing = [name for name in wanted if name not in topics]
    if not missing:
        return None
    remedy = "create them, or allow this user to DESCRIBE them"
    return f"topics are missing: {', '.join(missing)}; {remedy}"


class Backlog:
    """The lag of a group; every call blocks for at most a few timeouts.

    Uses a consumer that never joins the group: librdkafka's admin calls for the same purpose crash
    the process when the broker stops during them.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._topic = kafka.input_topic
        self._credentials = Credentials(kafka.client)
        properties = common_properties(kafka) | {"group.id": kafka.group_id}
        # What waits behind an open transaction is lag, too.
        properties |= {"enable.auto.commit": False, "isolation.level": "read_uncommitted"}
        self._client = Consumer(properties)

    def lag(self, partitions: Iterable[int], timeout_s: float = 2.0) -> dict[int, int]:
        """Partition → records of the input topic that the group has not committed; all that the
        partition holds if it has committed none. Without partitions that are not known now, such as
        one that was just added.

        Raises:
            KafkaException: the cluster did not answer.
        """
        self._credentials.renew(self._client, monotonic())
        numbers = list(partitions)
        if not numbers:
            return {}
        places = [TopicPartition(self._topic, number) for number in numbers]
        committed = _offsets(self._client.committed(places, timeout=timeout_s))
        # One request a broker; `get_watermark_offsets` would need two for each partition.
        begin, end = (self._at(numbers, when, timeout_s) for when in (OLDEST, NEWEST))
        known = committed.keys() & begin.keys() & end.keys()
        if len(known) < len(numbers):  # else the client would learn of them after minutes
            with suppress(KafkaException):
                self._client.list_topics(self._topic, timeout=timeout_s)
        return {number: end[number] - max(committed[number], begin[number]) for number in known}

    def _at(self, numbers: list[int], when: int, timeout_s: float) -> dict[int, int]:
        places = [TopicPartition(self._topic, number, when) for number in numbers]
        return _offsets(self._client.offsets_for_times(places, timeout=timeout_s))


def _offsets(places: Iterable[TopicPartition]) -> dict[int, int]:
    """Partition → offset, of those whose offset is known."""
    return {place.partition: place.offset for place in places if place.error is None}
