"""What happened to records, counted once Kafka can no longer undo it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from confluent_kafka import Message

from worker.errors import Reject
from worker.event import Enrichment
from worker.metrics import Metrics
from worker.understanding.pipeline import Output, Result, Skipped

logger = logging.getLogger(__name__)

Counted = Sequence[Enrichment] | Enrichment | Reject | Skipped
Added = tuple[int, int, Counted]  # partition, one past the last offset, and of what
LOG_EVERY_S = 60.0  # between two log lines about dead letters


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
    """Counts of records that were produced and are not confirmed yet; logs dead letters."""

    def __init__(self, metrics: Metrics, totals: Totals) -> None:
        self._metrics, self._totals = metrics, totals
        self._statuses = {
            status: metrics.events.labels(status)
            for status in ("complete", "degraded", "dead_lettered", "skipped")
        }
        self._unlogged: Counter[str] = Counter()  # reasons of dead letters
        self._logged_at = -LOG_EVERY_S
        self.clear()

    def clear(self) -> None:
        """Forget them: what they are of is done once more."""
        self._added: list[Added] = []

    def add_complete(self, partition: int, end: int, used: Sequence[Enrichment]) -> None:
        """Events that the fast lane answered, of records of a partition before the offset `end`."""
        self._added.append((partition, end, used))

    def add(self, record: Message, result: Result) -> None:
        """One record that went the careful way."""
        counted = result.enrichment if isinstance(result, Output) else result
        self._added.append((record.partition(), record.offset() + 1, counted))

    def confirm(self, before: Mapping[int, int] | None = None) -> None:
        """Kafka confirmed all that was added, or of each partition what is before an offset."""
        added = self._added
        if before is not None:
            added = [part for item in added for part in _before(item, before.get(item[0], -1))]
        self.clear()
        if added:
            self._count(added)
        if self._unlogged and monotonic() - self._logged_at >= LOG_EVERY_S:
            self._log()

    def _log(self) -> None:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self._unlogged.most_common())
        message = "dead letters: %s (logged at most once a minute); "
        message += "see `query-worker dead-letters list`"
        logger.warning(message, reasons)
        self._unlogged.clear()
        self._logged_at = monotonic()

    def _count(self, added: Iterable[Added]) -> None:
        metrics, totals = self._metrics, self._totals
        events: Counter[str] = Counter()
        intents: Counter[str] = Counter()
        degraded: Counter[str] = Counter()
        dead: Counter[tuple[str, str]] = Counter()
        for _, _, result in added:
            if isinstance(result, Reject):
                events["dead_lettered"] += 1
                dead[result.stage, result.reason] += 1
            elif isinstance(result, Skipped):
                events["skipped"] += 1
            elif isinstance(result, Enrichment):
                events["degraded" if result.degraded else "complete"] += 1
                intents[result.intent] += 1
                degraded.update(result.degraded)
            else:
                events["complete"] += len(result)
                intents.update([one.intent for one in result])
        for status, count in events.items():
            self._statuses[status].inc(count)
        for intent, count in intents.items():
            metrics.intents.labels(intent or "none").inc(count)
        for stage, count in degraded.items():
            metrics.degraded.labels(stage).inc(count)
        for (stage, reason), count in dead.items():
            metrics.dead_letters.labels(stage, reason).inc(count)
            self._unlogged[reason] += count
        totals.published += events["complete"] + events["degraded"]
        totals.dead_lettered += events["dead_lettered"]
        totals.skipped += events["skipped"]
        totals.last_at = monotonic()
        totals.first_at = totals.first_at or totals.last_at


def _before(added: Added, offset: int) -> Iterator[Added]:
    """What of an addition is of records before an offset; a part of a round, too."""
    partition, end, counted = added
    if end <= offset:
        yield added
    elif isinstance(counted, Sequence) and (first := len(counted) + offset - end) > 0:
        yield partition, offset, counted[:first]
