"""One dead letter, by its place or by that of the record that was rejected."""

from __future__ import annotations

from dataclasses import dataclass, field

from confluent_kafka import Message

from worker.commands.dead_letters.letter import Letter, Place
from worker.commands.dead_letters.reader import Reader, Span
from worker.errors import Stop


@dataclass
class Found:
    """A dead letter; `earlier` are those of the same record before it."""

    record: Message
    letter: Letter
    replayed: bool = False
    earlier: list[Letter] = field(default_factory=list)


def find(reader: Reader, wanted: Place) -> Found:
    """The letter at this place, or the newest of the record that came from there.

    Raises:
        Stop: there is none.
    """
    found = _at(reader, wanted) if wanted.topic == reader.topic else _from(reader, wanted)
    place = found.letter.place
    behind = Span(place.offset, reader.spans()[place.partition].end)
    found.replayed = place in reader.marks({place.partition: behind})
    return found


def _at(reader: Reader, wanted: Place) -> Found:
    spans = reader.spans()
    span = spans.get(wanted.partition)
    if span is None:
        raise Stop(f"{wanted}: {wanted.topic} has only the partitions {sorted(spans)}")
    if not span.begin <= wanted.offset < span.end:
        held = f"offsets {span.begin} to {span.end - 1}" if span.begin < span.end else "nothing"
        raise Stop(
            f"{wanted}: partition {wanted.partition} holds {held}; `dead-letters list` shows them"
        )
    only = {wanted.partition: Span(wanted.offset, wanted.offset + 1)}
    for record, letter in reader.letters(only):
        return Found(record, letter)
    raise Stop(f"{wanted}: not a dead letter but a mark of a replay, or the end of a transaction")


def _from(reader: Reader, wanted: Place) -> Found:
    found: Found | None = None
    for record, letter in reader.letters(reader.spans()):
        if letter.source == wanted:
            earlier = [*found.earlier, found.letter] if found else []
            found = Found(record, letter, earlier=earlier)
    if found is None:
        raise Stop(
            f"{wanted}: no dead letter of it in {reader.topic}; `dead-letters list` shows what "
            "there is"
        )
    return found
