"""What may be committed: the one object that the event loop and the consumer thread share.

Rules, held under one lock:
- Batches of a partition may be resolved in any order; committable is the contiguous prefix.
- A revoked partition's tickets are stale: resolving one moves nothing. A batch that completes
  late therefore never moves the offset of a partition that another worker owns by then.
- What is in flight is counted until it is resolved, stale or not: memory is memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class Ticket:
    """One batch in flight.

    Attributes:
        next_offset: what to commit once this batch and all before it are resolved.
        stale: the partition was revoked; its next owner starts from the last commit.
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


class Tracker:
    """Offsets of one topic, by partition."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: dict[int, deque[Ticket]] = {}
        self._resolved: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._in_flight = InFlight()

    def assign(self, partitions: Iterable[int]) -> None:
        with self._changed:
            for partition in partitions:
                self._open[partition] = deque()

    def revoke(self, partitions: Iterable[int]) -> None:
        """Forget the partitions; their open tickets become stale."""
        with self._changed:
            for partition in partitions:
                for ticket in self._open.get(partition, ()):
                    ticket.stale = True
                for table in (self._open, self._resolved, self._committed):
                    table.pop(partition, None)

    def track(self, partition: int, next_offset: int, records: int, size: int) -> Ticket:
        """Count a batch as in flight; batches of a partition are tracked in offset order."""
        ticket = Ticket(partition, next_offset, records, size)
        with self._changed:
            self._count(ticket, 1)
            if partition in self._open:
                self._open[partition].append(ticket)
        return ticket

    def resolve(self, ticket: Ticket) -> None:
        """The batch's outputs are confirmed."""
        with self._changed:
            self._count(ticket, -1)
            ticket.resolved = True
            waiting = self._open.get(ticket.partition)
            while waiting and waiting[0].resolved:
                self._resolved[ticket.partition] = waiting.popleft().next_offset
            self._changed.notify_all()

    def committable(self) -> dict[int, int]:
        """Partition → offset to commit, where it is not committed yet.

        Usually past the last commit; below it after the topic was made anew.
        """
        with self._changed:
            return {
                partition: offset
                for partition, offset in self._resolved.items()
                if offset != self._committed.get(partition)
            }

    def committed(self, partition: int, offset: int) -> None:
        with self._changed:
            if partition in self._open:
                self._committed[partition] = offset

    def owned(self) -> list[int]:
        with self._changed:
            return sorted(self._open)

    @property
    def in_flight(self) -> InFlight:
        with self._changed:
            return self._in_flight

    def wait_for_room(self, batches: int, size: int, timeout_s: float) -> bool:
        """Wait until less than both limits is in flight; False when the time is over."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._in_flight.batches < batches and self._in_flight.size < size,
                timeout_s,
            )

    def wait_resolved(self, partitions: Iterable[int], timeout_s: float) -> bool:
        """Wait until nothing of these partitions is open; False when the time is over."""
        wanted = set(partitions)
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(self._open.get(partition) for partition in wanted), timeout_s
            )

    def _count(self, ticket: Ticket, sign: int) -> None:
        now = self._in_flight
        self._in_flight = InFlight(
            now.batches + sign,
            now.records + sign * ticket.records,
            now.size + sign * ticket.size,
        )
