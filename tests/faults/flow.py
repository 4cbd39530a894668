"""When each input partition flows, stands still, and flows again: times in, answers out."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence

STANDSTILL_S = 2.0  # without an output for longer, a partition does not flow


class Flow:
    """What came out, by input partition; all times are Unix seconds.

    Args:
        partition: of an input, by its number.
        due: when an input was due, by its number.
    """

    def __init__(
        self, partitions: int, partition: Callable[[int], int], due: Sequence[float]
    ) -> None:
        self._partition, self._due = partition, due
        self._seen: set[int] = set()
        self._came = [array("d") for _ in range(partitions)]  # in order
        self._due_of = [array("d") for _ in range(partitions)]  # the same outputs

    @property
    def seen(self) -> int:
        """How many different inputs came out so far."""
        return len(self._seen)

    def came(self, number: int, now: float) -> None:
        """Input `number` came out; again, maybe."""
        if number in self._seen or not 0 <= number < len(self._due):
            return
        self._seen.add(number)
        partition = self._partition(number)
        self._came[partition].append(now)
        self._due_of[partition].append(self._due[number])

    def flows_since(self, partition: int, moment: float, until: float, now: float) -> float | None:
        """The time from which a partition flows after a fault's `moment`; None: not by `now`.

        It begins with the first output of an input that was due after the moment, which is
        stricter than a first output: what was held up before comes first. If the partition then
        stands still again, begun before `until`, it begins anew after that.
        """
        times, dues = self._came[partition], self._due_of[partition]
        start = bisect_right(times, moment)
        start = next((n for n in range(start, len(times)) if dues[n] > moment), None)
        if start is None:
            return None
        since = times[start]
        for before, after in zip(times[start:], [*times[start + 1 :], now], strict=True):
            if before < until and after - before > STANDSTILL_S:
                since = after
        return None if since >= now else since

    def standstill(self, partition: int, begin: float, end: float) -> float:
        """The longest time without an output of a partition, in seconds, between two times."""
        times = self._came[partition]
        inside = times[bisect_right(times, begin) : bisect_right(times, end)]
        ends = [begin, *inside, end]
        return max(after - before for before, after in zip(ends, ends[1:], strict=False))
