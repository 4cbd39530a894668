"""What may be committed, by partition.

Only the Kafka thread changes it; the event loop reads `in_flight` and `owned()`.

Rules:
- Records are produced in offset order, so what was produced is a contiguous prefix; it may be
  committed once the producer is flushed without an error.
- A batch of a revoked or rewound partition is stale: nothing of it is produced any more, and its
  results are dropped when they come.
- After a rewind a partition needs a seek: what is fetched of it is dropped until it stands at the
  last commit again.
- What waits for results is counted until the results have come, stale or not: memory is memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from worker.stream.batch import Batch


@dataclass(slots=True)
class Partition:
    """One partition that is owned.

    Attributes:
        pending: batches that wait for results or for their turn, in offset order.
        began_at: the first offset that was fetched since the assignment.
        expected: the offset to be fetched next, where it is known.
        produced: the offset after the last record that was produced, since the last rewind.
        committed: the last commit, if any was made since the assignment or the last rewind.
        claimed: the offset of the last claim of poison_pills, which is a commit, too.
        counted: offsets below were counted by the dead-letter limits already.
        expired: offsets below were counted as deleted by retention already, as far as any were.
        undone: offsets below were worked on, and undone by a rewind, as far as any were.
        needs_seek: rewound, and not yet at the last commit.
    """

    pending: deque[Batch] = field(default_factory=deque)
    began_at: int | None = None
    expected: int | None = None
    produced: int | None = None
    committed: int | None = None
    claimed: int | None = None
    counted: int = -1
    expired: int = -1
    undone: int = -1
    needs_seek: bool = False

    @property
    def uncommitted(self) -> bool:
        """Whether something was produced whose offset is not committed."""
        if self.produced is None or self.produced == self.committed:
            return False
        # The claim to a record behind a gap is beyond all that was produced, and stays.
        return not (self.has_claim and self.produced < self.committed)

    @property
    def has_claim(self) -> bool:
        """Whether the last commit is a claim."""
        return self.committed is not None and self.committed == self.claimed

    @property
    def floor(self) -> int:
        """What a commit must be beyond to move the group on."""
        return max(self.began_at or 0, self.committed or 0)

    @property
    def unfinished(self) -> bool:
        """Whether something was worked on whose offset is not committed."""
        undone = self.undone > (-1 if self.committed is None else self.committed)
        return bool(self.pending) or self.uncommitted or undone

    @property
    def all_committed(self) -> bool:
        """Whether all that was fetched is produced and committed."""
        return not (self.pending or self.needs_seek or self.uncommitted)

    def forget(self) -> list[Batch]:
        """Let all that was fetched be stale; returns what of it is ready."""
        if not self.unfinished:
            self.undone = -1
        if self.pending:
            self.undone = max(self.undone, self.pending[-1].records[-1].offset() + 1)
        elif self.uncommitted:
            self.undone = max(self.undone, self.produced)
        for batch in self.pending:
            batch.stale = True
        ready = [batch for batch in self.pending if batch.ready]
        self.pending.clear()
        self.expected = self.produced = self.committed = None
        return ready


@dataclass(slots=True)
class InFlight:
    """Fetched and not yet produced; `size` in bytes, `misses` records that wait for models."""

    batches: int = 0
    records: int = 0
    misses: int = 0
    size: int = 0


class Offsets:
    """The partitions of one topic that this worker owns."""

    def __init__(self) -> None:
        self._owned: dict[int, Partition] = {}
        self._lost = False
        self.in_flight = InFlight()

    def __getitem__(self, number: int) -> Partition:
        return self._owned[number]

    def get(self, number: int) -> Partition | None:
        return self._owned.get(number)

    def items(self) -> Iterable[tuple[int, Partition]]:
        return self._owned.items()

    def owned(self) -> list[int]:
        return sorted(self._owned)

    def assign(self, numbers: Iterable[int]) -> None:
        """The partitions are ours; where they are to go on is still to be asked."""
        for number in numbers:
            self._owned[number] = Partition(needs_seek=True)

    def revoke(self, numbers: Iterable[int], lost: bool = False) -> bool:
        """Forget partitions; whether outputs of them are out without their offsets.

        Args:
            lost: in the midst of a drain; what is unfinished of them counts as such.
        """
        orphaned = False
        for number in numbers:
            if partition := self._owned.pop(number, None):
                self._lost |= lost and partition.unfinished
                orphaned |= partition.uncommitted
                self._forget(partition)
        return orphaned

    def rewind(self) -> None:
        """Every partition must go back to its last commit: what is under way is undone."""
        for partition in self._owned.values():
            self._forget(partition)
            partition.needs_seek = True

    @property
    def unfinished(self) -> bool:
        """Whether something was worked on that is not committed: of what is owned, and of what was
        lost in a drain."""
        return self._lost or any(one.unfinished for one in self._owned.values())

    def needing_seek(self) -> set[int]:
        return {number for number, partition in self._owned.items() if partition.needs_seek}

    def committable(self) -> dict[int, int]:
        """Partition → offset to commit, where it is not committed yet."""
        return {n: p.produced for n, p in self._owned.items() if p.uncommitted}

    def committed(self, number: int, offset: int) -> None:
        partition = self._owned.get(number)
        # The answer to an earlier commit may come after that to a claim behind a gap.
        if partition and not (partition.has_claim and offset < partition.claimed):
            partition.committed = offset

    def claimed(self, number: int, offset: int) -> None:
        """The commit at this offset was a claim."""
        if partition := self._owned.get(number):
            partition.claimed = offset

    def pending(self, numbers: Iterable[int]) -> bool:
        """Whether batches of these partitions wait; those that are not owned have none."""
        return any(self._owned[number].pending for number in numbers if number in self._owned)

    def add(self, batch: Batch) -> None:
        """Count a batch as in flight, behind those of its partition."""
        self._owned[batch.partition].pending.append(batch)
        self._count(batch, 1)

    def remove(self, batch: Batch) -> None:
        """The batch was produced, or it is stale and its results have come."""
        self._count(batch, -1)

    def _forget(self, partition: Partition) -> None:
        for batch in partition.forget():
            self.remove(batch)

    def _count(self, batch: Batch, sign: int) -> None:
        now = self.in_flight
        now.batches += sign
        now.records += sign * len(batch.records)
        now.misses += sign * batch.misses
        now.size += sign * batch.size
