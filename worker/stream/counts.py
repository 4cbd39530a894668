"""What happened to records, counted once Kafka can no longer undo it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from worker.errors import Reject
from worker.event import Enrichment
from worker.metrics import Metrics
from worker.understanding.pipeline import Result, Skipped


@dataclass
class Totals:
    """Records since the start, confirmed by Kafka unless consumed only."""

    consumed: int = 0
    published: int = 0
    dead_lettered: int = 0
    skipped: int = 0  # too late; Kafka has nothing to confirm
    first_at: float = 0.0  # time.monotonic() of the first and the last confirmation
    last_at: float = 0.0

    @property
    def resolved(self) -> int:
        return self.published + self.dead_lettered + self.skipped

    def __str__(self) -> str:
        text = f"consumed {self.consumed}, published {self.published}"
        text += f", dead-lettered {self.dead_lettered}"
        return f"{text}, skipped {self.skipped}" if self.skipped else text


class Counts:
    """Counts of records that were produced and are not confirmed yet."""

    def __init__(self, metrics: Metrics, totals: Totals) -> None:
        self._metrics, self._totals = metrics, totals
        self._statuses = {
            status: metrics.events.labels(status)
            for status in ("complete", "degraded", "dead_lettered", "skipped")
        }
        self.clear()

    def clear(self) -> None:
        """Forget them: what they are of is done once more."""
        self._events: Counter[str] = Counter()
        self._intents: Counter[str] = Counter()
        self._degraded: Counter[str] = Counter()
        self._dead: Counter[tuple[str, str]] = Counter()

    def add_complete(self, used: Sequence[Enrichment]) -> None:
        """Events that the fast lane answered."""
        self._events["complete"] += len(used)
        self._intents.update([one.intent for one in used])

    def add(self, result: Result) -> None:
        """One record that went the careful way."""
        if isinstance(result, Reject):
            self._events["dead_lettered"] += 1
            self._dead[result.stage, result.reason] += 1
        elif isinstance(result, Skipped):
            self._events["skipped"] += 1
        else:
            degraded = result.enrichment.degraded
            self._events["degraded" if degraded else "complete"] += 1
            self._intents[result.enrichment.intent] += 1
            self._degraded.update(degraded)

    def confirm(self) -> None:
        """Kafka confirmed all that was added."""
        if not self._events:
            return
        metrics, totals = self._metrics, self._totals
        for status, count in self._events.items():
            self._statuses[status].inc(count)
        for intent, count in self._intents.items():
            metrics.intents.labels(intent or "none").inc(count)
        for stage, count in self._degraded.items():
            metrics.degraded.labels(stage).inc(count)
        for (stage, reason), count in self._dead.items():
            metrics.dead_letters.labels(stage, reason).inc(count)
        totals.published += self._events["complete"] + self._events["degraded"]
        totals.dead_lettered += self._events["dead_lettered"]
        totals.skipped += self._events["skipped"]
        totals.last_at = monotonic()
        totals.first_at = totals.first_at or totals.last_at
        self.clear()
