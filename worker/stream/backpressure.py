"""Which partitions are paused: those that have their share in flight, and those that must stand.

A pause throws away what was prefetched, so a partition that is crowded is first waited for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from confluent_kafka import Consumer, TopicPartition

from worker.config.settings import Batching
from worker.stream.offsets import Tracker

logger = logging.getLogger(__name__)

PAUSE_AFTER_S = 0.1  # without room
RESUME_SHARE = 0.5  # of its share in flight, from which a paused partition goes on


class Pauses:
    """The pauses of one consumer; used from its thread."""

    def __init__(self, topic: str, tracker: Tracker) -> None:
        self._topic, self._tracker = topic, tracker
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

    def make_room(self, consumer: Consumer, batching: Batching, held: set[int], now: float) -> bool:
        """Pause the partitions that have too much in flight, resume those that no longer have.

        False while it is worth waiting for some of them: nothing may be fetched then.

        Args:
            held: partitions that stand paused whatever they have in flight.
            now: `time.monotonic()`.
        """
        limits = batching.max_batches_in_flight, batching.max_bytes_in_flight
        self.pause(consumer, held)
        self.resume(consumer, self.paused - held - self._tracker.crowded(*limits, RESUME_SHARE))
        crowded, since = self._tracker.crowded(*limits) - self.paused, self._crowded_since
        self._crowded_since = {number: since.get(number, now) for number in crowded}
        if not crowded:
            return True
        left = min(self._crowded_since.values()) + PAUSE_AFTER_S - now
        if left > 0:
            return self._tracker.wait_for_room(crowded, *limits, left)
        self.pause(consumer, crowded)
        return True

    def _places(self, partitions: set[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, number) for number in partitions]
