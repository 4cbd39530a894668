"""A replay: first counted, then sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from worker.commands.dead_letters.choice import Choice, Newest, Terms
from worker.commands.dead_letters.letter import Letter, Place
from worker.commands.dead_letters.reader import Reader
from worker.commands.dead_letters.replay import Pair, Replay
from worker.commands.dead_letters.replay_markers import Marks
from worker.commands.dead_letters.view import summary
from worker.config.settings import Kafka
from worker.redact import redacted

BATCH_RECORDS, BATCH_BYTES = 500, 4 * 2**20  # of one transaction


@dataclass
class Outcome:
    """What a replay is about to do, and then has done.

    Attributes:
        planned: how many will be sent, by reason.
        left_out: how many stay, by why.
        shown: the newest of those to send.
        only: just these are sent; None for all that are chosen.
        refused: what the input topic does not take, and why.
    """

    planned: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    shown: list[Letter] = field(default_factory=list)
    only: set[Place] | None = None
    replayed: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[Letter, str]] = field(default_factory=list)

    def as_dict(self, dry_run: bool) -> dict[str, Any]:
        return {
            "dry_run": dry_run,
            "planned": dict(self.planned),
            "replayed": self.replayed.total(),
            "by_reason": dict(self.replayed),
            "left_out": dict(self.left_out),
            "refused": [{"letter": str(item.place), "why": why} for item, why in self.refused],
        }

    def as_text(self, dry_run: bool, topic: str) -> str:
        counts = self.planned if dry_run else self.replayed
        would = "would be " if dry_run else ""
        told = f" ({summary(counts)})" if counts else ""
        lines = [f"{counts.total():,} dead letters {would}sent to {topic}{told}"]
        lines += [f"{count:,} left out: {why}" for why, count in self.left_out.most_common()]
        lines += [f"refused: {item.place}: {redacted(why)}" for item, why in self.refused]
        return "\n".join(lines)


class Sending:
    """A replay of the letters that a choice and terms allow.

    Raises (every method):
        Stop: Kafka does not allow it.
    """

    def __init__(
        self, kafka: Kafka, reader: Reader, choice: Choice, terms: Terms, limit: int | None
    ) -> None:
        self._kafka, self._reader, self._limit = kafka, reader, limit
        self._choice, self._terms = choice, terms
        self._partitions = reader.partitions(kafka.input_topic)
        self._spans = reader.spans(choice.since_ms)

    def plan(self, shown: int) -> Outcome:
        """Count what would be sent; at most `shown` letters of it are kept."""
        outcome, newest = Outcome(), Newest(self._limit or shown)
        for _, letter in self._allowed(self._reader.marks(self._spans), outcome):
            outcome.planned[letter.reason] += 1
            newest.add(letter)
        chosen = newest.letters()
        outcome.shown = chosen[-shown:]
        if self._limit is not None:
            outcome.only = {letter.place for letter in chosen}
            beyond = outcome.planned.total() - len(chosen)
            outcome.planned = Counter(letter.reason for letter in chosen)
            if beyond:
                outcome.left_out["beyond --limit"] = beyond
        return outcome

    def send(self, outcome: Outcome, go_on: Callable[[], bool]) -> None:
        """Send what was planned, but for what another has sent meanwhile, while `go_on` says so."""
        replay = Replay(self._kafka, self._partitions)
        # Only now can no other replay of the group add marks to these.
        marks = self._reader.marks(self._reader.spans(self._choice.since_ms))
        for pairs in batches(self._allowed(marks, Outcome(), outcome.only)):
            if not go_on():
                return
            refused = replay.send(pairs)
            outcome.refused += refused
            places = {letter.place for letter, _ in refused}
            sent = (letter.reason for _, letter in pairs if letter.place not in places)
            outcome.replayed.update(sent)
        go_on()

    def _allowed(
        self, marks: Marks, outcome: Outcome, only: set[Place] | None = None
    ) -> Iterator[Pair]:
        """What the choice and the terms allow; counts in `outcome` what they do not."""
        for record, letter in self._reader.letters(self._spans):
            if letter not in self._choice or (only is not None and letter.place not in only):
                continue
            if obstacle := self._terms.obstacle(letter, marks):
                outcome.left_out[obstacle] += 1
            else:
                yield record, letter


def batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Pairs together, as many as one transaction takes."""
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
