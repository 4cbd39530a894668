"""Lines of text from a file descriptor, in bounded memory."""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from worker.errors import ConfigError
from worker.input_checks import utf_16

CHUNK = 256
# Limits of what is in memory; a single longer line is read alone.
MAX_LINES = 5 * CHUNK
MAX_BYTES = 16 * 2**20
BLOCK = 2**18
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


class Lines:
    """Reads ahead in a thread, so that lines of a slow input are returned at once.

    It reads the descriptor, not a Python file, whose lock would block the end of a program that
    waits for a terminal.
    """

    def __init__(self, descriptor: int, max_bytes: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Line | None] = asyncio.Queue()
        self._room = _Room()
        self._ended = False
        self._error: Exception | None = None
        arguments = descriptor, max_bytes
        threading.Thread(target=self._read, args=arguments, name="lines", daemon=True).start()

    async def chunk(self) -> list[Line]:
        """The lines read so far, at most CHUNK; waits for the first; empty at the end.

        Raises:
            ConfigError: the text's encoding is not supported.
            OSError: the descriptor cannot be read; the lines before that were returned.
        """
        lines: list[Line] = []
        while not self._ended and len(lines) < CHUNK and not (lines and self._queue.empty()):
            line = await self._queue.get()
            self._ended = line is None
            if line is not None:
                lines.append(line)
        if self._error is not None and not lines:
            raise self._error
        return lines

    def release(self, lines: list[Line]) -> None:
        """Free the memory of these lines, so that more are read."""
        self._room.release(lines)

    def _read(self, descriptor: int, max_bytes: int) -> None:
        try:
            for line in split(utf_8(blocks(descriptor)), max_bytes):
                self._room.reserve(line)
                self._put(line)
        except (ConfigError, OSError) as error:
            self._error = error
        except RuntimeError:  # the loop is closed
            return
        self._put(None)

    def _put(self, line: Line | None) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, line)


class _Room:
    """Counts the lines and bytes in memory; shared by the reading thread and the loop."""

    def __init__(self) -> None:
        self._lines = self._bytes = 0
        self._changed = threading.Condition()

    def reserve(self, line: Line) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._lines or self._fits(line))
            self._lines += 1
            self._bytes += len(line.text)

    def release(self, lines: list[Line]) -> None:
        with self._changed:
            self._lines -= len(lines)
            self._bytes -= sum(len(line.text) for line in lines)
            self._changed.notify()

    def _fits(self, line: Line) -> bool:
        return self._lines < MAX_LINES and self._bytes + len(line.text) <= MAX_BYTES


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


def split(source: Iterable[bytes], max_bytes: int) -> Iterator[Line]:
    """Lines without LF or CRLF; of a line above `max_bytes` only SHOWN_BYTES are kept."""
    number, kept, size = 1, bytearray(), 0

    def add(part: bytes) -> None:
        nonlocal size
        kept.extend(part[: max_bytes + 2 - len(kept)])  # room for CR and one byte too many
        size += len(part)

    def line() -> Line:
        text, long = bytes(kept), size
        if len(text) == size and text.endswith(b"\r"):
            text, long = text[:-1], size - 1
        return Line(number, text if long <= max_bytes else text[:SHOWN_BYTES], long)

    for block in source:
        *ended, rest = block.split(b"\n")
        for part in ended:
            add(part)
            yield line()
            number, size = number + 1, 0
            kept.clear()
        add(rest)
    if size:
        yield line()
