"""Records that kill the process: found by what the group remembers of earlier owners.

Before the first batch of a partition is handed over, its offset is committed once more with a claim
in the commit's metadata: that this process began there. Progress overwrites it. A claim that stands
at the next assignment counts as a death of its owner, unless it is retracted:

- an owner that leaves in good order takes its claim out, and one that comes back drops its own;
- every commit of a process states how many claims it made and which of them stand. A claim that was
  made and no longer stands was lost, to whoever took the partition over, and nobody died.

After `DEATHS` deaths at one offset the partition's records are taken one by one, each committed
before the next: the record that kills the process then stands alone at the committed offset, and is
set aside. The notes travel with the group, to whatever machine goes on. No clock is compared.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

import msgspec
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from worker.stream.offsets import Offsets

logger = logging.getLogger(__name__)

DEATHS = 3
MOST_CLAIMS = 8  # in one note
MOST_BYTES = 4000  # of a note; brokers take 4,096
NOTE = "query-worker claims="


class _Claim(msgspec.Struct, array_like=True, frozen=True):
    """An owner began at this offset.

    Attributes:
        owner: a random name of the process.
        number: counts the claims of that process.
        alone: it worked on this one record alone.
    """

    owner: str
    number: int
    alone: bool


class _Note(msgspec.Struct, omit_defaults=True):
    """The metadata of a commit.

    Attributes:
        by: the process that committed.
        made: how many claims it had made.
        standing: the numbers of those without progress, of partitions that it owned.
        claims: those at this offset.
    """

    by: str = ""
    made: int = 0
    standing: list[int] = []
    claims: list[_Claim] = []

    def retracts(self, claim: _Claim) -> bool:
        """Whether the owner lived on after it had lost the partition."""
        mine = claim.owner == self.by and claim.number < self.made
        return mine and claim.number not in self.standing


@dataclass(slots=True)
class _Suspect:
    """A partition since its assignment.

    Attributes:
        claims: of owners that began at the committed offset before us, and made no progress.
        noted_at: the offset of our last claim.
        number: of our last claim, until it is taken out.
        careful_until: records below this offset are taken one by one; -1: all go on together.
        deadly_at: the offset of the record that is set aside.
        held: fetched, and waiting for their turn.
    """

    claims: list[_Claim] = field(default_factory=list)
    noted_at: int | None = None
    number: int | None = None
    careful_until: int = -1
    deadly_at: int | None = None
    held: deque[Message] = field(default_factory=deque)


class PoisonPills:
    """The partitions of one process; used from the Kafka thread.

    Args:
        reach: how many records of a partition may have been in flight when a process died.
        notes: asks for the metadata of the group's last commits, of all partitions of the topic;
            raises KafkaException where they are not known now.
    """

    def __init__(
        self, topic: str, offsets: Offsets, reach: int, notes: Callable[[], list[str]]
    ) -> None:
        self._topic, self._offsets, self._reach, self._notes = topic, offsets, reach, notes
        self._partitions: dict[int, _Suspect] = {}
        self._owner, self._made = uuid4().hex[:12], 0
        self._unreported = False  # a claim was lost, and no commit has reported it yet

    def assigned(self, consumer: Consumer, place: TopicPartition) -> None:
        """Read the claims beside the last commit of a partition that was just assigned."""
        claims = [claim for claim in _read(place.metadata).claims if claim.owner != self._owner]
        self._partitions[place.partition] = _Suspect(claims)
        if self._unreported and place.offset >= 0:
            self._unreported = not self._commit(consumer, place.partition, place.offset, claims)

    def forget(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            suspect = self._partitions.pop(partition, None)
            self._unreported |= suspect is not None and self._stands(partition, suspect)

    def drop(self, partition: int) -> None:
        """What is held will be fetched again."""
        self._partitions[partition].held.clear()

    @property
    def holding(self) -> set[int]:
        """The partitions whose records wait here: nothing of them is to be fetched."""
        return {number for number, suspect in self._partitions.items() if suspect.held}

    def admit(self, consumer: Consumer, partition: int, records: list[Message]) -> bool:
        """Whether the records may go on together; else they are held here."""
        suspect = self._partitions.get(partition)
        if suspect is None:
            suspect = self._partitions[partition] = _Suspect()
        offset = records[0].offset()
        if suspect.noted_at is None and suspect.careful_until < 0:
            self._begin(consumer, partition, suspect, offset)
        if suspect.careful_until < 0:
            return True
        suspect.held.extend(records)
        return False

    def next(self, consumer: Consumer) -> Iterable[tuple[Message, bool]]:
        """Held records whose turn has come, and whether they are set aside unread.

        The turn of a record comes when all before it is committed.
        """
        for partition, suspect in self._partitions.items():
            if not self._has_turn(partition, suspect) or _is_over(suspect):
                continue
            offset = suspect.held[0].offset()
            if suspect.noted_at is None and _accused(suspect):
                if not self._drop_living(suspect):
                    continue  # asked again in the next turn
                if _accused(suspect):
                    suspect.deadly_at, suspect.careful_until = offset, offset + 1
            if suspect.noted_at is not None and suspect.noted_at < offset:  # died of one before it
                suspect.claims = [claim for claim in suspect.claims if not claim.alone]
            self._claim(consumer, partition, suspect, offset, alone=True)
            yield suspect.held.popleft(), offset == suspect.deadly_at

    def released(self) -> list[Message]:
        """Held records that may go on: those of partitions whose careful time is over."""
        records: list[Message] = []
        for partition, suspect in self._partitions.items():
            if self._has_turn(partition, suspect) and _is_over(suspect):
                records += suspect.held
                self._partitions[partition] = _Suspect()
        return records

    def wipe(self, consumer: Consumer, partitions: Iterable[int]) -> None:
        """The partitions are left in good order: our claims are taken out."""
        for partition in partitions:
            suspect = self._partitions.get(partition)
            if suspect is None or suspect.number is None:  # none, or taken out before
                continue
            if suspect.noted_at == self._last_commit(partition) is not None:
                number, suspect.number = suspect.number, None
                if not self._commit(consumer, partition, suspect.noted_at, suspect.claims):
                    suspect.number = number

    def leave(self, consumer: Consumer, note: str) -> bool:
        """Leave a note of another kind with the group, beside the last commit of a partition;
        whether one was found, and took it.

        It takes the place of the note there: of one that tells of the fewest deaths.
        """
        known = [n for n in self._offsets.owned() if self._last_commit(n) is not None]
        if not known:
            return False
        partition = min(known, key=self._deaths)
        return self._commit(consumer, partition, self._last_commit(partition), note)

    def _deaths(self, partition: int) -> int:
        """How many are remembered beside the last commit."""
        suspect = self._partitions.get(partition)
        if suspect is None or suspect.noted_at not in (None, self._last_commit(partition)):
            return 0
        return len(suspect.claims)

    def take(self, consumer: Consumer, place: TopicPartition) -> None:
        """What was left beside this commit is known now, and must not be learned once more."""
        self._commit(consumer, place.partition, place.offset, [])

    def alive(self) -> str:
        """What goes with every commit: it retracts the claims of ours that stand no longer."""
        return self._note([]) if self._made else ""

    def _begin(self, consumer: Consumer, partition: int, suspect: _Suspect, offset: int) -> None:
        if len(suspect.claims) >= DEATHS:
            self._drop_living(suspect)
        if len(suspect.claims) >= DEATHS:
            suspect.careful_until = offset + self._reach
            message = "partition %d: %d owners began at offset %d and died: one record at a time"
            logger.error(message, partition, len(suspect.claims), offset)
        else:
            self._claim(consumer, partition, suspect, offset, alone=False)

    def _drop_living(self, suspect: _Suspect) -> bool:
        """Drop the claims that are retracted elsewhere; False where that is not known now."""
        try:
            notes = [_read(text) for text in self._notes()]
        except KafkaException as error:
            logger.debug("the notes of other partitions are not known: %s", error)
            return False
        suspect.claims = [
            claim for claim in suspect.claims if not any(note.retracts(claim) for note in notes)
        ]
        return True

    def _has_turn(self, partition: int, suspect: _Suspect) -> bool:
        owned = self._offsets.get(partition)
        return bool(suspect.held) and owned is not None and owned.all_committed

    def _last_commit(self, partition: int) -> int | None:
        owned = self._offsets.get(partition)
        return owned and owned.committed

    def _stands(self, partition: int, suspect: _Suspect) -> bool:
        """Whether our claim may be what the group remembers: nothing after it is committed."""
        if suspect.number is None:
            return False
        committed = self._last_commit(partition)
        return committed is None or committed <= suspect.noted_at

    def _claim(
        self, consumer: Consumer, partition: int, suspect: _Suspect, offset: int, alone: bool
    ) -> None:
        suspect.noted_at, suspect.number = offset, self._made
        self._made += 1
        claims = [*suspect.claims, _Claim(self._owner, suspect.number, alone)]
        if self._commit(consumer, partition, offset, claims):
            self._offsets.claimed(partition, offset)

    def _note(self, claims: list[_Claim]) -> str:
        standing = [s.number for n, s in self._partitions.items() if self._stands(n, s)]
        note = _Note(self._owner, self._made, standing, claims[-MOST_CLAIMS:])
        text = NOTE + msgspec.json.encode(note).decode()
        if len(text) > MOST_BYTES:  # too many stand to say that any does not
            note.made, note.standing = 0, []
            text = NOTE + msgspec.json.encode(note).decode()
        return text

    def _commit(
        self, consumer: Consumer, partition: int, offset: int, note: list[_Claim] | str
    ) -> bool:
        text = note if isinstance(note, str) else self._note(note)
        place = TopicPartition(self._topic, partition, offset, metadata=text)
        try:
            consumer.commit(offsets=[place], asynchronous=False)
        except KafkaException as error:
            logger.debug("the note for partition %d was not taken: %s", partition, error)
            return False
        self._offsets.committed(partition, offset)
        return True


def _accused(suspect: _Suspect) -> bool:
    """Whether enough owners died at this offset, one of them of its record alone."""
    return len(suspect.claims) > DEATHS and any(claim.alone for claim in suspect.claims)


def _is_over(suspect: _Suspect) -> bool:
    """Whether the records that are held need not be taken one by one."""
    return suspect.held[0].offset() >= suspect.careful_until


def _read(text: str | None) -> _Note:
    """A note; an empty one where the text is none."""
    if text and text.startswith(NOTE):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text.removeprefix(NOTE), type=_Note)
    return _Note()
