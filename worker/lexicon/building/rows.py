"""Rows of a file of JSON lines, CSV or TSV, plain or gzipped, in UTF-8 or UTF-16, with or without a
byte order mark; and every fault by file and line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
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
    try:
        with _opened(path) as file:
            for number, text in enumerate(_decoded(path, file, faults), 1):
                if faults.full(path.name):
                    break
                yield f"{path.name}:{number}", text.rstrip("\r\n")
    except FileNotFoundError:
        faults.found(path.name, "no such file", "a file", f"correct the path {path}")
    except UnicodeDecodeError:
        faults.found(path.name, "broken UTF-16", "UTF-8 or UTF-16 text", "save it as UTF-8")
    except IsADirectoryError:
        faults.found(path.name, "a folder", "a file", f"name a file in {path}")
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        faults.found(path.name, reason, "a file that can be read", "replace it")


def _opened(path: Path) -> BinaryIO:
    file = path.open("rb")
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.open(file) if packed else file


def _decoded(path: Path, file: BinaryIO, faults: Faults) -> Iterator[str]:
    buffer = io.BufferedReader(file)
    start = buffer.peek(3)[:3]
    if start.startswith(_UTF_16):
        yield from io.TextIOWrapper(buffer, "utf-16", newline="")
        return
    if start.startswith(codecs.BOM_UTF8):
        buffer.read(3)
    for number, line in enumerate(buffer, 1):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            found = f"byte {line[error.start]:#04x}, which is no UTF-8"
            faults.found(f"{path.name}:{number}", found, "UTF-8 text", "save the file as UTF-8")
            yield ""


def rows(path: Path, faults: Faults) -> Iterator[Row]:
    """The rows of a file of JSON lines, or of CSV with a header and a comma, semicolon, tab or bar
    between the values."""
    found = lines(path, faults)
    first = next(((place, text) for place, text in found if text.strip()), None)
    if first is None:
        if not any(fault.key.startswith(path.name) for fault in faults):
            faults.found(path.name, "an empty file", "rows", "leave it out")
        return
    if is_json(path):
        yield from _json_rows(first, found, faults)
    else:
        yield from _csv_rows(path, first, found, faults)


def is_json(path: Path) -> bool:
    """Whether a file is, by its name, one of JSON lines: .jsonl, .ndjson, .json, also with .gz."""
    return path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson", ".json"))


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
    path: Path, first: tuple[str, str], rest: Iterator[tuple[str, str]], faults: Faults
) -> Iterator[Row]:
    delimiter = max(_DELIMITERS, key=first[1].count)
    start = int(first[0].rpartition(":")[2]) - 1
    texts = (text + "\n" for _, text in chain([first], rest))
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader)]
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            found = f"the column {twice[0]!r} twice"
            faults.found(first[0], found, "each column once", "rename one")
        count = 0
        for row in reader:
            count += 1
            place = f"{path.name}:{start + reader.line_num}"
            if len(row) == len(header):
                yield place, dict(zip(header, row, strict=True))
            elif row:
                found, expected = f"{len(row)} values", f"{len(header)}, as in the header"
                faults.found(place, found, expected, "quote values that hold the delimiter")
        if not count:
            faults.found(path.name, "a header alone", "rows below it", "leave the file out")
    except csv.Error as error:
        place = f"{path.name}:{start + reader.line_num}"
        faults.found(place, str(error), "CSV", "close the quotes; double a quote in a value")
