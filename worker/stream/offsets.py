"""What may be committed: the one object that the event loop and the consumer thread share.

Rules, held under one lock:
- Batches of a partition may be resolved in any order; committable is the contiguous prefix.
- A revoked partition's tickets are stale: resolving one moves nothing. A batch that completes
  late therefore never moves the offset of a partition that another worker owns by then.
- After a rewind all tickets are stale, and a partition hands out stale tickets alone until it is
  assigned again, which the consumer thread does once it stands at the last commit.
- An abandoned batch is never passed: its partition stands still until a rewind or a revocation.
- What is in flight is counted until it is resolved or abandoned, stale or not: memory is memory.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Ticket:
    """One batch in flight.

    Attributes:
        next_offset: what to commit once this batch and all before it are resolved.
        stale: the partition was revoked or rewound; its next owner starts from the last commit.
    """

    partition: int
    next_offset: int
    records: int
    size: int
    resolved: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class InFlight:
    """Consumed and not yet resolved; `size` in bytes."""

    batches: int = 0
    records: int = 0
    size: int = 0


@dataclass(slots=True)
class _Partition:
    """One partition that is owned; `resolved` and `committed` are offsets to go on from."""

    open: deque[Ticket] = field(default_factory=deque)
    size: int = 0  # bytes of the open tickets
    began_at: int | None = None  # the first offset that was ever tracked
    resolved: int | None = None
    committed: int | None = None
    astray: bool = False  # rewound, and not yet at the last commit

    @property
    def orphans(self) -> bool:
        """Whether outputs are confirmed whose offsets are not committed."""
        ahead = self.resolved is not None and self.resolved != self.committed
        return ahead or any(ticket.resolved for ticket in self.open)

    def forget(self) -> None:
        for ticket in self.open:
            ticket.stale = True
        self.open.clear()
        self.size, self.resolved, self.committed = 0, None, None


class Tracker:
    """Offsets of one topic, by partition."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._owned: dict[int, _Partition] = {}
        self._in_flight = InFlight()
        self._batches: Counter[int] = Counter()  # in flight, by partition
        self._orphans = False

    def assign(self, partitions: Iterable[int], astray: bool = False) -> None:
        """The partitions are ours and stand where they are to go on, unless they are astray."""
        with self._changed:
            for number in partitions:
                began_at = self._owned[number].began_at if number in self._owned else None
                self._owned[number] = _Partition(began_at=began_at, astray=astray)

    def revoke(self, partitions: Iterable[int]) -> None:
        """Forget the partitions; their open tickets become stale."""
        with self._changed:
            for number in partitions:
                if partition := self._owned.pop(number, None):
                    self._orphans |= partition.orphans
                    partition.forget()
            self._changed.notify_all()

    def rewind(self) -> None:
        """Every partition must go back to its last commit: what was under way is undone."""
        with self._changed:
            for partition in self._owned.values():
                partition.forget()
                partition.astray = True
            self._orphans = False
            self._changed.notify_all()

    def astray(self) -> dict[int, int | None]:
        """Partition → the first offset ever tracked, of those that are to go back."""
        with self._changed:
            return {number: p.began_at for number, p in self._owned.items() if p.astray}

    def track(self, partition: int, offset: int, next_offset: int, count: int, size: int) -> Ticket:
        """Count a batch as in flight; batches of a partition are tracked in offset order.

        Args:
            offset: of its first record.
            next_offset: one past its last record.
            count: records.
            size: bytes.
        """
        ticket = Ticket(partition, next_offset, count, size)
        with self._changed:
            self._count(ticket, 1)
            owned = self._owned.get(partition)
            if owned is not None and owned.began_at is None:
                owned.began_at = offset  # of a stale one as well: the consumer is past it now
            if owned is None or owned.astray:
                ticket.stale = True
            else:
                owned.open.append(ticket)
                owned.size += size
        return ticket

    def resolve(self, ticket: Ticket) -> None:
        """The batch's outputs are confirmed; those of a stale one are orphans."""
        with self._changed:
            self._count(ticket, -1)
            ticket.resolved = True
            self._orphans |= ticket.stale
            if not ticket.stale:
                owned = self._owned[ticket.partition]
                while owned.open and owned.open[0].resolved:
                    done = owned.open.popleft()
                    owned.resolved, owned.size = done.next_offset, owned.size - done.size
            self._changed.notify_all()

    def abandon(self, ticket: Ticket) -> None:
        """The batch is given up: its partition must be consumed again from the last commit."""
        with self._changed:
            self._count(ticket, -1)
            self._changed.notify_all()

    def committable(self) -> dict[int, int]:
        """Partition → offset to commit, where it is not committed yet.

        Usually past the last commit; below it after the topic was made anew.
        """
        with self._changed:
            return self._committable()

    def settled(self) -> dict[int, int] | None:
        """Like `committable`; None when outputs were confirmed of partitions since revoked.

        A transaction that holds such outputs must be aborted. In one step with the offsets: a
        revocation between the two would leave outputs without them.
        """
        with self._changed:
            return None if self._orphans else self._committable()

    def committed(self, partition: int, offset: int) -> None:
        with self._changed:
            if owned := self._owned.get(partition):
                owned.committed = offset

    def last_commit(self, partition: int) -> int | None:
        """The offset that was committed last, if any was since the assignment."""
        with self._changed:
            owned = self._owned.get(partition)
            return owned and owned.committed

    def quiet(self, partition: int) -> bool:
        """Whether all that was tracked of the partition is resolved and committed."""
        with self._changed:
            owned = self._owned.get(partition)
            return owned is not None and not (owned.open or owned.astray or owned.orphans)

    def owned(self) -> list[int]:
        with self._changed:
            return sorted(self._owned)

    @property
    def in_flight(self) -> InFlight:
        with self._changed:
            return self._in_flight

    def crowded(self, batches: int, size: int, share: float = 1.0) -> set[int]:
        """The partitions that have their share of the limits in flight.

        A partition may take `share` times what is free, so that some always is: one alone takes
        at most half of all, and however many stand still, another finds room ("Dynamic queue
        length thresholds for shared-memory packet switches", Choudhury and Hahne, 1998). A
        partition with nothing in flight is never crowded.

        Args:
            batches: limit over all partitions.
            size: limit over all partitions, bytes.
        """
        with self._changed:
            return self._crowded(batches, size, share)

    def wait_for_room(
        self, partitions: set[int], batches: int, size: int, timeout_s: float
    ) -> bool:
        """Wait until none of these is crowded; False when the time is over."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not partitions & self._crowded(batches, size, 1.0), timeout_s
            )

    def wait_resolved(self, partitions: Iterable[int], timeout_s: float) -> bool:
        """Wait until nothing of these partitions is open; False when the time is over."""
        wanted = set(partitions)
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(self._owned[n].open for n in wanted & self._owned.keys()),
                timeout_s,
            )

    def _committable(self) -> dict[int, int]:
        return {
            number: partition.resolved
            for number, partition in self._owned.items()
            if partition.resolved is not None and partition.resolved != partition.committed
        }

    def _crowded(self, batches: int, size: int, share: float) -> set[int]:
        most = share * (batches - self._in_flight.batches)
        most_bytes = share * (size - self._in_flight.size)
        crowded = set()
        for number, partition in self._owned.items():
            batches = max(len(partition.open), self._batches[number])  # some were before a rewind
            if batches and (batches >= most or partition.size >= most_bytes):
                crowded.add(number)
        return crowded

    def _count(self, ticket: Ticket, sign: int) -> None:
        self._batches[ticket.partition] += sign
        now = self._in_flight
        self._in_flight = InFlight(
            now.batches + sign,
            now.records + sign * ticket.records,
            now.size + sign * ticket.size,
        )
