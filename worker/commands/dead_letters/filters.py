"""Which dead letters a command selects."""

from __future__ import annotations

import heapq
import re
import time
from dataclasses import dataclass
from datetime import datetime

from worker.commands.dead_letters.letter import Letter, Position
from worker.commands.dead_letters.replay_markers import ReplayMarkers

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Filters:
    """Filters; an empty one selects everything.

    Attributes:
        since_ms, until_ms: of the rejection, Unix milliseconds; `until_ms` is exclusive.
        partitions: of the source topic.
    """

    reasons: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    partitions: frozenset[int] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None

    def __contains__(self, letter: Letter) -> bool:
        source = letter.source.partition if letter.source else None
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.stages or letter.stage in self.stages)
            and (not self.partitions or source in self.partitions)
            and (self.since_ms is None or letter.time_ms >= self.since_ms)
            and (self.until_ms is None or letter.time_ms < self.until_ms)
        )


class Newest:
    """Keeps the newest `limit` of the letters that are added."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[tuple[int, Position, Letter]] = []

    def add(self, letter: Letter) -> None:
        item = letter.time_ms, letter.position, letter
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, item)
        else:
            heapq.heappushpop(self._heap, item)

    def letters(self) -> list[Letter]:
        """The newest last."""
        return [letter for *_, letter in sorted(self._heap)]


@dataclass(frozen=True)
class ReplayRules:
    """Which selected letters a replay skips.

    Attributes:
        topic: the input topic; letters of another topic are foreign.
        max_attempts: skip letters rejected this many times or more.
        again: include letters that were replayed before.
        foreign: include letters that this worker did not reject.
    """

    topic: str
    max_attempts: int
    again: bool = False
    foreign: bool = False

    def left_out(self, letter: Letter, markers: ReplayMarkers) -> str | None:
        """Why a letter is skipped; None if it is to be replayed."""
        if not letter.readable:
            return "its headers cannot be read, so they cannot be sent again"
        if not self.foreign and (letter.source is None or letter.source.topic != self.topic):
            return f"not rejected from {self.topic} (--foreign sends it)"
        if not self.again and letter.position in markers:
            return "replayed before (--again sends it again)"
        if letter.attempts >= self.max_attempts:
            return f"rejected {self.max_attempts} times or more (--max-attempts)"
        return None


def moment(text: str, now: float | None = None) -> int:
    """Unix milliseconds of an RFC 3339 time, or of a duration before now: `90s`, `2h`, `7d`.

    Raises:
        ValueError: it is neither.
    """
    if duration := re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII):
        before = int(duration[1]) * UNITS[duration[2]]
        return max(int(((time.time() if now is None else now) - before) * 1000), 0)
    time_ = datetime.fromisoformat(text)
    if time_.tzinfo is None or "T" not in text.upper().replace(" ", "T"):
        raise ValueError("without a time zone")
    return max(int(time_.timestamp() * 1000), 0)
