"""Which events come too late to be worth a model's time."""

from __future__ import annotations

from dataclasses import dataclass

from worker.config.settings import Late


@dataclass(frozen=True, slots=True)
class Deadline:
    """The age from which an event is late, and what becomes of it.

    It is looked at once, when an event's work begins: it saves the models a backlog that nobody
    waits for. It does not end the wait of a `block`ing stage; what waits there is bounded by
    `[batching]`, and what stands behind it in the topic is late when its turn comes.

    Attributes:
        max_age_ms: 0 is never.
    """

    max_age_ms: int
    late: Late

    def is_late(self, created_ms: int | None, now_ms: int) -> bool:
        """Whether an event is late; never one without a time, or one from a clock ahead.

        Args:
            created_ms: the record's own time, Unix milliseconds; None if it has none.
            now_ms: Unix milliseconds.
        """
        if not self.max_age_ms or created_ms is None:
            return False
        return now_ms - created_ms > self.max_age_ms
