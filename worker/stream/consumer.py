"""The consumer: one member of the group, its errors, and whether it can be used any longer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic, sleep

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.config.settings import Kafka
from worker.errors import Stop
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.stream.batch import OVERHEAD
from worker.stream.clients import consumer_properties
from worker.stream.connectivity import EVERYWHERE, STATISTICS_MS, Brokers, Connectivity
from worker.stream.credentials import Credentials
from worker.stream.kafka_errors import with_remedy

logger = logging.getLogger(__name__)

COORDINATOR_S, COORDINATOR_PAUSE_S = 2.0, 0.02
NOT_YET = (
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.NOT_COORDINATOR,
)
# One that does not exist, so that nobody's open transaction holds up the answer.
NO_PARTITION = 2**31 - 1
LARGE_RECORD = 1_048_588  # bytes; the most that brokers take by default
# By its text: what librdkafka reports of it has another code.
HELD = KafkaError(KafkaError.UNRELEASED_INSTANCE_ID)
Rebalanced = Callable[[Consumer, list[TopicPartition]], None]


class Unusable(Exception):
    """The consumer cannot recover; a new one is created."""


class GroupConsumer:
    """A member of the group, from `join` on; used from the Kafka thread.

    Args:
        on_commit: called with the answer to an asynchronous commit, in a later `fetch`.

    Attributes:
        client: confluent_kafka's consumer; None before `join` and after `leave`.
        failed: whether it can do nothing any more, nor commit.
    """

    def __init__(
        self,
        kafka: Kafka,
        metrics: Metrics,
        connectivity: Connectivity,
        on_commit: Callable[[KafkaError | None, list[TopicPartition]], None],
    ) -> None:
        self._kafka, self._metrics, self._connectivity = kafka, metrics, connectivity
        self._on_commit = on_commit
        self._seldom = Seldom(logger)
        self._largest = LARGE_RECORD
        self.client: Consumer | None = None
        self.failed = False

    def join(self, on_assign: Rebalanced, on_revoke: Rebalanced, on_lost: Rebalanced) -> None:
        """Subscribe to the input topic; the callbacks are called in `fetch` and in `leave`."""
        self._credentials = Credentials({**self._kafka.client, **self._kafka.consumer})
        self._connectivity.brokers = Brokers()
        self.client = Consumer(
            consumer_properties(self._kafka)
            | {
                "statistics.interval.ms": STATISTICS_MS,
                "stats_cb": self._connectivity.on_statistics,
                "error_cb": self._on_error,
                "on_commit": self._on_commit,
            }
        )
        self._await_coordinator()
        self._callbacks = {"on_assign": on_assign, "on_revoke": on_revoke, "on_lost": on_lost}
        self.client.subscribe([self._kafka.input_topic], **self._callbacks)

    def join_again(self) -> None:
        """Give up what is owned, and let the group rebalance; also as a static member.

        A new client would not do: the group would give it the old one's partitions as they are.
        """
        self.client.unsubscribe()
        self.client.subscribe([self._kafka.input_topic], **self._callbacks)

    def _await_coordinator(self) -> None:
        """Wait, within bounds, until the group's coordinator takes requests.

        That of a cluster's first group is named before it does, and so is one that has just moved;
        then librdkafka would join again only after three seconds.
        """
        place = TopicPartition(self._kafka.input_topic, NO_PARTITION)
        until = monotonic() + COORDINATOR_S
        while (left_s := until - monotonic()) > 0:
            try:
                self.client.committed([place], timeout=left_s)
                return
            except KafkaException as error:
                if error.args[0].code() not in NOT_YET:
                    return  # the consumer meets it again, and reports it
            sleep(COORDINATOR_PAUSE_S)

    def look(self, now: float) -> None:
        """Renew the credentials, and remind of missing rights; `now` is `time.monotonic()`.

        Raises:
            Unusable: it knows no broker any more.
        """
        self._credentials.renew(self.client, now)
        self._connectivity.remind(now)
        if self._connectivity.brokers.forgotten:
            raise Unusable(Brokers.FORGOTTEN)

    def fetch(self, count: int, timeout_s: float, room: int) -> list[Message]:
        """Records of any owned partition; errors are handled.

        They come in slices which fit even if each record is as large as the largest so far, since
        small records say nothing of the next ones.

        Args:
            room: bytes of what may come; exceeded by one record at most, as long as none is larger
                than `LARGE_RECORD` or the largest before it. For such a one, what the client has
                prefetched is the bound: `queued.max.messages.kbytes` and an answer of each broker.

        Raises:
            Unusable, Stop: see `_on_error`.
        """
        until = monotonic() + timeout_s
        messages: list[Message] = []
        while True:
            wanted = max(1, min(count - len(messages), room // self._largest))
            found = self.client.consume(wanted, max(0.0, until - monotonic()))
            messages += found
            size = sum(map(len, found))
            if size > self._largest:
                self._largest = max(self._largest, *map(len, found))
            room -= size + OVERHEAD * len(found)
            if len(found) < wanted or len(messages) >= count or room <= 0:
                break
        failed = [message for message in messages if message.error() is not None]
        for message in failed:
            self._on_error(message.error(), message.partition())
        return [one for one in messages if one.error() is None] if failed else messages

    def committed(self, numbers: set[int], timeout_s: float) -> list[TopicPartition]:
        """The last commits of these partitions, with their metadata.

        Raises:
            KafkaException: they are not known now, for instance as a transaction is open.
        """
        places = [TopicPartition(self._kafka.input_topic, number) for number in numbers]
        found = self.client.committed(places, timeout=timeout_s)
        for place in found:
            if place.error is not None:  # not to be taken for a partition without a commit
                raise KafkaException(place.error)
        return found

    def notes(self, timeout_s: float) -> list[str]:
        """The metadata of the group's last commits, of all partitions; blocks for two timeouts.

        Raises:
            KafkaException: see `committed`.
        """
        topic = self._kafka.input_topic
        known = self.client.list_topics(topic, timeout=timeout_s).topics[topic].partitions
        return [place.metadata or "" for place in self.committed(set(known), timeout_s)]

    def seek(self, number: int, offset: int) -> None:
        self.client.seek(TopicPartition(self._kafka.input_topic, number, offset))

    def oldest(self, number: int) -> int:
        """The first offset that the partition still holds, as the last fetch showed it."""
        place = TopicPartition(self._kafka.input_topic, number)
        return self.client.get_watermark_offsets(place, cached=True)[0]

    def leave(self) -> None:
        """Leave the group; the callbacks are called for what is owned."""
        self.client.close()
        self.client = None

    def abandon(self) -> None:
        """Let go of a client that would wait for ever for a broker to leave the group at."""
        left, self.client = [self.client], None
        threading.Thread(target=left.clear, name="kafka-abandoned", daemon=True).start()

    def _on_error(self, error: KafkaError, partition: int = EVERYWHERE) -> None:
        """Log an error.

        Raises:
            Unusable: another consumer may do better.
            Stop: none will.
        """
        self._metrics.kafka_errors.labels(error.name()).inc()
        if error.fatal() or error.code() == KafkaError._FATAL:
            if HELD.str() in error.str():
                message = "waiting for the member that had this group.instance.id to be given up"
                raise Unusable(f"{message}: {error.str()}")
            self.failed = True
            remedy = "give each worker a group.instance.id of its own, if it has one"
            raise Stop(f"the Kafka consumer failed for good: {error.str()}; {remedy}")
        if not self._connectivity.on_error(error, partition):
            self._seldom.warning(error.name(), "Kafka: %s", with_remedy(error.str()))
