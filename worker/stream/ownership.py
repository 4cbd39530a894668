"""Partitions that no member of the group owns, and when to ask for a rebalance.

A static member of a classic group that is killed while it gives partitions up leaves them to
nobody: its successor takes its place without a rebalance (KIP-345). Any static member that sees
such partitions for a while joins again, so that the group assigns all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import unpack_from
from time import monotonic

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from worker.config.settings import Kafka
from worker.stream.clients import common_properties
from worker.stream.credentials import Credentials

LOOK_S = 5.0
LEFT_S = 12.0  # a member that gives partitions up takes half of it at most


def may_be_left(kafka: Kafka) -> bool:
    """Whether partitions can be left without an owner: by static members of a classic group."""
    properties = kafka.client | kafka.consumer
    classic = properties.get("group.protocol", "classic") == "classic"
    return classic and "group.instance.id" in properties


class Group:
    """What the group's members are assigned; a call blocks for a few seconds at most.

    By the older of librdkafka's calls, which confluent_kafka warns of: the newer one crashes the
    process when the broker stops during it.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._group, self._topic = kafka.group_id, kafka.input_topic
        self._credentials = Credentials(kafka.client)
        self._client = AdminClient(common_properties(kafka))

    def unowned(self, timeout_s: float = 2.0) -> set[int]:
        """Partitions of the input topic that no member is assigned.

        None of them while the group rebalances, and while the cluster does not say.
        """
        self._credentials.renew(self._client, monotonic())
        try:
            (group,) = self._client.list_groups(self._group, timeout=timeout_s)
            topics = self._client.list_topics(self._topic, timeout=timeout_s).topics
        except (KafkaException, ValueError):  # ValueError: there is no such group yet
            return set()
        if group.error is not None or group.state != "Stable":
            return set()
        unowned = set(topics[self._topic].partitions)
        for member in group.members:
            unowned -= assigned(member.assignment, self._topic)
        return unowned


def assigned(assignment: bytes, topic: str) -> set[int]:
    """Partitions of a topic in a member's assignment, Kafka's ConsumerProtocolAssignment."""
    numbers: set[int] = set()
    (count,) = unpack_from(">i", assignment, 2) if assignment else (0,)
    at = 6
    for _ in range(count):
        (length,) = unpack_from(">h", assignment, at)
        name = assignment[at + 2 : at + 2 + length].decode()
        at += 2 + length
        (size,) = unpack_from(">i", assignment, at)
        if name == topic:
            numbers.update(unpack_from(f">{size}i", assignment, at + 4))
        at += 4 + 4 * size
    return numbers


class Left:
    """For how long partitions have been without an owner."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}

    def overdue(self, unowned: Iterable[int], now: float) -> list[int]:
        """Those that have been without one for `LEFT_S`, each reported once in that time.

        Args:
            unowned: those that have none now.
            now: `time.monotonic()`.
        """
        self._since = {number: self._since.get(number, now) for number in unowned}
        found = sorted(number for number, at in self._since.items() if now - at >= LEFT_S)
        for number in found:
            self._since[number] = now
        return found
