"""Finds one dead letter by its position or by that of the rejected record."""

from __future__ import annotations

from dataclasses import dataclass, field

from confluent_kafka import Message

from worker.commands.dead_letters.letter import Letter, Position
from worker.commands.dead_letters.reader import OffsetRange, Reader
from worker.errors import Stop


@dataclass
class Found:
    """A dead letter; `earlier` are the previous ones of the same record."""

    record: Message
    letter: Letter
    replayed: bool = False
    earlier: list[Letter] = field(default_factory=list)


def find(reader: Reader, wanted: Position) -> Found:
    """The letter at this position, or the newest letter of the record at this position.

    Raises:
        Stop: there is none.
    """
    found = _at(reader, wanted) if wanted.topic == reader.topic else _from(reader, wanted)
    position = found.letter.position
    behind = OffsetRange(position.offset, reader.ranges()[position.partition].end)
    found.replayed = position in reader.markers({position.partition: behind})
    return found


def _at(reader: Reader, wanted: Position) -> Found:
    ranges = reader.ranges()
    held = ranges.get(wanted.partition)
    if held is None:
        raise Stop(f"{wanted}: {wanted.topic} has only the partitions {sorted(ranges)}")
    if not held.begin <= wanted.offset < held.end:
        offsets = f"offsets {held.begin} to {held.end - 1}" if held.begin < held.end else "nothing"
        raise Stop(
            f"{wanted}: partition {wanted.partition} holds {offsets}; see `dead-letters list`"
        )
    only = {wanted.partition: OffsetRange(wanted.offset, wanted.offset + 1)}
    for record, letter in reader.letters(only):
        return Found(record, letter)
    raise Stop(f"{wanted}: not a dead letter but a replay marker, or the end of a transaction")


def _from(reader: Reader, wanted: Position) -> Found:
    found: Found | None = None
    for record, letter in reader.letters(reader.ranges()):
        if letter.source == wanted:
            earlier = [*found.earlier, found.letter] if found else []
            found = Found(record, letter, earlier=earlier)
    if found is None:
        raise Stop(
            f"{wanted}: {reader.topic} has no dead letter of this record; see `dead-letters list`"
        )
    return found
