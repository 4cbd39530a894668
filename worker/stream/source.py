"""The consumer and its thread: fetch, hand over, commit what is resolved.

The thread owns the consumer; rebalance callbacks run in it. Without room for more batches it
stops fetching, after a while pauses the partitions, and keeps polling, so that the group never
takes it for dead.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.logs import Seldom
from worker.metrics import Metrics
from worker.settings import Batching, Kafka
from worker.stream.batch import Batch, by_partition, size
from worker.stream.clients import consumer_properties
from worker.stream.login import Login
from worker.stream.tracker import Tracker
from worker.stream.trouble import explained

logger = logging.getLogger(__name__)

IDLE_S = 0.1  # for the first record of a round
FULL_S = 0.2  # for room
PAUSE_AFTER_S = 5.0  # without room; a pause throws away what was prefetched
REVOKE_WAIT_S = 5.0
STATISTICS_MS = 1000
REMIND_S = 10.0  # of rights that are missing: librdkafka tells of them once
LARGE_RECORD = 1_000_000.0  # bytes; about the most that brokers take by default
EVERYWHERE = -1  # in place of a partition
DENIED = KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED


class Source:
    """Records of the input topic, as batches.

    Args:
        hand_over: called in the consumer thread with each batch.
        fail: called in the consumer thread with an error that ends the worker.
    """

    def __init__(
        self,
        kafka: Kafka,
        batching: Batching,
        tracker: Tracker,
        metrics: Metrics,
        hand_over: Callable[[Batch], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._kafka, self._batching, self._tracker = kafka, batching, tracker
        self._metrics = metrics
        self._hand_over, self._fail = hand_over, fail
        self._stopping, self._quiet = threading.Event(), threading.Event()
        self._seldom = Seldom(logger)
        self._thread = threading.Thread(target=self._run, name="kafka-consumer", daemon=True)
        self._consumer: Consumer | None = None
        self._login = Login({**kafka.client, **kafka.consumer})
        self._paused = False
        self._full_since: float | None = None
        self._mean_size = LARGE_RECORD  # until records tell better
        self._commit_at = 0.0
        self._committing = False  # an asynchronous commit is not answered yet
        self._fetching = True
        self._denied: dict[int, str] = {}  # partition → what this user may not do
        self._remind_at = 0.0
        self._any_broker_up = False
        self.turned_at = monotonic()

    @property
    def connected(self) -> bool:
        """Whether a broker can be reached and lets this user consume."""
        return self._any_broker_up and not self._denied

    def start(self) -> None:
        self._thread.start()

    def stop_fetching(self, timeout_s: float) -> None:
        """No further batch is handed over after this; polling and commits go on until `close`.

        Waits for the thread to have seen it, at most `timeout_s`.
        """
        self._fetching = False
        self._quiet.wait(timeout_s)

    def stop(self) -> None:
        """Let the thread commit, leave the group and end; does not wait for it."""
        self._stopping.set()

    def close(self, timeout_s: float) -> bool:
        """Commit what is resolved and leave the group; False when that took too long."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._consumer = Consumer(self._properties())
            self._consumer.subscribe(
                [self._kafka.input_topic],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )
            while not self._stopping.is_set():
                self.turned_at = monotonic()
                self._turn()
            self._commit(wait=True)
        except BaseException as error:
            with suppress(RuntimeError):  # the loop is closed: it ended before us
                self._fail(error)
        finally:
            if self._consumer:
                self._consumer.close()

    def _turn(self) -> None:
        assert self._consumer
        self._login.renew(self._consumer, self.turned_at)
        if self.turned_at >= self._commit_at and not self._committing:
            self._commit(wait=False)
            self._commit_at = self.turned_at + self._kafka.commit_interval_ms / 1000
        if self._denied and self.turned_at >= self._remind_at:
            logger.warning("Kafka: %s", "; ".join(dict.fromkeys(self._denied.values())))
            self._remind_at = self.turned_at + REMIND_S
        if self._has_room():
            self._full_since = None
            if self._paused:
                self._set_paused(False)
        elif not self._paused:
            self._full_since = self._full_since or self.turned_at
            if self._fetching and self.turned_at - self._full_since < PAUSE_AFTER_S:
                return
            self._set_paused(True)
        first = self._consumer.consume(1, IDLE_S)
        if first:
            arrived = monotonic()
            wait_s = self._batching.max_wait_ms / 1000
            more = self._consumer.consume(self._round(size(first)) - 1, wait_s)
            self._dispatch(first + more, arrived)

    def _has_room(self) -> bool:
        """Room for more batches; once paused, only when half of it is free again."""
        if not self._fetching:
            self._quiet.set()
            return False
        limits = self._batching.max_batches_in_flight, self._batching.max_bytes_in_flight
        if self._paused:
            batches, size = (max(1, limit // 2) for limit in limits)
            return self._tracker.wait_for_room(batches, size, 0.0)
        return self._tracker.wait_for_room(*limits, FULL_S)

    def _round(self, first_size: int) -> int:
        """How many records fit, if they are as large as the first or as those before it."""
        room = self._batching.max_bytes_in_flight - self._tracker.in_flight.size
        expected = max(self._mean_size, first_size)
        return min(self._batching.max_records, max(2, int(room / expected)))

    def _dispatch(self, messages: list[Message], arrived: float) -> None:
        for message in messages:
            if message.error() is not None:
                self._on_error(message.error(), message.partition())
        count = fetched = 0
        for partition, records in by_partition(messages).items():
            total = size(records)
            count, fetched = count + len(records), fetched + total
            ticket = self._tracker.track(partition, records[-1].offset() + 1, len(records), total)
            self._metrics.consumed.inc(len(records))
            self._metrics.batch_records.observe(len(records))
            self._metrics.batch_fill.observe(len(records) / self._batching.max_records)
            self._hand_over(Batch(records, ticket, arrived))
        if count:
            self._mean_size = fetched / count

    def _set_paused(self, paused: bool) -> None:
        assert self._consumer
        self._paused = paused
        assignment = self._consumer.assignment()
        (self._consumer.pause if paused else self._consumer.resume)(assignment)
        logger.debug("%s %d partitions", "paused" if paused else "resumed", len(assignment))

    def _commit(self, wait: bool) -> None:
        assert self._consumer
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

    def _on_commit(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """The answer to an asynchronous commit; it comes in a poll, never in `commit` itself."""
        self._committing = False
        self._committed(error, offsets)

    def _committed(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        self._metrics.commits.labels("failed" if error else "ok").inc()
        if error:
            if error.code() in DENIED:
                self._deny(error, EVERYWHERE)
            told = "commit failed, tried again at the next: %s"
            self._seldom.warning(f"commit {error.name()}", told, error.str())
            return
        self._denied.pop(EVERYWHERE, None)
        for item in offsets:
            if item.error is None:
                self._tracker.committed(item.partition, item.offset)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._tracker.assign(item.partition for item in partitions)
        self._denied.pop(EVERYWHERE, None)
        consumer.incremental_assign(partitions)
        # A rebalance must not undo a pause; nor must a pause outlive a partition's time away,
        # as librdkafka has it.
        (consumer.pause if self._paused else consumer.resume)(partitions)
        self._rebalanced("assigned", partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Let what is in flight finish, within bounds, and commit it while it is still ours."""
        numbers = [item.partition for item in partitions]
        if not self._stopping.is_set():
            self._tracker.wait_resolved(numbers, REVOKE_WAIT_S)
        self._commit(wait=True)
        self._drop("revoked", partitions)
        consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop("lost", partitions)
        consumer.incremental_unassign(partitions)

    def _drop(self, kind: str, partitions: list[TopicPartition]) -> None:
        self._tracker.revoke(item.partition for item in partitions)
        for item in partitions:  # a series that stays would keep its lag alert alive for ever
            self._denied.pop(item.partition, None)
            self._metrics.lag.remove_by_labels(
                {"topic": item.topic, "partition": str(item.partition)}
            )
        self._rebalanced(kind, partitions)

    def _rebalanced(self, kind: str, partitions: list[TopicPartition]) -> None:
        self._metrics.rebalances.labels(kind).inc()
        self._metrics.partitions.set(len(self._tracker.owned()))
        logger.info("%s: partitions %s", kind, [item.partition for item in partitions])

    def _properties(self) -> dict:
        return consumer_properties(self._kafka) | {
            "statistics.interval.ms": STATISTICS_MS,
            "stats_cb": self._on_statistics,
            "error_cb": self._on_error,
            "on_commit": self._on_commit,
        }

    def _on_error(self, error: KafkaError, partition: int = EVERYWHERE) -> None:
        self._metrics.kafka_errors.labels(error.name()).inc()
        if error.fatal():
            raise KafkaException(error)
        if error.code() in DENIED:
            self._deny(error, partition)
        else:
            self._seldom.warning(error.name(), "Kafka: %s", explained(error.str()))

    def _deny(self, error: KafkaError, partition: int) -> None:
        """Hold it until an assignment, a commit or a fetch shows that it is over."""
        group = error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED
        what = f"group {self._kafka.group_id}" if group else f"topic {self._kafka.input_topic}"
        told = f"{error.str()}; add an ACL: READ on {what}"
        self._denied[EVERYWHERE if group else partition] = told

    def _on_statistics(self, text: str) -> None:
        statistics = json.loads(text)
        brokers = statistics.get("brokers", {}).values()
        self._any_broker_up = any(broker["state"] == "UP" for broker in brokers)
        topic = statistics.get("topics", {}).get(self._kafka.input_topic, {})
        for number, partition in topic.get("partitions", {}).items():
            if partition["hi_offset"] >= 0:  # a fetch that is refused does not tell it
                self._denied.pop(int(number), None)
