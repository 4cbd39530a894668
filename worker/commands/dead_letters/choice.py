"""Which dead letters a command is about."""

from __future__ import annotations

import heapq
import re
import time
from dataclasses import dataclass
from datetime import datetime

from worker.commands.dead_letters.letter import Letter, Place
from worker.commands.dead_letters.replay_markers import Marks

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Choice:
    """Filters; an empty one lets everything pass.

    Attributes:
        since_ms, until_ms: of the rejection, Unix milliseconds; `until_ms` is left out itself.
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
    """The newest so many of the letters that it was given; memory for no more of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[tuple[int, Place, Letter]] = []

    def add(self, letter: Letter) -> None:
        item = letter.time_ms, letter.place, letter
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, item)
        else:
            heapq.heappushpop(self._heap, item)

    def letters(self) -> list[Letter]:
        """The newest last."""
        return [letter for *_, letter in sorted(self._heap)]


@dataclass(frozen=True)
class Terms:
    """What a replay leaves out of what was chosen.

    Attributes:
        topic: the input topic; letters of another are foreign.
        max_attempts: letters that were rejected so often stay.
        again: also what was replayed before.
        foreign: also what this worker did not reject, or could not tell why.
    """

    topic: str
    max_attempts: int
    again: bool = False
    foreign: bool = False

    def obstacle(self, letter: Letter, marks: Marks) -> str | None:
        """Why a letter stays where it is; None for one to replay."""
        if not letter.readable:
            return "its headers cannot be read, nor be sent again as they are"
        if not self.foreign and (letter.source is None or letter.source.topic != self.topic):
            return f"not rejected from {self.topic} (--foreign sends it)"
        if not self.again and letter.place in marks:
            return "replayed before (--again sends it once more)"
        if letter.attempts >= self.max_attempts:
            return f"rejected {self.max_attempts} times or more (--max-attempts)"
        return None


def moment(text: str, now: float | None = None) -> int:
    """Unix milliseconds of an RFC 3339 time, or of a duration before now: `90s`, `2h`, `7d`.

    Raises:
        ValueError: it is neither.
    """
    if found := re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII):
        before = int(found[1]) * UNITS[found[2]]
        return max(int(((time.time() if now is None else now) - before) * 1000), 0)
    told = datetime.fromisoformat(text)
    if told.tzinfo is None or "T" not in text.upper().replace(" ", "T"):
        raise ValueError("without a time zone")
    return max(int(told.timestamp() * 1000), 0)
