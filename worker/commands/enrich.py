"""`query-worker enrich`: lines in, enriched JSON lines out, in the same order, without Kafka."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from worker.build import Understanding
from worker.commands.options import configured, piped
from worker.commands.render import ENGINES, renderer
from worker.commands.render.fields import load_fields
from worker.config.settings import Settings
from worker.errors import ConfigError, Reject
from worker.event import Input, from_line, value_too_large
from worker.input_checks import utf_16
from worker.tasks import aside
from worker.understanding.pipeline import Pipeline, Result

CHUNKS_IN_FLIGHT = 4
CHUNK = 256  # lines
BLOCK = 2**16
SHOWN_BYTES = 1000
TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


@click.command(short_help="Enrich the lines of a file or stdin, without Kafka.")
@click.argument("source", default="-", metavar="[FILE]")
@click.option(
    "--render",
    "engine",
    type=click.Choice(list(ENGINES)),
    help="Print the request body of this search engine instead of the event.",
)
@click.option(
    "--fields",
    "fields_file",
    type=click.Path(path_type=Path),
    help="The index's fields for --render, TOML; docs/engines.md.  [default: title, brand, ...]",
)
@configured
@piped
def enrich(source: str, engine: str | None, fields_file: Path | None, settings: Settings) -> None:
    """Enrich the lines of FILE, or of stdin, and print JSON lines in the same order.

    A line that starts with { is a JSON event; a JSON array is refused; any other line is a query.
    For a line that cannot be enriched, its error is printed in its place, and the exit code is 1.
    A table (.csv, .tsv) is refused. The text is UTF-8, or UTF-16 with a byte order mark. The models
    run in this process unless the configuration names a Triton server.

    \b
    Example:
      printf 'cheap red sneakers\\nwhere is my order\\n' | query-worker enrich
      echo 'red sneakers not nike' | query-worker enrich --render elasticsearch
    """
    if fields_file and not engine:
        raise ConfigError("--fields is for --render; add --render elasticsearch, solr or vespa")
    shown = renderer(engine, load_fields(fields_file)) if engine else bytes
    if not settings.inference.model_fields_set & {"backend", "url"}:
        inference = settings.inference.model_copy(update={"backend": "onnx"})
        settings = settings.model_copy(update={"inference": inference})
    if source.lower().endswith(TABLES):
        remedy = "write its queries into a text file, one a line, or as JSON lines"
        raise ConfigError(f"{source!r} is a table, expected lines; {remedy}")
    if sys.stdout is None or (source == "-" and sys.stdin is None):
        raise ConfigError("stdin and stdout must be open; name a FILE, or redirect to one")
    try:
        descriptor = 0 if source == "-" else os.open(source, os.O_RDONLY)
        os.read(descriptor, 0)  # a folder can be opened, but not read
    except OSError as error:
        remedy = "name a file of queries, one a line, or - for stdin"
        raise ConfigError(f"{source!r}: {error.strerror}; {remedy}") from None
    lines, failed = asyncio.run(_enrich(settings, descriptor, shown))
    if failed:
        print(
            f"{failed} of {lines} lines failed: an error stands in the place of each",
            file=sys.stderr,
        )
        sys.exit(1)


async def _enrich(
    settings: Settings, descriptor: int, shown: Callable[[bytes], bytes]
) -> tuple[int, int]:
    understanding = Understanding(settings)
    async with understanding.ready(settings.lifecycle.startup_timeout_s):
        with _progress(descriptor) as written:
            return await enrich_lines(
                understanding.pipeline, descriptor, sys.stdout.buffer, written, shown
            )


@contextmanager
def _progress(descriptor: int) -> Iterator[Callable[[list[Line]], None]]:
    """Show a bar on a terminal, unless the results are printed to it; takes what is written."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda lines: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    queries = TextColumn("{task.fields[queries]:,} queries, {task.percentage:.0f} %")
    with Progress(BarColumn(), queries, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("enrich", total=os.fstat(descriptor).st_size or None, queries=0)

        def written(lines: list[Line]) -> None:
            size = sum(line.size + 1 for line in lines)
            bar.update(task, advance=size, queries=bar.tasks[task].fields["queries"] + len(lines))

        yield written


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


async def enrich_lines(
    pipeline: Pipeline,
    source: int,
    sink: BinaryIO,
    written: Callable[[list[Line]], None],
    shown: Callable[[bytes], bytes] = bytes,
) -> tuple[int, int]:
    """Enrich every line of the file descriptor `source` into `sink`.

    A line that cannot be enriched comes out in its place as `{"error": …, "line": …, "input": …}`;
    `input` is the line, or the beginning of one with more than `understanding.max_event_bytes`.

    Args:
        written: called with the lines whose results were just written.
        shown: what is written for an output event.

    Returns:
        lines read, and how many of them came out with an error.

    Raises:
        ConfigError: the text's encoding is not supported.
        OSError: the source cannot be read; the lines before that are written.
    """
    max_bytes = pipeline.snapshot.max_event_bytes
    source_chunks, number, failed = chunks(source, max_bytes), 0, 0
    in_flight: deque[tuple[list[Line], asyncio.Task[list[Result]]]] = deque()

    def read_next() -> asyncio.Task[list[Line]]:
        return asyncio.create_task(aside(lambda: next(source_chunks, [])))

    async def write_first() -> int:
        chunk, task = in_flight.popleft()
        results = await task
        for line, result in zip(chunk, results, strict=True):
            bad = isinstance(result, Reject)
            sink.write((_error(line, result) if bad else shown(result.value)) + b"\n")
        sink.flush()
        written(chunk)
        return sum(isinstance(result, Reject) for result in results)

    next_chunk = read_next()
    async with _ending_with(in_flight):
        while True:
            waiting = {next_chunk} if len(in_flight) < CHUNKS_IN_FLIGHT else set()
            waiting |= {in_flight[0][1]} if in_flight else set()
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            while in_flight and in_flight[0][1].done():
                failed += await write_first()
            if next_chunk.done() and len(in_flight) < CHUNKS_IN_FLIGHT:
                if next_chunk.exception() or not next_chunk.result():
                    break
                chunk = next_chunk.result()
                in_flight.append((chunk, asyncio.create_task(_process(pipeline, chunk, max_bytes))))
                number += len(chunk)
                next_chunk = read_next()
        while in_flight:
            failed += await write_first()
        next_chunk.result()  # raises the error that ended the reading, if any
    return number, failed


@asynccontextmanager
async def _ending_with(in_flight: Iterable[tuple[list[Line], asyncio.Task]]) -> AsyncIterator[None]:
    """Cancel what is under way at the end, as after a closed pipe: the models stop next."""
    try:
        yield
    finally:
        tasks = [task for _, task in in_flight]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _process(pipeline: Pipeline, chunk: list[Line], max_bytes: int) -> list[Result]:
    now_ms = time.time_ns() // 1_000_000
    inputs = [
        Input(from_line(line.text), f"line-{line.number}", now_ms)
        for line in chunk
        if line.size <= max_bytes
    ]
    results = iter(await pipeline.process(inputs))
    return [
        next(results) if line.size <= max_bytes else value_too_large(line.size, max_bytes)
        for line in chunk
    ]


def _error(line: Line, error: Reject) -> bytes:
    fault = {"stage": error.stage, "type": error.reason, "message": str(error)}
    text = line.text.decode("utf-8", "replace")
    return orjson.dumps({"error": fault, "line": line.number, "input": text})
