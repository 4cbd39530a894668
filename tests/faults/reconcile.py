"""What went in against what came out: pure bookkeeping, fed with one record after the other.

lost          an input that came out neither enriched nor as a dead letter.
duplicated    each time beyond the first that an input came out, either way. One is excused beside
              a fault that may repeat work (`Window`): under at-least-once, what was not yet
              committed when a worker, the broker or the way between them failed comes again. It
              is excused only if its first copy could be read no earlier than `UNCOMMITTED_S`
              before that fault (what is older was committed by then) and the second one after the
              fault began and before the group was well again.
out of order  an input that first came out after a later one of its partition. What is compared
              are the outputs that went to one output partition, since Kafka keeps no order across
              them; only first copies count, so that a replay, which begins earlier again, is no
              fault of order under at-least-once. Dead letters are in a topic of their own and
              take no part. Under at-least-once one is excused in the same windows: a worker that
              was frozen may send what it had queued, ahead of its successor.
corrupted, mixed versions   see `check.py`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

UNCOMMITTED_S = 3.0  # commit interval, the commit's own way, and clocks
EXAMPLES = 5  # kept of each finding, for people


@dataclass(frozen=True)
class Window:
    """When a fault may have made workers repeat work; Unix seconds."""

    kind: str
    begin: float
    end: float

    def excuses(self, first_at: float, again_at: float) -> bool:
        return self.begin - UNCOMMITTED_S <= first_at and self.begin <= again_at <= self.end


@dataclass
class Findings:
    """Counts, and the first few of each with what is known about them."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, told: str) -> None:
        self.counts[kind] += 1
        kept = self.examples.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            kept.append(told)


class Ledger:
    """Every input, by its number, and what became of it."""

    def __init__(self, count: int, windows: Iterable[Window] = ()) -> None:
        self._places: list[tuple[int, int] | None] = [None] * count
        self._times = array("H", bytes(2 * count))
        self._first_at = array("d", bytes(8 * count))
        self._newest: dict[tuple[int, int], int] = {}
        self._windows = list(windows)
        self.findings = Findings()
        self.excused: Counter[str] = Counter()  # duplicates by kind of the fault beside them
        self.dead_letters: Counter[str] = Counter()

    def sent(self, number: int, partition: int, offset: int) -> None:
        """Input `number` lies in the input topic, there."""
        if self._places[number] is not None:
            self.findings.add("sent_twice", f"input {number}")
        self._places[number] = partition, offset

    def out(self, number: int, lane: int, at: float) -> None:
        """It came out enriched, in output partition `lane`, readable from Unix time `at`.

        Outputs of one lane must be told in their offset order.
        """
        if self._came(number, at):
            self._in_order(number, lane, at)

    def dead_letter(self, number: int, reason: str, at: float) -> None:
        """It came out as a dead letter."""
        self.dead_letters[reason] += 1
        self._came(number, at)

    def lost(self) -> list[int]:
        """The inputs that never came out; told among the findings as well."""
        missing = [n for n, times in enumerate(self._times) if self._places[n] and not times]
        for number in missing:
            self.findings.add("lost", self._told(number))
        return missing

    def place(self, number: int) -> tuple[int, int]:
        """Partition and offset of an input."""
        return self._places[number]

    def _came(self, number: int, at: float) -> bool:
        """Count it; whether it is its first time."""
        if not 0 <= number < len(self._places) or self._places[number] is None:
            self.findings.add("corrupted", f"input {number} was never sent")
            return False
        self._times[number] += 1
        if self._times[number] == 1:
            self._first_at[number] = at
            return True
        first_at = self._first_at[number]
        told = f"{self._told(number)}: at {first_at:.3f} and again at {at:.3f}"
        self.findings.add("duplicated", told)
        if window := self._excuse(first_at, at):
            self.excused[window.kind] += 1
        else:
            self.findings.add("duplicated_elsewhere", told)
        return False

    def _in_order(self, number: int, lane: int, at: float) -> None:
        partition, offset = self._places[number]
        newest = self._newest.get((partition, lane), -1)
        if offset > newest:
            self._newest[partition, lane] = offset
            return
        told = f"{self._told(number)}: after offset {newest}, at {at:.3f}"
        self.findings.add("out_of_order", told)
        if not self._excuse(at, at):
            self.findings.add("out_of_order_elsewhere", told)

    def _excuse(self, first_at: float, again_at: float) -> Window | None:
        return next((w for w in self._windows if w.excuses(first_at, again_at)), None)

    def _told(self, number: int) -> str:
        partition, offset = self._places[number]
        return f"input {number} (partition {partition}, offset {offset})"
