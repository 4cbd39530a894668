"""Rows of a file of JSON lines, CSV or TSV, plain or gzipped, in UTF-8 or UTF-16, with or without a
byte order mark; and every fault by file and line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from worker.errors import Fault

MOST_FAULTS = 20  # of one file; what follows is mostly the same fault again
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = ",;\t|"

Row = tuple[str, dict[str, Any]]  # its place, such as "products.csv:7", and its fields


class Faults(list[Fault]):
    """Faults of one file or several, of each the first `MOST_FAULTS`."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[str] = Counter()

    def found(self, place: str, found: str, expected: str, remedy: str) -> None:
        """Add a fault; `place` is a file's name, or that and a line."""
        name = place.rpartition(":")[0] or place
        self._counts[name] += 1
        if self._counts[name] <= MOST_FAULTS:
            self.append(Fault(place, found, expected, remedy))

    def full(self, name: str) -> bool:
        """Whether no more of a file needs to be read."""
        return self._counts[name] >= MOST_FAULTS


def lines(path: Path, faults: Faults) -> Iterator[tuple[str, str]]:
    """The place and the text of each line, without its end."""
    with reported(path, faults), opened(path) as file:
        yield from numbered(file, path.name, faults)


def numbered(
    file: Iterable[bytes], name: str, faults: Faults, first: int = 1
) -> Iterator[tuple[str, str]]:
    """The place and the text of each line of UTF-8; `first` is the number of the first one."""
    for number, line in enumerate(file, first):
        if faults.full(name):
            break
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            found = f"byte {line[error.start]:#04x}, which is no UTF-8"
            faults.found(f"{name}:{number}", found, "UTF-8 text", "save the file as UTF-8")
            text = ""
        yield f"{name}:{number}", text.rstrip("\r\n")


@contextmanager
def reported(path: Path, faults: Faults) -> Iterator[None]:
    """Makes a fault of an error in reading a file."""
    try:
        yield
    except FileNotFoundError:
        faults.found(path.name, "no such file", "a file", f"correct the path {path}")
    except UnicodeDecodeError:
        faults.found(path.name, "broken UTF-16", "UTF-8 or UTF-16 text", "save it as UTF-8")
    except IsADirectoryError:
        faults.found(path.name, "a folder", "a file", f"name a file in {path}")
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        faults.found(path.name, reason, "a file that can be read", "replace it")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file or a pipe, unpacked, as UTF-8 without a byte order mark."""
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        # A pipe has no place to go back to, so the first bytes are looked at where they stand.
        packed = file.peek(2)[:2] == b"\x1f\x8b"
        plain = io.BufferedReader(stack.enter_context(gzip.open(file))) if packed else file
        start = plain.peek(3)[:3]
        if start.startswith(_UTF_16):
            text = io.TextIOWrapper(plain, "utf-16", newline="")
            yield io.BytesIO(text.read().encode())
            return
        if start.startswith(codecs.BOM_UTF8):
            plain.read(3)
        yield plain


def rows(path: Path, faults: Faults) -> Iterator[Row]:
    """The rows of a file of JSON lines, or of CSV with a header and a comma, semicolon, tab or bar
    between the values."""
    return rows_of(lines(path, faults), path.name, faults)


def rows_of(
    found: Iterator[tuple[str, str]], name: str, faults: Faults, begins: bool = True
) -> Iterator[Row]:
    """The rows of lines, by the file's name.

    Args:
        begins: whether they are the first lines of the file, of which there must be some.
    """
    first = next(((place, text) for place, text in found if text.strip()), None)
    if first is None:
        if begins and not any(fault.key.startswith(name) for fault in faults):
            faults.found(name, "an empty file", "rows", "leave it out")
    elif is_json(name):
        yield from _json_rows(first, found, faults)
    else:
        yield from _csv_rows(name, first, found, faults, begins)


def is_json(name: str) -> bool:
    """Whether a file is, by its name, one of JSON lines: .jsonl, .ndjson, .json, also with .gz."""
    return name.removesuffix(".gz").endswith((".jsonl", ".ndjson", ".json"))


def _json_rows(
    first: tuple[str, str], rest: Iterator[tuple[str, str]], faults: Faults
) -> Iterator[Row]:
    if first[1].lstrip().startswith("["):
        remedy = "convert it: jq -c '.[]'"
        faults.found(first[0], "a JSON array", "one JSON object a line", remedy)
        return
    for place, text in chain([first], rest):
        if not text.strip():
            continue
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            faults.found(place, f"broken JSON ({error})", "one JSON object a line", "correct it")
            continue
        if isinstance(row, dict):
            yield place, row
        else:
            found = f"a JSON {type(row).__name__}"
            faults.found(place, found, "one JSON object a line", "write it as an object")


def _csv_rows(
    name: str,
    first: tuple[str, str],
    rest: Iterator[tuple[str, str]],
    faults: Faults,
    begins: bool,
) -> Iterator[Row]:
    delimiter = max(_DELIMITERS, key=first[1].count)
    start = int(first[0].rpartition(":")[2]) - 1
    texts = (text + "\n" for _, text in chain([first], rest))
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    try:
        header = [column.strip() for column in next(reader)]
        twice = sorted({column for column in header if column and header.count(column) > 1})
        if twice:
            found = f"the column {twice[0]!r} twice"
            faults.found(first[0], found, "each column once", "rename one")
        count = 0
        for row in reader:
            count += 1
            place = f"{name}:{start + reader.line_num}"
            if len(row) == len(header):
                yield place, dict(zip(header, row, strict=True))
            elif row:
                found, expected = f"{len(row)} values", f"{len(header)}, as in the header"
                faults.found(place, found, expected, "quote values that hold the delimiter")
        if begins and not count:
            faults.found(name, "a header alone", "rows below it", "leave the file out")
    except csv.Error as error:
        place = f"{name}:{start + reader.line_num}"
        faults.found(place, str(error), "CSV", "close the quotes; double a quote in a value")
