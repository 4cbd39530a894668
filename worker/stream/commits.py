"""The one place where offsets are committed, and where everything goes back after a failure.

produce ─▶ … ─▶ flush, while nothing is produced ─▶ no error ─▶ commit ─▶ produce ─▶ …
                                                      │
                            error ─▶ every partition goes back to its last commit
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Set
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from worker.config.settings import Kafka
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.stream.connectivity import Connectivity
from worker.stream.counts import Counts
from worker.stream.delivery.base import Delivery
from worker.stream.offsets import Offsets

logger = logging.getLogger(__name__)

FLUSH_S = 0.25  # of one attempt; the consumer is polled between two
LOOK_AFTER_S = 4.0  # of a flush, to see whether it waits for a topic that does not exist
STUCK_S = 1.0  # without being able to produce, after which nothing is fetched any more


class Commits:
    """Commits in intervals; used from the Kafka thread alone.

    Attributes:
        broken: what was produced must not be committed any more.
        note: makes the metadata of each commit.
    """

    def __init__(
        self,
        kafka: Kafka,
        offsets: Offsets,
        delivery: Delivery,
        counts: Counts,
        connectivity: Connectivity,
        metrics: Metrics,
    ) -> None:
        self._interval_s = kafka.commit_interval_ms / 1000
        self._offsets, self._delivery, self._counts = offsets, delivery, counts
        self._connectivity, self._outcomes = connectivity, metrics.commits
        self._seldom = Seldom(logger)
        self._commit_at = self._recover_at = 0.0
        self._under_way: dict[int, int] = {}  # the asynchronous commit that is not answered
        self._flushing = False
        self._unable_since = self._look_at = 0.0
        self.broken = False
        self.note: Callable[[], str] = str  # without one: ""

    @property
    def may_produce(self) -> bool:
        return self._delivery.ready and not (self._flushing or self._recovering or self.broken)

    @property
    def waiting(self) -> bool:
        """Whether Kafka owes an answer, so that the thread should turn soon."""
        return self._flushing or not self._delivery.ready or not self._delivery.producer.idle

    @property
    def under_way(self) -> Set[int]:
        """Partitions of which an asynchronous commit is not answered: where the group stands is not
        known. librdkafka makes such a commit again where the coordinator was not ready, even after
        a later one that was waited for. Always empty with exactly once.
        """
        return self._under_way.keys()

    @property
    def stuck(self) -> bool:
        """Whether nothing could be produced for a while: then nothing should be fetched."""
        return bool(self._unable_since) and monotonic() - self._unable_since > STUCK_S

    @property
    def _recovering(self) -> bool:
        return monotonic() < self._recover_at

    def advance(self, consumer: Consumer, now: float) -> bool:
        """Take Kafka's answers, recover, commit when it is time; whether one may produce.

        Raises:
            DeliveryError: no later attempt can succeed.
        """
        if self._delivery.ready:
            self._delivery.producer.poll()
            if self._delivery.failed:
                self._recover(consumer, now)
            elif self._flushing or now >= self._commit_at:
                self._commit(consumer, now, wait=False)
                if self._delivery.failed:
                    self._recover(consumer, now)
            elif self._delivery.producer.idle and not self._delivery.confirms_at_commit:
                self._counts.confirm()
        elif not self._recovering:
            self._delivery.prepare()
        if self.may_produce and (pause_s := self._delivery.await_topics()):
            self._recover_at = monotonic() + pause_s
        if self.may_produce:
            self._unable_since = 0.0
        elif not self._unable_since:
            self._unable_since = now
            self._look_at = now + LOOK_AFTER_S
        elif self._flushing and now >= self._look_at:
            self._delivery.look_for_topics()
            self._look_at = monotonic() + LOOK_AFTER_S
        return self.may_produce

    def joined(self) -> None:
        """Another consumer commits from now on; the one before answers no more."""
        self._under_way = {}

    def poll(self) -> None:
        if self._delivery.ready:
            self._delivery.producer.poll()

    def now(self, consumer: Consumer | None, timeout_s: float) -> bool:
        """Commit all that is produced and wait for it; whether it is committed."""
        until = monotonic() + timeout_s
        while consumer is not None and self._delivery.ready and not self.broken:
            if self._delivery.failed:
                self._recover(consumer, monotonic())
                return False
            if self._commit(consumer, monotonic(), wait=True):
                return True
            if not self._flushing or monotonic() >= until:
                return False
        return False

    def revoke(self, numbers: Collection[int], lost: bool = False) -> None:
        """Forget partitions that are another's now; `lost`, as in `Offsets.revoke`.

        What is under way of them is of an earlier generation of the group, which the coordinator
        refuses.
        """
        for number in numbers:
            self._under_way.pop(number, None)
        if self._offsets.revoke(numbers, lost):
            self._delivery.orphaned()

    def end(self) -> None:
        """Nothing is produced any more; what is not committed by now is consumed again."""
        self._delivery.producer.discard()
        self._delivery.ready = False

    def _commit(self, consumer: Consumer, now: float, wait: bool) -> bool:
        """One attempt to commit what is produced.

        True where there was nothing to commit, or it was committed or at least sent. False where an
        earlier commit is not answered yet, the flush goes on, or Kafka refused something.

        Args:
            wait: for the answer; such a commit is sent whether or not the one before is answered.
        """
        offsets = self._offsets.committable()
        if not offsets:
            self._flushing, self._commit_at = False, now + self._interval_s
            return True
        if self._under_way and not wait:
            self._flushing = False  # a commit that waited gave its flush up: producing may go on
            if self._delivery.producer.idle and not self._delivery.confirms_at_commit:
                self._counts.confirm()
            return False
        self._flushing = not self._delivery.producer.flush(FLUSH_S)
        if self._flushing or self._delivery.failed:
            return False
        self._commit_at = monotonic() + self._interval_s
        if not self._delivery.confirms_at_commit:
            self._counts.confirm()
        try:
            done = self._delivery.commit(offsets, consumer, wait, self.note())
        except KafkaException as error:
            if self._delivery.confirms_at_commit:
                self._recover(consumer, now)
            else:
                self._refused(error.args[0])
            return False
        if not done:
            self._under_way = offsets
            return True
        self._counts.confirm()
        self._taken(offsets)
        return True

    def _recover(self, consumer: Consumer, now: float) -> None:
        """Undo all since the last commit; it is done again.

        Raises:
            DeliveryError: no later attempt can succeed.
        """
        self._flushing = False
        self._commit_before_refusals(consumer)
        self._recover_at = now + self._delivery.recover()
        self._counts.clear()
        self._offsets.rewind()

    def _commit_before_refusals(self, consumer: Consumer) -> None:
        """What was refused need not let that be done again which is confirmed before it.

        Not while a commit is unanswered, whose late answer would say less than the group has.
        """
        if self._under_way:
            return
        found = self._delivery.before_refusals(self._offsets.committable())
        # What was refused may be of before the partition went and came back.
        offsets = {n: at for n, at in found.items() if at > self._offsets[n].floor}
        if not offsets:
            return
        try:
            self._delivery.commit(offsets, consumer, True, self.note())
        except KafkaException as error:
            self._refused(error.args[0])
            return
        self._counts.confirm(offsets)
        # Not `Delivery.committed`: what was refused still counts as one time without a commit.
        for number, offset in offsets.items():
            self._offsets.committed(number, offset)

    def answered(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """The consumer's callback for the answer to an asynchronous commit."""
        places = {item.partition: item.offset for item in offsets}
        if self._under_way.items() <= places.items():  # else it tells of revoked partitions
            self._under_way = {}
        if error:
            self._refused(error)
        else:
            refused = {item.partition for item in offsets if item.error is not None}
            self._taken({number: at for number, at in places.items() if number not in refused})

    def _taken(self, offsets: dict[int, int]) -> None:
        self._delivery.committed(offsets)
        self._connectivity.on_commit(None)
        for number, offset in offsets.items():
            self._offsets.committed(number, offset)

    def _refused(self, error: KafkaError) -> None:
        self._outcomes.labels("failed").inc()
        self._connectivity.on_commit(error)
        message = "commit failed, tried again at the next: %s"
        self._seldom.warning(f"commit {error.name()}", message, error.str())
