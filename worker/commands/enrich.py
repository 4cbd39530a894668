"""`query-worker enrich`: lines in, enriched JSON lines out, in the same order, without Kafka."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

import orjson

from worker.errors import Reject
from worker.event import Input, from_line
from worker.understanding.pipeline import Pipeline

CHUNK = 256
CHUNKS_IN_FLIGHT = 4
BLOCK = 1 << 18


class Lines:
    """Lines of a file descriptor, read ahead by a thread, so that slow input comes out at once.

    The thread reads the descriptor itself and waits on nothing of Python's: a program that ends
    while it waits for a terminal ends at once.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._places = threading.Semaphore(CHUNK * CHUNKS_IN_FLIGHT)
        self._ended = False
        threading.Thread(target=self._read, name="lines", daemon=True).start()

    async def chunk(self) -> list[bytes]:
        """What there is, at most CHUNK lines; waits for the first; empty at the end."""
        lines: list[bytes] = []
        while not self._ended and len(lines) < CHUNK and not (lines and self._queue.empty()):
            line = await self._queue.get()
            self._ended = line is None
            if line is not None:
                self._places.release()
                lines.append(line)
        return lines

    def _read(self) -> None:
        try:
            for line in _split(self._descriptor):
                self._places.acquire()
                self._put(line)
            self._put(None)
        except RuntimeError:  # the loop is closed: nobody wants more
            return

    def _put(self, line: bytes | None) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, line)


def _split(descriptor: int) -> Iterator[bytes]:
    """Lines without their ends; the last one need not have one."""
    rest: list[bytes] = []
    while block := os.read(descriptor, BLOCK):
        first, *others = block.split(b"\n")
        rest.append(first)
        for part in others:
            yield b"".join(rest).removesuffix(b"\r")
            rest = [part]
    if last := b"".join(rest):
        yield last


async def enrich(
    pipeline: Pipeline, source: int, sink: BinaryIO, progress: Callable[[int], None]
) -> tuple[int, int]:
    """Enrich every line of the file descriptor `source` into `sink`.

    A line that cannot be enriched comes out in its place as `{"error": …, "line": …, "input": …}`.

    Args:
        progress: called with the number of lines just written.

    Returns:
        lines read, and how many of them came out with an error.
    """
    lines, number, failed = Lines(source), 0, 0
    flying: deque[tuple[int, list[bytes], asyncio.Task]] = deque()

    async def write_first() -> int:
        first, chunk, task = flying.popleft()
        results = await task
        for index, (line, result) in enumerate(zip(chunk, results, strict=True)):
            bad = isinstance(result, Reject)
            sink.write((_error(first + index, line, result) if bad else result.value) + b"\n")
        sink.flush()
        progress(len(chunk))
        return sum(isinstance(result, Reject) for result in results)

    next_chunk = asyncio.create_task(lines.chunk())
    while True:
        waiting = {next_chunk} if len(flying) < CHUNKS_IN_FLIGHT else set()
        waiting |= {flying[0][2]} if flying else set()
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        while flying and flying[0][2].done():
            failed += await write_first()
        if next_chunk.done() and len(flying) < CHUNKS_IN_FLIGHT:
            chunk = next_chunk.result()
            if not chunk:
                break
            task = asyncio.create_task(pipeline.process(_inputs(number + 1, chunk)))
            flying.append((number + 1, chunk, task))
            number += len(chunk)
            next_chunk = asyncio.create_task(lines.chunk())
    while flying:
        failed += await write_first()
    return number, failed


def _inputs(first: int, chunk: list[bytes]) -> list[Input]:
    now_ms = time.time_ns() // 1_000_000
    return [
        Input(from_line(line), f"line-{first + index}", now_ms) for index, line in enumerate(chunk)
    ]


def _error(number: int, line: bytes, error: Reject) -> bytes:
    told = {"stage": error.stage, "type": error.reason, "message": str(error)}
    return orjson.dumps({"error": told, "line": number, "input": line.decode("utf-8", "replace")})
