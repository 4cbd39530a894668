"""The consumer and its thread: fetch, hand over, commit what is resolved.

The thread owns the consumer; rebalance callbacks run in it. A partition that has its share in
flight is waited for, after a moment paused, and the others go on. It polls whatever happens, so
that the group never takes it for dead.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.config.settings import Batching, Kafka
from worker.errors import Stop
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.stream.backpressure import Pauses
from worker.stream.batch import Batch, by_partition, size
from worker.stream.clients import consumer_properties
from worker.stream.connectivity import EVERYWHERE, STATISTICS_MS, Brokers, Reach
from worker.stream.credentials import Login
from worker.stream.delivery.base import Delivery
from worker.stream.kafka_errors import explained
from worker.stream.offsets import Tracker
from worker.stream.poison_pills import Suspects
from worker.stream.rejection_limits import NOTE as COUNTED

logger = logging.getLogger(__name__)

IDLE_S = 0.1  # for the first record of a round
REVOKE_WAIT_S = 5.0
ASK_S = 1.0  # for the last commits
ASK_AGAIN_S = 2.0  # after they were not told: the other partitions go on for as long
HOLDING_S = 0.005  # while records are taken one by one
LARGE_RECORD = 1_000_000.0  # bytes; about the most that brokers take by default
# By its text: what librdkafka tells of it has another code.
HELD = KafkaError(KafkaError.UNRELEASED_INSTANCE_ID)


class _Useless(Exception):
    """This consumer is; another will do."""


class Source:
    """Records of the input topic, as batches.

    Args:
        hand_over: called in the consumer thread with each batch.
        fail: called in the consumer thread with an error that ends the worker.
        learn: called in the consumer thread with what the dead-letter limits of an earlier owner
            have counted, see limits.py.
    """

    def __init__(
        self,
        kafka: Kafka,
        batching: Batching,
        tracker: Tracker,
        metrics: Metrics,
        delivery: Delivery,
        hand_over: Callable[[Batch], None],
        fail: Callable[[BaseException], None],
        learn: Callable[[str], None],
    ) -> None:
        self._kafka, self._batching, self._tracker = kafka, batching, tracker
        self._metrics, self._delivery = metrics, delivery
        self._hand_over, self._fail, self._learn = hand_over, fail, learn
        self._left = ""
        self._stopping, self._quiet = threading.Event(), threading.Event()
        self._seldom = Seldom(logger)
        self._thread = threading.Thread(target=self._run, name="kafka-consumer", daemon=True)
        self._consumer: Consumer | None = None
        self._pauses = Pauses(kafka.input_topic, tracker)
        self._dropped: set[int] = set()  # in this turn
        self._mean_size = LARGE_RECORD  # until records tell better
        self._fetching = True
        self._ask_at = 0.0
        self._reach = Reach(kafka)
        most = batching.max_records * max(1, batching.max_batches_in_flight // 2)
        self._suspects = Suspects(kafka.input_topic, tracker, most)
        self.turned_at = monotonic()

    @property
    def connected(self) -> bool:
        """Whether a broker can be reached and lets this user consume."""
        return self._reach.connected

    def use(self, batching: Batching) -> None:
        """Keep to these limits from the next round on; called from another thread."""
        self._batching = batching

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

    def close(self, timeout_s: float, left: str = "") -> bool:
        """Commit what is resolved and leave the group; False when that took too long.

        Args:
            left: for `learn` of who goes on; "" for nothing.
        """
        self._left = left
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._membership()
        except BaseException as error:
            with suppress(RuntimeError):  # the loop is closed: it ended before us
                self._fail(error)

    def _membership(self) -> None:
        """Be a member of the group until told to stop, or until another consumer is needed."""
        login = Login({**self._kafka.client, **self._kafka.consumer})
        self._reach.brokers = Brokers()
        self._consumer = Consumer(self._properties())
        self._delivery.bind(self._consumer, self._reach.on_commit)
        try:
            self._consumer.subscribe(
                [self._kafka.input_topic],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )
            while not self._stopping.is_set():
                self.turned_at = monotonic()
                login.renew(self._consumer, self.turned_at)
                if self._reach.brokers.forgotten:
                    raise _Useless(Brokers.FORGOTTEN)
                self._turn()
            self._settle(())  # what could be finished was finished
        except _Useless as error:
            self._seldom.warning("another", "the Kafka consumer is made anew: %s", error)
            self._stopping.wait(ASK_S)
        finally:
            self._delivery.bind(None, self._reach.on_commit)
            if self._reach.brokers.forgotten:
                self._abandon()
            else:
                self._consumer.close()

    def _abandon(self) -> None:
        """Let go of a consumer that would wait for ever for a broker to leave the group at."""
        topic = self._kafka.input_topic
        if places := [TopicPartition(topic, number) for number in self._tracker.owned()]:
            self._drop("lost", places)
        left, self._consumer = [self._consumer], None
        threading.Thread(target=left.clear, name="kafka-abandoned", daemon=True).start()

    def _turn(self) -> None:
        assert self._consumer
        self._delivery.tick(self.turned_at)
        self._reach.remind(self.turned_at)
        astray = self._tracker.astray()
        if astray and self.turned_at >= self._ask_at:
            self._go_back(astray)
        if not self._made_room():
            return
        holding = self._suspects.holding and self._fetching
        if holding:
            self._take_one_by_one()
        self._dropped.clear()
        first = self._consumer.consume(1, HOLDING_S if holding else IDLE_S)
        if first:
            arrived = monotonic()
            wait_s = self._batching.max_wait_ms / 1000
            more = self._consumer.consume(self._round(size(first)) - 1, wait_s)
            # What was fetched of a partition that went meanwhile is its next owner's to do; noting
            # it would end a member that joins again under its group.instance.id.
            ours = [m for m in first + more if m.partition() not in self._dropped]
            self._dispatch(ours, arrived)

    def _go_back(self, astray: dict[int, int | None]) -> None:
        """Learn the last commits; partitions that are past theirs go back to them.

        Where there is none yet, they go back to where they began.
        """
        topic = self._kafka.input_topic
        try:
            places = [TopicPartition(topic, number) for number in astray]
            for found in self._consumer.committed(places, timeout=ASK_S):
                if found.error is not None:  # not to be taken for a partition without a commit
                    raise KafkaException(found.error)
                began_at = astray[found.partition]
                if began_at is None and found.partition not in self._suspects.holding:
                    self._suspects.learn(found.partition, found.metadata)
                else:
                    offset = found.offset if found.offset >= 0 else began_at
                    self._consumer.seek(TopicPartition(topic, found.partition, offset))
                    self._suspects.drop(found.partition)
                self._tracker.assign([found.partition])
                self._inherit(found)
        except KafkaException as error:  # an open transaction of the last owner's hides them
            others = set(self._tracker.owned()) - self._tracker.astray().keys()
            self._ask_at = self.turned_at + ASK_S + ASK_AGAIN_S if others else 0.0
            self._seldom.warning("go back", "asking for the last commit: %s", error)

    def _inherit(self, place: TopicPartition) -> None:
        """What the dead-letter limits of an earlier owner counted moves from the group to us."""
        if (place.metadata or "").startswith(COUNTED):
            self._suspects.take(self._consumer, place)
            self._learn(place.metadata)

    def _take_one_by_one(self) -> None:
        self._delivery.settle((), ASK_S)  # the next waits for this
        for record, deadly in self._suspects.next(self._consumer):
            self._hand([record], monotonic(), deadly)

    def _made_room(self) -> bool:
        """Whether something may be fetched, or there is nothing to fetch but callbacks."""
        if not self._fetching:
            self._pauses.pause(self._consumer, self._tracker.owned())
            self._quiet.set()
            return True
        held = self._tracker.astray().keys() | self._suspects.holding
        return self._pauses.make_room(self._consumer, self._batching, held, self.turned_at)

    def _round(self, first_size: int) -> int:
        """How many records fit, if they are as large as the first or as those before it."""
        room = self._batching.max_bytes_in_flight - self._tracker.in_flight.size
        expected = max(self._mean_size, first_size)
        return min(self._batching.max_records, max(2, int(room / expected)))

    def _dispatch(self, messages: list[Message], arrived: float) -> None:
        for message in messages:
            if message.error() is not None:
                self._on_error(message.error(), message.partition())
        groups = by_partition(messages)
        for partition, records in groups.items():
            if self._suspects.admit(self._consumer, partition, records):
                self._hand(records, arrived)
        if count := sum(map(len, groups.values())):
            self._mean_size = sum(map(size, groups.values())) / count

    def _hand(self, records: list[Message], arrived: float, deadly: bool = False) -> None:
        partition, first, last = records[0].partition(), records[0].offset(), records[-1].offset()
        ticket = self._tracker.track(partition, first, last + 1, len(records), size(records))
        self._metrics.consumed.inc(len(records))
        self._metrics.batch_records.observe(len(records))
        self._metrics.batch_fill.observe(len(records) / self._batching.max_records)
        self._hand_over(Batch(records, ticket, arrived, deadly))

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = {item.partition for item in partitions}
        self._tracker.assign(numbers, astray=True)
        self._reach.allow()
        # Those that went in this turn wait for the next one, which can tell old records from new.
        self._go_back(dict.fromkeys(numbers - self._dropped))
        consumer.incremental_assign(partitions)
        # Until it is known what the group remembers of them; those that stay keep their pauses.
        # Not otherwise: where nothing else is fetched, librdkafka takes a second to resume.
        self._pauses.pause(consumer, numbers & self._tracker.astray().keys())
        self._rebalanced("assigned", partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Let what is in flight finish, within bounds, and commit it while it is still ours."""
        numbers = [item.partition for item in partitions]
        self._settle(() if self._stopping.is_set() else numbers)
        self._drop("revoked", partitions)
        consumer.incremental_unassign(partitions)

    def _settle(self, partitions: Iterable[int]) -> None:
        # An offset committed beside an open transaction would undo what that one commits.
        if self._delivery.settle(partitions, REVOKE_WAIT_S) and self._tracker.owned():
            self._suspects.wipe(self._consumer, self._tracker.owned())
            if self._left:
                self._suspects.leave(self._consumer, self._left)
                self._left = ""

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop("lost", partitions)
        consumer.incremental_unassign(partitions)

    def _drop(self, kind: str, partitions: list[TopicPartition]) -> None:
        numbers = {item.partition for item in partitions}
        self._tracker.revoke(numbers)
        self._suspects.forget(numbers)
        self._dropped |= numbers
        self._pauses.resume(self._consumer, numbers)  # a pause outlives a partition's time away
        for item in partitions:  # a series that stays would keep its lag alert alive for ever
            self._reach.allow(item.partition)
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
            "stats_cb": self._reach.on_statistics,
            "error_cb": self._on_error,
            "on_commit": self._delivery.on_commit,
        }

    def _on_error(self, error: KafkaError, partition: int = EVERYWHERE) -> None:
        self._metrics.kafka_errors.labels(error.name()).inc()
        if error.fatal() or error.code() == KafkaError._FATAL:
            if HELD.str() in error.str():
                told = "waiting for the member that had this group.instance.id to be given up"
                raise _Useless(f"{told}: {error.str()}")
            remedy = "give each worker a group.instance.id of its own, if it has one"
            raise Stop(f"the Kafka consumer failed for good: {error.str()}; {remedy}")
        if not self._reach.deny(error, partition):
            self._seldom.warning(error.name(), "Kafka: %s", explained(error.str()))
