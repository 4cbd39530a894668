"""The thread that owns consumer, producer and offsets: fetch → answer → produce → commit.

Rebalance callbacks run in it too, so nothing here needs a lock. It polls whatever happens, so that
the group never takes it for dead; what may block for long does so for a few seconds at most.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic

from confluent_kafka import Consumer, Message, TopicPartition

from worker.config.settings import Settings
from worker.errors import DeliveryError, Stop
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.stream.backpressure import MOST_MISSES, Backpressure, MissWindow, RoundSize
from worker.stream.batch import by_partition
from worker.stream.commits import Commits
from worker.stream.connectivity import Connectivity
from worker.stream.consumer import GroupConsumer, Unusable
from worker.stream.expired import Expired
from worker.stream.lanes import Lanes
from worker.stream.offsets import Offsets
from worker.stream.poison_pills import PoisonPills
from worker.stream.positions import ASK_S, Positions

logger = logging.getLogger(__name__)

IDLE_S = 0.1  # for the first record of a round, while nothing is in flight
REST_S = 0.25  # while nothing is to be committed either
BUSY_S = 0.002  # while something is
REVOKE_WAIT_S = 5.0
REBALANCE_S = 10.0  # that the last commit waits for one


class KafkaThread:
    """One worker's Kafka side.

    The public methods are for other threads; all else runs in the Kafka thread.

    Args:
        fail: called with an error that ends the worker.
        learn: called with what the dead-letter limits of an earlier owner have counted.
        counted: makes the note of what ours have counted, for `learn` of who goes on; "" for none.

    Attributes:
        turned_at: `time.monotonic()` of the last turn.
        fetching_stopped: whether nothing more is taken from Kafka, after `stop_fetching`.
        uncommitted: after `close`, whether something was worked on that is not committed.
    """

    def __init__(
        self,
        settings: Settings,
        offsets: Offsets,
        lanes: Lanes,
        commits: Commits,
        window: MissWindow,
        connectivity: Connectivity,
        metrics: Metrics,
        consumed: Callable[[int], None],
        fail: Callable[[BaseException], None],
        learn: Callable[[str], None],
        counted: Callable[[], str],
    ) -> None:
        self._kafka, self._batching, self._offsets = settings.kafka, settings.batching, offsets
        self._lanes, self._commits, self._window, self._metrics = lanes, commits, window, metrics
        self._consumed, self._fail, self._counted = consumed, fail, counted
        self._connectivity = connectivity
        self._consumer = GroupConsumer(settings.kafka, metrics, connectivity, commits.answered)
        topic = settings.kafka.input_topic
        self._backpressure = Backpressure(topic, offsets, window)
        notes = partial(self._consumer.notes, ASK_S)
        self._poison = PoisonPills(topic, offsets, MOST_MISSES, notes)
        commits.note = self._poison.alive
        expired = Expired(settings.kafka, metrics, self._consumer.oldest)
        self._positions = Positions(offsets, self._consumer, self._poison, expired, learn)
        self._round = RoundSize()
        self._dropped: set[int] = set()  # revoked or lost in this turn
        self._leave_by, self._counts_left, self._join_again = 0.0, False, False
        self._lag: dict[int, int] | None = None
        self._new_settings: Settings | None = None
        self._seldom = Seldom(logger)
        self._stopping, self._fetching = threading.Event(), True
        self._thread = threading.Thread(target=self._run, name="kafka", daemon=True)
        self.turned_at = monotonic()
        self.fetching_stopped = self.uncommitted = False

    def use(self, settings: Settings) -> None:
        """Keep to these limits from the next turn on."""
        self._new_settings = settings

    def show_lag(self, lag: dict[int, int]) -> None:
        """Partition → records that are not committed; shown while the partition is owned."""
        self._lag = lag

    def join_again(self) -> None:
        """Let the group rebalance."""
        self._join_again = True

    def start(self) -> None:
        self._thread.start()

    def stop_fetching(self) -> None:
        """Nothing further is taken from Kafka; what is in flight goes on until `close`."""
        self._fetching = False

    def stop(self) -> None:
        """Commit, leave the group and end; does not wait for it."""
        self._stopping.set()

    def close(self, timeout_s: float) -> bool:
        """Commit what is produced and leave the group; False when that took too long."""
        self._leave_by = monotonic() + min(timeout_s / 2, REBALANCE_S)
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._membership()
        except BaseException as error:
            self._fail(error)
        finally:
            self._commits.end()

    def _membership(self) -> None:
        """Be a member of the group until told to stop, or until another consumer is needed."""
        self._consumer.join(self._on_assign, self._on_revoke, self._on_lost)
        self._commits.joined()
        try:
            while not self._stopping.is_set():
                self._turn()
            self._commit_last()  # what could be finished was finished
        except Stop as error:
            self._commits.broken |= isinstance(error, DeliveryError) or self._consumer.failed
            self._fail(error)
            self._stopping.wait()
            self._commit_last()  # what was produced before
        except Unusable as error:
            self._seldom.warning("another", "a new Kafka consumer is created: %s", error)
            self._stopping.wait(ASK_S)
        finally:
            if self._connectivity.brokers.forgotten:
                self._abandon()
            else:
                self._consumer.leave()

    def _commit_last(self) -> None:
        """Kafka refuses a commit amid a rebalance, which ends while the consumer is polled. A flush
        can take long, too, as while the producer learns of a topic, and so can Kafka's answer.
        """
        self._finish_and_commit((), 0.0)
        while (self._may_commit() or self._commits.under_way) and monotonic() < self._leave_by:
            self._consumer.fetch(1, IDLE_S, 1)
            self._finish_and_commit((), 0.0)

    def _may_commit(self) -> bool:
        return bool(self._offsets.committable()) and not self._commits.broken

    def _abandon(self) -> None:
        if places := [
            TopicPartition(self._kafka.input_topic, number) for number in self._offsets.owned()
        ]:
            self._drop("lost", places)
        self._consumer.abandon()

    def _turn(self) -> None:
        now = self.turned_at = monotonic()
        # Not in `stop_fetching`: a turn that began before it may still have taken records.
        self.fetching_stopped = not self._fetching
        self._consumer.look(now)
        self._apply_requests()
        self._lanes.collect_finished(0.0)
        if self._commits.advance(self._consumer.client, now):
            self._lanes.produce_pending()
        self._positions.restore(now, self._commits.under_way)
        wait_s = self._backpressure.make_room(
            self._consumer.client, self._batching, self._held(), now
        )
        if wait_s:
            self._lanes.collect_finished(min(wait_s, IDLE_S))
            return
        if self._results_come_first():
            self._lanes.collect_finished(IDLE_S)
            self._fetch(0.0)
        else:
            self._fetch(BUSY_S)

    def _results_come_first(self) -> bool:
        """Whether nothing can come of Kafka before a batch is finished."""
        paused = self._backpressure.paused.issuperset(self._offsets.owned())
        return paused and bool(self._offsets.in_flight.batches) and not self._commits.waiting

    def _held(self) -> set[int]:
        """Partitions of which nothing is to be fetched now."""
        if not self._fetching or self._commits.stuck:
            return set(self._offsets.owned())
        return self._offsets.needing_seek() | self._poison.holding

    def _fetch(self, busy_wait_s: float) -> None:
        """Fetch a round and take it.

        Args:
            busy_wait_s: how long to wait for records while something is in flight.
        """
        holding = bool(self._poison.holding) and self._fetching
        if holding:
            self._take_one_by_one()
        busy = holding or self._offsets.in_flight.batches or self._commits.waiting
        self._dropped.clear()
        count = self._round.next(self._batching, self._offsets, self._window)
        room = self._batching.max_bytes_in_flight - self._offsets.in_flight.size
        if busy:
            messages, fetched_at = self._consumer.fetch(count, busy_wait_s, room), monotonic()
        else:
            rest_s = IDLE_S if self._offsets.committable() else REST_S
            messages = self._consumer.fetch(1, rest_s, room)
            fetched_at = monotonic()
            if messages and count > 1:
                more_s = self._batching.max_wait_ms / 1000
                messages += self._consumer.fetch(count - 1, more_s, room - len(messages[0]))
        if messages:
            self._take(messages, fetched_at)

    def _take(self, messages: list[Message], fetched_at: float) -> None:
        groups = {
            number: records
            for number, records in by_partition(messages).items()
            if self._admit(number, records)
        }
        count = sum(map(len, groups.values()))
        if not count:
            return
        self._consumed(count)
        misses = self._lanes.take(groups, fetched_at, self._commits.may_produce)
        self._round.fetched(count, misses)

    def _admit(self, number: int, records: list[Message]) -> bool:
        """Whether these records are to be taken now."""
        # What was fetched of a partition that went meanwhile is its next owner's to do.
        if self._offsets.get(number) is None or number in self._dropped:
            return False
        if not self._positions.advance(number, records[0].offset(), records[-1].offset()):
            return False
        return self._poison.admit(self._consumer.client, number, records)

    def _take_one_by_one(self) -> None:
        self._commits.now(self._consumer.client, ASK_S)  # the next waits for this
        for record, deadly in self._poison.next(self._consumer.client):
            self._consumed(1)
            self._lanes.take_alone(record, deadly)
        if released := self._poison.released():
            self._take(released, monotonic())

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = {item.partition for item in partitions}
        self._offsets.assign(numbers)
        self._connectivity.allow()
        # Those that went in this turn wait for the next one, which can tell old records from new.
        if asked := numbers - self._dropped:
            self._positions.go_back(asked, self.turned_at)
        consumer.incremental_assign(partitions)
        # Until it is known what the group remembers of them; those that stay keep their pauses.
        # Not otherwise: where nothing else is fetched, librdkafka takes a second to resume.
        self._backpressure.pause(consumer, numbers & self._offsets.needing_seek())
        self._rebalanced("assigned", partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Let what is in flight finish, within bounds, and commit it while it is still ours."""
        numbers = [item.partition for item in partitions]
        try:
            self._finish_and_commit(() if self._stopping.is_set() else numbers, REVOKE_WAIT_S)
        except Stop:
            done = self._commits.now(self._consumer.client, ASK_S)
            self._take_out_claims(set(numbers), done)
            raise
        finally:  # too many dead letters may end the work here: they are another's all the same
            self._drop("revoked", partitions)
            consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop("lost", partitions)
        consumer.incremental_unassign(partitions)

    def _finish_and_commit(self, numbers: Iterable[int], timeout_s: float) -> None:
        """Finish what is in flight of these partitions, and commit all that is produced."""
        until = monotonic() + timeout_s
        wanted = set(numbers)
        while self._offsets.pending(wanted) and monotonic() < until:
            self.turned_at = monotonic()
            self._lanes.collect_finished(BUSY_S)
            if not self._commits.may_produce:
                break
            self._lanes.produce_pending()
            self._commits.poll()
        done = self._commits.now(self._consumer.client, max(timeout_s, ASK_S))
        self.uncommitted = self._offsets.unfinished
        self._take_out_claims(wanted, done)
        at_rest = done and self._stopping.is_set() and not self._commits.under_way
        if at_rest and not self._counts_left and (note := self._counted()):
            self._counts_left = self._poison.leave(self._consumer.client, note)

    def _take_out_claims(self, numbers: set[int], committed: bool = False) -> None:
        """What cannot be committed is no death; of these partitions, or of all."""
        settled = (numbers or {*self._offsets.owned()}) - self._commits.under_way
        unsure = settled & self._offsets.needing_seek() if committed else settled
        if unsure and not self._positions.ask(unsure):
            settled -= unsure
        self._poison.wipe(self._consumer.client, settled)

    def _drop(self, kind: str, partitions: list[TopicPartition]) -> None:
        numbers = {item.partition for item in partitions}
        self._poison.forget(numbers)
        ending = self._stopping.is_set() or not self._fetching
        self._commits.revoke(numbers, kind == "lost" and ending)
        self._dropped |= numbers
        # A pause outlives a partition's time away.
        self._backpressure.resume(self._consumer.client, numbers)
        for item in partitions:
            self._connectivity.allow(item.partition)
            self._metrics.forget_lag(item.topic, item.partition)
        self._rebalanced(kind, partitions)

    def _apply_requests(self) -> None:
        """Do what other threads asked for by `use`, `show_lag` and `join_again`."""
        settings, self._new_settings = self._new_settings, None
        if settings is not None:
            self._batching = settings.batching
            self._lanes.use(settings.dead_letters)
        join_again, self._join_again = self._join_again, False
        if join_again and self._fetching:
            self._consumer.join_again()
        lag, self._lag = self._lag, None
        for number in (lag or {}).keys() & set(self._offsets.owned()):
            self._metrics.lag.labels(self._kafka.input_topic, str(number)).set(lag[number])

    def _rebalanced(self, kind: str, partitions: list[TopicPartition]) -> None:
        self._metrics.rebalances.labels(kind).inc()
        self._metrics.partitions.set(len(self._offsets.owned()))
        logger.info("%s: partitions %s", kind, [item.partition for item in partitions])
