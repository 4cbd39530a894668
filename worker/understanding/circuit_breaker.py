"""Whether a model may be called now, and whether a call may be made again: two pure objects.

Time and chance are passed in, so that their rules can be tested without waiting.

    closed ──FAILURES calls in a row fail──▶ open ──the pause is over──▶ half-open: one probe
      ▲                                       ▲                              │
      └──────────── an answer ────────────────┴─── the probe fails ──────────┘
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

FAILURES = 5
# "Full jitter": a pause is drawn from 0 to a bound that doubles, so that the workers of a group
# spread their probes. See Brooker, Exponential Backoff and Jitter (AWS Architecture Blog, 2015).
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 3.0
# Finagle's default, also tower's and linkerd's rule: a fifth of the calls, and 10 each second.
RETRY_SHARE, RETRIES_PER_S, BURST = 0.2, 10.0, 20.0

Chance = Callable[[], float]  # 0 to 1


def jittered(failures: int, chance: Chance = random.random) -> float:
    """Seconds to wait after so many failures, 1 or more."""
    return chance() * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 16))


@dataclass(eq=False, slots=True)
class Permit:
    """Leave to make one call; `era` counts how often the circuit had closed by then."""

    era: int


class Breaker:
    """The circuit of one model, shared by all its calls. Times are of one clock, in seconds.

    Attributes:
        state: `half-open` while its one probe is under way.
        failing_since: when the first failure since the last answer came.
        retry_at: when a probe may be made; infinite while one is under way.
    """

    def __init__(self, chance: Chance = random.random) -> None:
        self.state: Literal["closed", "open", "half-open"] = "closed"
        self.failing_since: float | None = None
        self.retry_at = 0.0
        self._chance = chance
        self._failures = 0  # in a row, while closed
        self._pauses = 0  # since the model last answered while closed: the bound doubles with each
        self._era = 0
        self._probe: Permit | None = None

    @property
    def closed(self) -> bool:
        return self.state == "closed"

    def due(self, now: float) -> bool:
        """Whether the next call would be the probe."""
        return self.state == "open" and now >= self.retry_at

    def admit(self, now: float) -> Permit | None:
        """Leave to call, as the probe unless closed; None when the call must wait.

        Every permit is given back by `answered`, `failed` or `abandoned`.
        """
        if not self.closed and not self.due(now):
            return None
        permit = Permit(self._era)
        if not self.closed:
            self.state, self._probe, self.retry_at = "half-open", permit, math.inf
        return permit

    def answered(self, permit: Permit) -> None:
        """The model answered. A late answer to a call from before also shows that it is back."""
        if self.closed and permit.era == self._era:
            self._pauses = 0  # not by the probe alone: one that answers only probes is not well
        if not self.closed:
            self.state, self._probe, self._era = "closed", None, self._era + 1
        self._failures, self.failing_since = 0, None

    def failed(self, permit: Permit, now: float) -> None:
        """The model did not answer. Calls from before the circuit last changed do not count."""
        if permit is self._probe:
            self._open(now)
        elif self.closed and permit.era == self._era:
            if self.failing_since is None:
                self.failing_since = now
            self._failures += 1
            if self._failures >= FAILURES:
                self._open(now)

    def abandoned(self, permit: Permit, now: float) -> None:
        """The caller was cancelled: nothing is known. Another may probe at once."""
        if permit is self._probe:
            self.state, self._probe, self.retry_at = "open", None, now

    def may_be_back(self) -> None:
        """Somebody saw its server come back: the next call may probe at once.

        A probe from before does not count any more, unless it is answered.
        """
        if not self.closed:
            self.state, self._probe, self.retry_at = "open", None, -math.inf

    def _open(self, now: float) -> None:
        self._pauses += 1
        self.state, self._probe = "open", None
        self.retry_at = now + jittered(self._pauses, self._chance)


class RetryBudget:
    """How many calls may be made again, so that a model which is half sick is not made sicker.

    Over any time of t seconds with n calls, at most RETRY_SHARE · n + RETRIES_PER_S · t + BURST.
    """

    def __init__(self) -> None:
        self._tokens = BURST
        self._filled_at: float | None = None

    def called(self) -> None:
        """A call is made for the first time."""
        self._tokens = min(BURST, self._tokens + RETRY_SHARE)

    def wait_s(self, now: float) -> float:
        """How long until a call may be made again, seconds, if nobody else takes the place."""
        self._fill(now)
        return max(0.0, round((1 - self._tokens) / RETRIES_PER_S, 6))

    def take(self, now: float) -> bool:
        """Whether a call may be made again now; if so, it is counted."""
        if self.wait_s(now) > 0:
            return False
        self._tokens -= 1
        return True

    def _fill(self, now: float) -> None:
        if self._filled_at is not None:
            gained = (now - self._filled_at) * RETRIES_PER_S
            self._tokens = min(BURST, self._tokens + gained)
        self._filled_at = now
