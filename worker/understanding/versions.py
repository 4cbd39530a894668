"""Which versions of a model are served now, according to its answers.

Rules:
- The version that answers is current, and only it: what another one made is not served any more.
- Unless they take turns (a canary: some servers have the new version, others the old one): then
  each that answered in the last minute is current, so that neither makes the other's forgotten.
- An answer to a call that began before the last change does not say what is served now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Set

WINDOW_S = 60.0
TURNS = 4  # an exchange is one change and a rollback another; changes in one window beyond that


class Versions:
    """One model's; times are those of `time.monotonic()`."""

    def __init__(self) -> None:
        self.current: frozenset[str] = frozenset()
        self._answered: dict[str, float] = {}  # current version → when it answered last
        self._changes: deque[float] = deque(maxlen=TURNS)

    def saw(self, versions: Set[str], began: float, now: float) -> bool:
        """Take note of who answered calls that began at `began`; whether `current` changed."""
        before = self.current
        if self._changes and began < self._changes[-1]:
            versions = versions & before
        elif others := versions - before:
            self._changes.append(now)
            if not self._in_turns(now):
                self._answered.clear()
                # Of several new ones, it is unknown which came last; the next call shows it.
                versions = others if len(others) == 1 else frozenset()
        self._answered |= dict.fromkeys(versions, now)
        last = max(self._answered.values(), default=now)
        self._answered = {
            v: t for v, t in self._answered.items() if t == last or now - t < WINDOW_S
        }
        self.current = frozenset(self._answered)
        return self.current != before

    def _in_turns(self, now: float) -> bool:
        return len(self._changes) == TURNS and now - self._changes[0] < WINDOW_S
