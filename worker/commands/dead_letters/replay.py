"""A replay: planned first, so that it can be confirmed, then sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any

from worker.commands.dead_letters.letter import Filters, Letter, Position, ReplayRules
from worker.commands.dead_letters.reader import Reader
from worker.commands.dead_letters.replay_markers import ReplayMarkers
from worker.commands.dead_letters.replay_producer import Pair, ReplayProducer
from worker.commands.dead_letters.view import letters, summary
from worker.config.settings import Kafka
from worker.redact import redacted

BATCH_RECORDS, BATCH_BYTES = 500, 4 * 2**20  # of one transaction


@dataclass
class Outcome:
    """The plan of a replay, then its result.

    Attributes:
        planned: letters to send, by reason of rejection.
        left_out: letters skipped, by why.
        shown: the newest letters to send.
        only: send only these; None for all that are selected.
        replayed: letters sent, by reason of rejection.
        refused: letters that the input topic refused, and why.
    """

    planned: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    shown: list[Letter] = field(default_factory=list)
    only: set[Position] | None = None
    replayed: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[Letter, str]] = field(default_factory=list)

    def as_dict(self, dry_run: bool) -> dict[str, Any]:
        return {
            "dry_run": dry_run,
            "planned": dict(self.planned),
            "replayed": self.replayed.total(),
            "by_reason": dict(self.replayed),
            "left_out": dict(self.left_out),
            "refused": [{"letter": str(item.position), "why": why} for item, why in self.refused],
        }

    def as_text(self, dry_run: bool, topic: str) -> str:
        counts = self.planned if dry_run else self.replayed
        would = "would be " if dry_run else ""
        by_reason = f" ({summary(counts)})" if counts else ""
        lines = [f"{letters(counts.total())} {would}sent to {topic}{by_reason}"]
        lines += [f"{count:,} left out: {why}" for why, count in self.left_out.most_common()]
        lines += [f"refused: {item.position}: {redacted(why)}" for item, why in self.refused]
        return "\n".join(lines)


class Replay:
    """A replay of the letters that filters and rules select, at most `limit`.

    Raises (every method):
        Stop: the topics cannot be read or written.
    """

    def __init__(
        self, kafka: Kafka, reader: Reader, filters: Filters, rules: ReplayRules, limit: int | None
    ) -> None:
        self._kafka, self._reader, self._limit = kafka, reader, limit
        self._filters, self._rules = filters, rules
        self._partitions = reader.partitions(kafka.input_topic)
        self._ranges = reader.ranges(filters.since_ms)

    def plan(self, shown: int) -> Outcome:
        """Count what would be sent; keeps at most `shown` letters of it."""
        outcome = Outcome()

        def planned() -> Iterator[Letter]:
            for _, letter in self._selected(self._reader.markers(self._ranges), outcome):
                outcome.planned[letter.reason] += 1
                yield letter

        chosen = nlargest(self._limit or shown, planned(), key=lambda letter: letter.age)[::-1]
        outcome.shown = chosen[-shown:]
        if self._limit is not None:
            outcome.only = {letter.position for letter in chosen}
            beyond = outcome.planned.total() - len(chosen)
            outcome.planned = Counter(letter.reason for letter in chosen)
            if beyond:
                outcome.left_out["beyond --limit"] = beyond
        return outcome

    def send(self, outcome: Outcome, go_on: Callable[[], bool]) -> None:
        """Send the plan, except what another replay has sent meanwhile; `go_on` is asked before
        each transaction."""
        producer = ReplayProducer(self._kafka, self._partitions)
        # From now on no other replay of the group can add markers.
        markers = self._reader.markers(self._reader.ranges(self._filters.since_ms))
        for pairs in batches(self._selected(markers, Outcome(), outcome.only)):
            if not go_on():
                return
            refused = producer.send(pairs)
            outcome.refused += refused
            positions = {letter.position for letter, _ in refused}
            sent = (letter.reason for _, letter in pairs if letter.position not in positions)
            outcome.replayed.update(sent)

    def _selected(
        self, markers: ReplayMarkers, outcome: Outcome, only: set[Position] | None = None
    ) -> Iterator[Pair]:
        """What filters and rules select; counts in `outcome` what the rules leave out."""
        for record, letter in self._reader.letters(self._ranges):
            if letter not in self._filters or (only is not None and letter.position not in only):
                continue
            if why := self._rules.left_out(letter, markers):
                outcome.left_out[why] += 1
            else:
                yield record, letter


def batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Batches of one transaction each."""
    batch: list[Pair] = []
    size = 0
    for pair in pairs:
        batch.append(pair)
        size += pair[1].size
        if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
