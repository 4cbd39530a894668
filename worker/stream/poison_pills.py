"""Records that kill the process: found by what the group remembers of earlier starts.

Before the first batch of a partition is handed over, its offset is committed once more with a note:
how many owners began there. Progress, or an owner that leaves in good order, wipes the note. After
`DEATHS` owners that began at one offset and died there, the partition's records are taken one by
one, each committed before the next: the one that kills the process then stands alone at the
committed offset, and is set aside. The note travels with the group, to whatever machine goes on.
What the dead-letter limits have counted goes the same way, see limits.py.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from worker.stream.offsets import Offsets

logger = logging.getLogger(__name__)

DEATHS = 3
NOTE = "query-worker starts="


@dataclass(slots=True)
class _Suspect:
    """A partition since its assignment.

    Attributes:
        starts: owners that began at the committed offset before us, and made no progress.
        noted_at: the offset of our note, until it is wiped.
        careful_until: records below this offset are taken one by one.
        held: fetched, and waiting for their turn.
    """

    starts: int = 0
    noted_at: int | None = None
    careful_until: int = -1
    held: deque[Message] = field(default_factory=deque)


class PoisonPills:
    """The partitions of one consumer; used from its thread.

    Args:
        reach: how many records of a partition may have been in flight when a process died.
    """

    def __init__(self, topic: str, offsets: Offsets, reach: int) -> None:
        self._topic, self._offsets, self._reach = topic, offsets, reach
        self._partitions: dict[int, _Suspect] = {}

    def learn(self, partition: int, note: str | None) -> None:
        """What the group remembers of a partition that was just assigned."""
        told = (note or "").removeprefix(NOTE) if (note or "").startswith(NOTE) else ""
        starts = int(told) if told.isdigit() and len(told) < 6 else 0
        self._partitions[partition] = _Suspect(starts)

    def forget(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._partitions.pop(partition, None)

    def drop(self, partition: int) -> None:
        """What is held will be fetched again."""
        self._partitions[partition].held.clear()

    @property
    def holding(self) -> set[int]:
        """The partitions whose records wait here: nothing of them is to be fetched."""
        return {number for number, suspect in self._partitions.items() if suspect.held}

    def admit(self, consumer: Consumer, partition: int, records: list[Message]) -> bool:
        """Whether the records may go on together; else they are held here."""
        suspect = self._partitions.setdefault(partition, _Suspect())
        offset = records[0].offset()
        if suspect.noted_at is None and suspect.careful_until < 0:
            if suspect.starts >= DEATHS:
                suspect.careful_until = offset + self._reach
                told = "partition %d: %d owners began at offset %d and died: one record at a time"
                logger.error(told, partition, suspect.starts, offset)
            else:
                self._note(consumer, partition, suspect, offset, suspect.starts + 1)
        if offset >= suspect.careful_until:
            return True
        suspect.held.extend(records)
        return False

    def next(self, consumer: Consumer) -> Iterable[tuple[Message, bool]]:
        """Held records whose turn has come, and whether they are set aside unread.

        The turn of a record comes when all before it is committed.
        """
        for partition, suspect in self._partitions.items():
            if suspect.held and self._quiet(partition):
                record = suspect.held.popleft()
                deaths = suspect.starts if suspect.noted_at is None else DEATHS
                self._note(consumer, partition, suspect, record.offset(), max(deaths, DEATHS) + 1)
                yield record, deaths > DEATHS

    def wipe(self, consumer: Consumer, partitions: Iterable[int]) -> None:
        """The partitions are left in good order: nobody died in them."""
        for partition in partitions:
            suspect = self._partitions.get(partition)
            if suspect and suspect.noted_at == self._last_commit(partition) is not None:
                self._commit(consumer, partition, suspect.noted_at, "")

    def leave(self, consumer: Consumer, note: str) -> None:
        """Leave a note of another kind with the group, beside the last commit of a partition."""
        for partition in self._offsets.owned():
            if (offset := self._last_commit(partition)) is not None:
                return self._commit(consumer, partition, offset, note)

    def take(self, consumer: Consumer, place: TopicPartition) -> None:
        """What was left beside this commit is known now, and must not be learned once more."""
        self._commit(consumer, place.partition, place.offset, "")

    def _quiet(self, partition: int) -> bool:
        owned = self._offsets.get(partition)
        return owned is not None and owned.quiet

    def _last_commit(self, partition: int) -> int | None:
        owned = self._offsets.get(partition)
        return owned and owned.committed

    def _note(
        self, consumer: Consumer, partition: int, suspect: _Suspect, offset: int, starts: int
    ) -> None:
        suspect.noted_at = offset
        self._commit(consumer, partition, offset, f"{NOTE}{starts}")

    def _commit(self, consumer: Consumer, partition: int, offset: int, note: str) -> None:
        place = TopicPartition(self._topic, partition, offset, metadata=note)
        try:
            consumer.commit(offsets=[place], asynchronous=False)
            self._offsets.committed(partition, offset)
        except KafkaException as error:
            logger.debug("the note for partition %d was not taken: %s", partition, error)
