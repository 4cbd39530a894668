"""A catalogue in blocks of whole rows, cut where the content says, so that after a change most
blocks are those of before and need not be read again.

After `LEAST` bytes a block ends with the first line whose checksum fits (one in `ONE_OF`): behind
an edit the same lines fit as before, so the cuts fall on the old places again.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zlib import crc32

from worker.lexicon.building.rows import Faults, Row, is_json, numbered, opened, reported, rows_of

LEAST, MOST = 2**18, 2**22  # bytes of a block
ONE_OF = 128  # lines


class Block(NamedTuple):
    """Rows of a catalogue.

    Attributes:
        name: of the file.
        line: number of its first line.
        head: the header of a table, where the block does not begin with it.
        data: UTF-8.
    """

    name: str
    line: int
    head: bytes
    data: bytes

    def rows(self, faults: Faults) -> Iterator[Row]:
        """Its rows; faults have the places of the file."""
        first = self.line - self.head.count(b"\n")
        found = numbered(io.BytesIO(self.head + self.data), self.name, faults, first)
        return rows_of(found, self.name, faults, begins=not self.head and self.line == 1)


def blocks(path: Path, faults: Faults, whole: bool = False) -> Iterator[Block]:
    """The blocks of a catalogue; of an empty file an empty one.

    Args:
        whole: gives the file as one block. A table must be read so if a block of it has a fault: a
            cut may stand within quotes, which the block then does not close.
    """
    is_table = not is_json(path.name)
    with reported(path, faults), opened(path) as file:
        data = file.read() if whole else _cut(file, is_table)
        yield Block(path.name, 1, b"", data)
        head, line = _header(data) if is_table else b"", 1
        while data and not whole:
            line += data.count(b"\n")
            if data := _cut(file, is_table):
                yield Block(path.name, line, head, data)


def _cut(file: BinaryIO, is_table: bool) -> bytes:
    """The next block; of a table up to a line behind which all quotes are closed, as far as their
    number tells."""
    parts = [file.read(LEAST), file.readline()]
    size, quotes = sum(map(len, parts)), sum(part.count(b'"') for part in parts)
    while line := file.readline():
        parts.append(line)
        size += len(line)
        quotes += line.count(b'"')
        if (crc32(line) % ONE_OF == 0 or size > MOST) and not (is_table and quotes % 2):
            break
    return b"".join(parts)


def _header(data: bytes) -> bytes:
    """The lines up to the end of a table's header."""
    end = 0
    while (end := data.find(b"\n", end) + 1) and (
        not data[:end].strip() or data[:end].count(b'"') % 2
    ):
        pass
    return data[:end]
