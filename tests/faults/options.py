"""What a run is: the command line's options, and what follows from them for the workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.faults.kinds import KINDS
from tests.stream import Topics

PARTITIONS = 8
CACHE_BYTES = 300_000  # the warm queries fit, the cold ones hardly ever


@dataclass(frozen=True)
class Options:
    """One run.

    Attributes:
        rate: events a second.
        kinds: the faults to draw from.
        overlap: a fault does not wait until all has recovered from the one before it.
    """

    seed: int = 1
    minutes: float = 5.0
    delivery: str = "at-least-once"
    protocol: str = "classic"
    static: bool = False
    workers: int = 3
    rate: float = 300.0
    kinds: tuple[str, ...] = tuple(KINDS)
    overlap: bool = False

    @property
    def exactly_once(self) -> bool:
        return self.delivery == "exactly-once"

    def member(self, group: str) -> dict[str, str]:
        """The properties of a consumer that joins the group."""
        if self.protocol == "consumer":
            return {"group.id": group, "group.protocol": "consumer"}
        return {"group.id": group, "partition.assignment.strategy": "cooperative-sticky"}

    def settings(self, topics: Topics, models: Path, lexicon: Path) -> list[str]:
        """The settings that all workers share, as `part.key=value`."""
        delivery = ["kafka.delivery=exactly-once"] if self.exactly_once else []
        protocol = "kafka.consumer.group.protocol=consumer"
        return [
            f"kafka.input_topic={topics.input}",
            f"kafka.output_topic={topics.output}",
            f"kafka.dead_letter_topic={topics.dead_letters}",
            f"kafka.group_id={topics.input}",
            f"inference.models={models}",
            f"lexicon.folder={lexicon}",
            f"understanding.cache_bytes={CACHE_BYTES}",
            "server.port=0",
            *([protocol] if self.protocol == "consumer" else []),
            *delivery,
        ]

    def own(self, number: int) -> list[str]:
        """The settings of one worker."""
        return [f"kafka.consumer.group.instance.id={number}"] if self.static else []
