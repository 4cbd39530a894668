"""Where partitions go on from: what the group remembers, asked after an assignment or a rewind.

A partition that was just assigned begins at its last commit by itself; one that was rewound is
past its own, and is sought back to it. While the group does not answer, for instance as the last
owner's transaction is still open, nothing of the partition is fetched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Set

from confluent_kafka import KafkaException, TopicPartition

from worker.logs import Seldom
from worker.stream.consumer import GroupConsumer
from worker.stream.expired import Expired
from worker.stream.offsets import Offsets
from worker.stream.poison_pills import PoisonPills
from worker.stream.rejection_limits import NOTE as COUNTED

logger = logging.getLogger(__name__)

ASK_S = 1.0  # for the last commits
ASK_AGAIN_S = 2.0  # after they were not known: the other partitions go on for as long


class Positions:
    """Used from the Kafka thread alone.

    Args:
        learn: called with what the dead-letter limits of an earlier owner have counted.
    """

    def __init__(
        self,
        offsets: Offsets,
        consumer: GroupConsumer,
        poison: PoisonPills,
        expired: Expired,
        learn: Callable[[str], None],
    ) -> None:
        self._offsets, self._consumer, self._poison = offsets, consumer, poison
        self._expired, self._learn = expired, learn
        self._ask_at = 0.0
        self._inherited: dict[int, str] = {}
        self._seldom = Seldom(logger)

    def restore(self, now: float, under_way: Set[int]) -> None:
        """Ask for what is not known yet, if it is time.

        Args:
            now: `time.monotonic()`.
            under_way: partitions that wait: a commit may still move them.
        """
        if (needing := self._offsets.needing_seek() - under_way) and now >= self._ask_at:
            self.go_back(needing, now)

    def go_back(self, numbers: set[int], now: float) -> None:
        """Learn the last commits; partitions that are past theirs go back to them.

        Where there is none yet, they go back to where they began.
        """
        try:
            for found in self._consumer.committed(numbers, ASK_S):
                self._set(found)
        except KafkaException as error:
            others = set(self._offsets.owned()) - self._offsets.needing_seek()
            self._ask_at = now + ASK_S + ASK_AGAIN_S if others else 0.0
            self._seldom.warning("go back", "asking for the last commit: %s", error)

    def ask(self, numbers: set[int]) -> bool:
        """Learn where the group stands, of some partitions or of all; False if that is not known.

        Nothing is sought.
        """
        owned = set(self._offsets.owned())
        asked = numbers & owned if numbers else owned
        try:
            for found in self._consumer.committed(asked, ASK_S) if asked else ():
                if found.offset >= 0:
                    self._offsets.committed(found.partition, found.offset)
        except KafkaException:  # for instance as a transaction is open
            return False
        return True

    def advance(self, number: int, first: int, last: int) -> bool:
        """Note what was fetched of an owned partition; False where it is to be fetched again.

        Raises:
            Stop: retention deleted records before they were consumed, and that is to stop.
        """
        partition = self._offsets[number]
        if partition.began_at is None:
            partition.began_at = first
        if partition.needs_seek:
            return False
        self._expired.look(number, partition, first)
        partition.expected = last + 1
        return True

    def _set(self, found: TopicPartition) -> None:
        partition = self._offsets[found.partition]
        if partition.began_at is None and found.partition not in self._poison.holding:
            self._poison.assigned(self._consumer.client, found)
            partition.expected = found.offset if found.offset >= 0 else None
        else:
            offset = found.offset if found.offset >= 0 else partition.began_at
            self._consumer.seek(found.partition, offset)
            partition.expected = offset
            partition.committed = found.offset if found.offset >= 0 else None
            self._poison.drop(found.partition)
        partition.needs_seek = False
        self._inherit(found)

    def _inherit(self, place: TopicPartition) -> None:
        """What the dead-letter limits of an earlier owner counted moves from the group to us."""
        if (place.metadata or "").startswith(COUNTED):
            self._poison.take(self._consumer.client, place)
            if self._inherited.get(place.partition) != place.metadata:  # not taken the last time
                self._inherited[place.partition] = place.metadata
                self._learn(place.metadata)
