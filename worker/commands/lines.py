"""Lines of text from a file descriptor, in bounded memory."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from worker.errors import ConfigError
from worker.input_checks import utf_16

CHUNK = 256  # lines
BLOCK = 2**16
SHOWN_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        number: counted from 1.
        text: UTF-8 without the line's end; of a line that is too long, its beginning.
        size: of the whole line, bytes.
    """

    number: int
    text: bytes
    size: int


def chunks(descriptor: int, max_bytes: int) -> Iterator[list[Line]]:
    """The lines of a descriptor, as they come, at most CHUNK at once; of those longer than
    `max_bytes` the beginnings. Blocks while there is none.

    It reads the descriptor, not a Python file, whose lock would block the end of a program that
    waits for a terminal.

    Raises:
        ConfigError: the text's encoding is not supported.
        OSError: the descriptor cannot be read; the lines before that were returned.
    """
    for lines in split(utf_8(blocks(descriptor)), max_bytes):
        for start in range(0, len(lines), CHUNK):
            yield lines[start : start + CHUNK]


def blocks(descriptor: int) -> Iterator[bytes]:
    """Blocks of bytes; the first has a line or four bytes, enough to detect the encoding."""
    first = b""
    while len(first) < 4 and b"\n" not in first:
        block = os.read(descriptor, BLOCK)
        first += block
        if not block:
            break
    yield first
    while block := os.read(descriptor, BLOCK):
        yield block


def utf_8(source: Iterable[bytes]) -> Iterator[bytes]:
    """The text as UTF-8; it may be UTF-16 with a byte order mark.

    Raises:
        ConfigError: UTF-16 without the mark.
    """
    decoder = None
    for number, block in enumerate(source):
        if number == 0 and (encoding := utf_16(block)):
            if not block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                remedy = f"convert it: iconv -f {encoding} -t UTF-8"
                raise ConfigError(f"the input is text in {encoding}, expected UTF-8; {remedy}")
            decoder = codecs.getincrementaldecoder("utf-16")("replace")
        yield decoder.decode(block).encode() if decoder else block
    if decoder:
        yield decoder.decode(b"", final=True).encode()


def split(source: Iterable[bytes], max_bytes: int) -> Iterator[list[Line]]:
    """The lines that end in each block, without LF or CRLF, and what is left at the end; of a line
    above `max_bytes` only SHOWN_BYTES are kept."""
    number, kept, size = 1, bytearray(), 0

    def add(part: bytes) -> None:
        nonlocal size
        kept.extend(part[: max_bytes + 2 - len(kept)])  # room for CR and one byte too many
        size += len(part)

    def line() -> Line:
        nonlocal number, size
        text, long = bytes(kept), size
        if len(text) == size and text.endswith(b"\r"):
            text, long = text[:-1], size - 1
        number, size = number + 1, 0
        kept.clear()
        return Line(number - 1, text if long <= max_bytes else text[:SHOWN_BYTES], long)

    for block in source:
        *ended, rest = block.split(b"\n")
        lines = []
        for part in ended:
            add(part)
            lines.append(line())
        add(rest)
        yield lines
    yield [line()] if size else []
