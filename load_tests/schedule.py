"""When events are due in an open loop: fixed beforehand, whatever the answers do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """A constant rate, with a burst in it where `burst_factor` is not 1.

    Attributes:
        rate: events a second outside the burst.
        seconds: from the first event to the end.
        burst_at, burst_s: when the burst begins and how long it lasts, seconds.
        burst_factor: its rate as a multiple of `rate`.
    """

    rate: float
    seconds: float
    burst_at: float = 0.0
    burst_s: float = 0.0
    burst_factor: float = 1.0

    def times(self) -> np.ndarray:
        """Seconds from the start at which each event is due, rising, float64."""
        before = _steady(self.rate, 0.0, self.burst_at)
        end = min(self.burst_at + self.burst_s, self.seconds)
        during = _steady(self.rate * self.burst_factor, self.burst_at, end)
        return np.concatenate([before, during, _steady(self.rate, end, self.seconds)])


def _steady(rate: float, start: float, end: float) -> np.ndarray:
    count = max(0, round((end - start) * rate))
    return start + np.arange(count) / rate


def drain_s(backlog: float, capacity: float, rate: float) -> float:
    """How long a queue takes to empty while events keep coming, by queue theory.

    Raises:
        ValueError: it never empties.
    """
    if capacity <= rate:
        raise ValueError(f"a capacity of {capacity:g}/s never catches up with {rate:g}/s")
    return backlog / (capacity - rate)
