"""How many dead letters are too many: then the fault is not the records', and the worker stops.

Rules:
- Share: of the records of the last minute, and of the last 1,000 where a minute has fewer, so that
  one bad record of three stops nothing. It is over as soon as that many of 1,000 are rejected.
- Rate: rejected records in the last minute.
- The records are counted before they are produced: those that pass a limit stay in the input topic.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from worker.errors import Stop
from worker.settings import DeadLetters

WINDOW_S = 60
LEAST = 1000


@dataclass
class _Second:
    at: int
    total: int = 0
    dead: Counter[str] = field(default_factory=Counter)


class DeadLetterLimits:
    """Counts records and rejections; one per worker."""

    def __init__(self, settings: DeadLetters) -> None:
        self._settings = settings
        self._seconds: deque[_Second] = deque()
        self._total = 0
        self._dead: Counter[str] = Counter()

    def add(self, now: float, total: int, dead: Iterable[str]) -> None:
        """Count `total` records, and the reasons of those among them that are rejected.

        Args:
            now: seconds of a clock that never goes back.

        Raises:
            Stop: too many are; names the commonest reason and the setting.
        """
        if not self._seconds or self._seconds[-1].at != int(now):
            self._seconds.append(_Second(int(now)))
        reasons = Counter(dead)
        for counts in self._seconds[-1].dead, self._dead:
            counts.update(reasons)
        self._seconds[-1].total += total
        self._total += total
        self._forget(int(now) - WINDOW_S)
        if reasons:
            self._check(int(now) - WINDOW_S)

    def _forget(self, before: int) -> None:
        oldest = self._seconds[0]
        while oldest.at <= before and self._total - oldest.total >= LEAST:
            self._total -= oldest.total
            self._dead -= oldest.dead
            self._seconds.popleft()
            oldest = self._seconds[0]

    def _check(self, before: int) -> None:
        share, rate = self._settings.max_share, self._settings.max_per_minute
        if self._dead.total() > share * max(self._total, LEAST):
            told = f"{self._dead.total():,} of the last {self._total:,} records"
            raise _stop(told, self._dead, f"dead_letters.max_share = {share:g}")
        if rate is None:
            return
        minute = sum((item.dead for item in self._seconds if item.at > before), Counter())
        if minute.total() > rate:
            told = f"{minute.total():,} records in a minute"
            raise _stop(told, minute, f"dead_letters.max_per_minute = {rate}")


def _stop(told: str, dead: Counter[str], setting: str) -> Stop:
    reason, count = dead.most_common(1)[0]
    return Stop(
        f"{told} were rejected, {count:,} of them as {reason}: more than {setting} allows; see "
        "`query-worker dead-letters list`, mend what sends them or what rejects them, and start "
        "again; to have them all dead-lettered, raise the setting"
    )
