"""Limits on the share and rate of dead letters; above them the worker stops.

Rules:
- Share: of the records of the last minute, or of the last 1,000 where a minute has fewer, so that
  one bad record of three stops nothing. Fewer records than 1,000 count as 1,000.
- Rate: rejected records in the last minute.
- Records are counted before they are produced: those that exceed a limit stay in the input topic
  and are not counted.
- The counts outlive a restart: a worker that leaves the group commits them as metadata, and the
  next owner of the partition continues from them. They expire after ten minutes, so that the rest
  of a flood whose cause was fixed does not stop the worker for ever.
- When the limits change, counting starts at zero: whoever changes them knows of the flood.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Annotated

import msgspec

from worker.config.settings import DeadLetters
from worker.errors import Stop

WINDOW_S = 60
LEAST = 1000
KEPT_S = 600
NOTE = "query-worker counted="
COARSE_S = 10  # resolution of older counts in a note: brokers take 4,096 characters of metadata


@dataclass
class _Second:
    at: int
    total: int = 0
    dead: Counter[str] = field(default_factory=Counter)


Count = Annotated[int, msgspec.Meta(ge=0)]


class _Note(msgspec.Struct):
    """The committed metadata; `seconds` are (Unix time, records, rejected records)."""

    limits: tuple[float, int | None]
    reason: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,40}$")]
    seconds: list[tuple[int, Count, Count]]


class DeadLetterLimits:
    """Counts records and rejections; one for each worker, used from the Kafka thread."""

    def __init__(self, settings: DeadLetters) -> None:
        self._settings = settings
        self._begin()

    def use(self, settings: DeadLetters) -> None:
        """Apply these limits from the next record on."""
        if settings != self._settings:
            self._settings = settings
            self._begin()

    def add(self, now: float, total: int, dead: Iterable[str]) -> None:
        """Count `total` records, and the reasons of those among them that are rejected.

        Args:
            now: seconds of a clock that never goes back.

        Raises:
            Stop: a limit is exceeded; names the most frequent reason and the setting.
        """
        if not self._seconds or self._seconds[-1].at != int(now):
            self._seconds.append(_Second(int(now)))
        reasons = Counter(dead)
        second, before = self._seconds[-1], int(now) - WINDOW_S
        self._count(second, total, reasons)
        forgotten = self._forget(before)
        try:
            if reasons:
                self._check(before)
        except Stop:
            self._count(second, -total, Counter({name: -n for name, n in reasons.items()}))
            self._remember(forgotten)
            raise

    def note(self, now: float, unix_s: float) -> str:
        """The counts, for the next owner's `learn`; "" if nothing was rejected.

        Args:
            now: as in `add`.
            unix_s: the same moment in Unix time.
        """
        if not self._dead.total():
            return ""
        shift, oldest = round(unix_s - now), int(unix_s) - KEPT_S
        kept = [(item.at + shift, item) for item in self._seconds if item.at + shift > oldest]
        seconds = []
        for at, items in groupby(kept, lambda pair: _coarse(pair[0], unix_s)):
            group = [item for _, item in items]
            dead = sum(item.dead.total() for item in group)
            seconds.append((at, sum(item.total for item in group), dead))
        note = _Note(self._limits, self._dead.most_common(1)[0][0], seconds)
        return NOTE + msgspec.json.encode(note).decode()

    def learn(self, note: str, now: float, unix_s: float) -> tuple[int, int]:
        """Continue from a note; returns its rejected and all its records that still count.

        Text that is no note, or one made under other limits, is ignored: (0, 0).

        Args:
            now, unix_s: as in `note`.
        """
        try:
            decoded = msgspec.json.decode(note.removeprefix(NOTE), type=_Note)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return 0, 0
        if decoded.limits != self._limits:
            return 0, 0
        learned = [*_seconds(decoded, round(unix_s - now), now)]
        self._remember(learned)
        return sum(item.dead.total() for item in learned), sum(item.total for item in learned)

    @property
    def _limits(self) -> tuple[float, int | None]:
        return self._settings.max_share, self._settings.max_per_minute

    def _begin(self) -> None:
        self._seconds: deque[_Second] = deque()
        self._total = 0
        self._dead: Counter[str] = Counter()

    def _count(self, second: _Second, total: int, dead: Counter[str]) -> None:
        for counts in second.dead, self._dead:
            counts.update(dead)
        second.total += total
        self._total += total

    def _forget(self, before: int) -> list[_Second]:
        """Drop and return seconds up to `before` that are not needed to make up 1,000 records."""
        forgotten = []
        while (oldest := self._seconds[0]).at <= before and self._total - oldest.total >= LEAST:
            self._total -= oldest.total
            self._dead -= oldest.dead
            forgotten.append(self._seconds.popleft())
        return forgotten

    def _remember(self, seconds: list[_Second]) -> None:
        self._seconds = deque(sorted([*seconds, *self._seconds], key=lambda item: item.at))
        self._total += sum(item.total for item in seconds)
        self._dead += sum((item.dead for item in seconds), Counter())

    def _check(self, before: int) -> None:
        share, rate = self._limits
        if self._dead.total() > share * max(self._total, LEAST):
            counted = f"{self._dead.total():,} of the last {self._total:,} records"
            raise _stop(counted, self._dead, f"dead_letters.max_share = {share:g}")
        if rate is None:
            return
        minute = sum((item.dead for item in self._seconds if item.at > before), Counter())
        if minute.total() > rate:
            counted = f"{minute.total():,} records in a minute"
            raise _stop(counted, minute, f"dead_letters.max_per_minute = {rate}")


def _coarse(at: int, unix_s: float) -> int:
    """The second itself within the window, else the first of its ten."""
    return at if at > unix_s - WINDOW_S else at // COARSE_S * COARSE_S


def _seconds(note: _Note, shift: int, now: float) -> Iterator[_Second]:
    """The note's seconds that still count, in the local clock; later ones are taken as now."""
    for at, total, dead in note.seconds:
        if at - shift > now - KEPT_S:
            yield _Second(min(at - shift, int(now)), total, Counter({note.reason: dead}))


def _stop(counted: str, dead: Counter[str], setting: str) -> Stop:
    reason, count = dead.most_common(1)[0]
    return Stop(
        f"{counted} were rejected, {count:,} of them as {reason}: more than {setting} allows; see "
        "`query-worker dead-letters list`, fix the producer or what rejects the records, and start "
        "again; to have them all dead-lettered, raise the setting"
    )
