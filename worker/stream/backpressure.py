"""How much may be fetched: bounds of what is in flight, and the partitions that are paused.

Rules:
- Records that wait for models: as many as the models answered in the last second, within bounds
  (Little's law: what waits is then answered in about a second, on a laptop and on a GPU alike).
- A partition may take a share of what is free of each bound, so that some always is: one alone
  takes at most half of all, and however many stand still, another finds room ("Dynamic queue
  length thresholds for shared-memory packet switches", Choudhury and Hahne, 1998). A partition
  with nothing in flight is not held back.
- Batches of partitions that went away count until their results have come. Where they alone reach
  the bound, as while models are away and the group rebalances, nothing is fetched.
- A pause throws away what was prefetched, so a partition without room is first waited for; longer
  where nothing else can be fetched: librdkafka takes up to a second to go on after that, in which a
  queue builds up that fills the bounds once more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from confluent_kafka import Consumer, TopicPartition

from worker.config.settings import Batching
from worker.stream.offsets import Offsets, Partition

logger = logging.getLogger(__name__)

PAUSE_AFTER_S = 0.1  # without room
PAUSE_ALL_AFTER_S = 1.0
RESUME_SHARE = 0.5  # of its share in flight, from which a paused partition goes on
LEAST_MISSES, MOST_MISSES = 256, 8192
WINDOW_S = 1.0
FIRST_ROUND, LEAST_ROUND = 256, 16


class MissWindow:
    """How many records may wait for models."""

    def __init__(self) -> None:
        self.limit = LEAST_MISSES
        self._answered, self._until = 0, 0.0

    def answered(self, count: int, now: float) -> None:
        """The models answered `count` records; `now` is `time.monotonic()`."""
        if now >= self._until:
            if now < self._until + WINDOW_S:  # else nothing is known of the second before
                # By half at most: one slow second must not make the next one slow.
                least = max(LEAST_MISSES, self.limit // 2)
                self.limit = min(max(self._answered, least), MOST_MISSES)
            self._answered, self._until = 0, now + WINDOW_S
        self._answered += count


class RoundSize:
    """How many records to fetch at once: more each time while all are answered by the fast lane."""

    def __init__(self) -> None:
        self._records = FIRST_ROUND

    def next(self, batching: Batching, offsets: Offsets, window: MissWindow) -> int:
        """Records to fetch at most; how many of them fit, `GroupConsumer.fetch` sees."""
        now, most = offsets.in_flight, min(self._records, batching.max_records)
        if now.misses:
            most = min(most, window.limit - now.misses)
        return max(most, min(LEAST_ROUND, batching.max_records))

    def fetched(self, records: int, misses: int) -> None:
        """What the last round brought."""
        if misses:
            self._records = FIRST_ROUND
        elif records >= self._records:
            self._records *= 2


class Backpressure:
    """The pauses of one consumer; used from the Kafka thread."""

    def __init__(self, topic: str, offsets: Offsets, window: MissWindow) -> None:
        self._topic, self._offsets, self._window = topic, offsets, window
        self._crowded_since: dict[int, float] = {}
        self.paused: frozenset[int] = frozenset()

    def pause(self, consumer: Consumer, partitions: Iterable[int]) -> None:
        if new := {*partitions} - self.paused:
            consumer.pause(self._places(new))
            self.paused |= new
            logger.debug("paused: partitions %s", sorted(new))

    def resume(self, consumer: Consumer, partitions: Iterable[int]) -> None:
        if old := {*partitions} & self.paused:
            consumer.resume(self._places(old))
            self.paused -= old
            logger.debug("resumed: partitions %s", sorted(old))

    def make_room(
        self, consumer: Consumer, batching: Batching, held: set[int], now: float
    ) -> float:
        """Pause the partitions that have too much in flight, resume those that no longer have.

        Args:
            held: partitions that stand paused whatever they have in flight.
            now: `time.monotonic()`.

        Returns:
            Seconds for which it is worth waiting before anything is fetched; 0 to fetch now.
        """
        if held or self.paused:
            self.pause(consumer, held)
            self.resume(consumer, self.paused - held - self._crowded(batching, RESUME_SHARE))
        if not self._offsets.in_flight.batches:
            self._crowded_since.clear()
            return 0.0
        crowded, since = self._crowded(batching, 1.0) - self.paused, self._crowded_since
        self._crowded_since = {number: since.get(number, now) for number in crowded}
        if not crowded:
            return 0.0
        others = set(self._offsets.owned()) - crowded - self.paused
        patience_s = PAUSE_AFTER_S if others else PAUSE_ALL_AFTER_S
        left = min(self._crowded_since.values()) + patience_s - now
        if left <= 0:
            self.pause(consumer, crowded)
        return max(left, 0.0)

    def _crowded(self, batching: Batching, share: float) -> set[int]:
        now = self._offsets.in_flight
        pending = sum(len(partition.pending) for _, partition in self._offsets.items())
        if now.batches - pending >= batching.max_batches_in_flight:
            return set(self._offsets.owned())
        free = (
            share * (batching.max_batches_in_flight - now.batches),
            share * (batching.max_bytes_in_flight - now.size),
            share * (self._window.limit - now.misses),
        )
        return {number for number, one in self._offsets.items() if _takes(one, *free)}

    def _places(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, number) for number in partitions]


def _takes(partition: Partition, batches: float, size: float, misses: float) -> bool:
    """Whether the partition has so much in flight or more, of any of these."""
    pending = partition.pending
    if not pending:
        return False
    if len(pending) >= batches:
        return True
    if sum(batch.size for batch in pending) >= size:
        return True
    waiting = sum(batch.misses for batch in pending)
    return waiting > 0 and waiting >= misses
