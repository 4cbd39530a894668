"""Replay markers: which dead letters were replayed.

A marker is a record of the dead-letter topic, in the partition of the letters that it names and
after them, so that retention never deletes it before them. It has a unique key and a value, so
that a compacted topic keeps it. Its header is stripped from rejected inputs: only who may write to
the dead-letter topic can make a marker.
"""

from __future__ import annotations

from uuid import uuid4

import msgspec
from confluent_kafka import Message

from worker.commands.dead_letters.letter import Position
from worker.stream.batch import REPLAY_HEADER, headers

BLOCK = 12  # bits of an offset within a block


class ReplayMarkers:
    """The replayed letters: one bit for each offset, so that millions fit."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, int], int] = {}

    def add(self, partition: int, first: int, last: int) -> None:
        """Mark the offsets from `first` to `last`, both included."""
        for block in range(first >> BLOCK, (last >> BLOCK) + 1):
            begin = max(first - (block << BLOCK), 0)
            end = min(last + 1 - (block << BLOCK), 1 << BLOCK)
            bits = (1 << end) - (1 << begin)
            self._blocks[partition, block] = self._blocks.get((partition, block), 0) | bits

    def __contains__(self, position: Position) -> bool:
        bits = self._blocks.get((position.partition, position.offset >> BLOCK), 0)
        return bool(bits >> (position.offset & (1 << BLOCK) - 1) & 1)


def marker(offsets: list[int]) -> dict:
    """The marker of a partition's letters at `offsets`, as arguments of `produce`."""
    ranges: list[list[int]] = []
    for offset in sorted(offsets):
        if ranges and ranges[-1][1] + 1 == offset:
            ranges[-1][1] = offset
        else:
            ranges.append([offset, offset])
    return {
        "key": f"{REPLAY_HEADER} {uuid4().hex}".encode(),
        "value": msgspec.json.encode(ranges),
        "headers": [(REPLAY_HEADER, b"offsets of this partition, from and to")],
    }


def marked_ranges(record: Message) -> list[tuple[int, int]] | None:
    """The offset ranges of a marker, both ends included; None for any other record."""
    if REPLAY_HEADER not in dict(headers(record) or ()):
        return None
    try:
        return msgspec.json.decode(record.value() or b"", type=list[tuple[int, int]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
