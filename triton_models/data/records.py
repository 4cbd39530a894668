"""Files as records: JSON lines, JSON, CSV, TSV or plain text, each record with its line number.

The kind is told by the name: `.jsonl`, `.json`, `.csv`, `.tsv`, `.txt`, and with `.gz` behind it.
Text is UTF-8, or UTF-16 with a byte order mark. The delimiter of a table is the usual one of its
name, or whichever of comma, semicolon, tab and bar yields the most known column names.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn, TextIO

from triton_models.data.columns import USUAL
from triton_models.settings import UsageError

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BETWEEN = {".csv": ",;\t|", ".tsv": "\t;,|"}  # columns of a table, the usual first
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt")
Record = dict[str, Any]
Blame = Callable[[int, str], None]  # takes the line number and what is wrong with the line
csv.field_size_limit(1 << 24)  # a description may be longer than the library expects


@dataclass(frozen=True)
class Layout:
    """What is not told by the file itself.

    Attributes:
        bare: names for the values of rows that have none: lists of JSON, and tables without a
            heading, which may have fewer columns.
        headings: names of which a table's heading has one; none: its first line is the heading.
        lists: JSON only: the lists to read of a file that holds several by name.
        wanted: of each column that is read the names that it may have; they tell the delimiter,
            and it must not be there twice.
    """

    bare: Sequence[str] = ()
    headings: Sequence[str] = ()
    lists: Sequence[str] = ()
    wanted: Collection[Sequence[str]] = tuple((name,) for name in sorted(USUAL))


def refusing(path: Path) -> Callable[[int, str], NoReturn]:
    """What raises a UsageError for the first line that is wrong, or for the whole file."""

    def blame(line: int, told: str) -> NoReturn:
        raise UsageError(f"{path}:{line}: {told}" if line else f"{path}: {told}")

    return blame


def kind(path: Path) -> str:
    """The suffix that tells how to read a file, "" for one that is not known."""
    name = path.with_suffix("") if path.suffix == ".gz" else path
    suffix = name.suffix.lower()
    return suffix if suffix in SUFFIXES else ""


def read(
    path: Path, delimiter: str, blame: Blame, layout: Layout = Layout()
) -> Iterator[tuple[int, Record]]:
    """(line number, record) of every record; a line of plain text is {"text": line}.

    Args:
        delimiter: of a table's columns, "" for the one that its first line tells.
        blame: told of each line that is no record; 0 is the whole file. Records of JSON that is
            not in lines are counted instead.
    """
    suffix = kind(path)
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as plain:
            file = TextIOWrapper(plain, encoding_of(plain.peek(2)), newline="")
            if suffix in BETWEEN:
                yield from _table(file, delimiter or BETWEEN[suffix], blame, layout)
            elif suffix == ".txt":
                yield from _texts(file)
            else:
                read_rows = _document if suffix == ".json" else _lines
                for number, row in read_rows(file, blame, layout.lists):
                    yield from _object(number, row, blame, layout.bare)
    except UnicodeError:
        blame(*_undecodable(path, opened))
    except (OSError, EOFError) as error:
        told = getattr(error, "strerror", None) or error
        blame(0, f"cannot be read ({told}); fix the path or the file's rights")


def encoding_of(start: bytes) -> str:
    """The encoding of a file that begins so, without its byte order mark."""
    return "utf-16" if start.startswith(UTF_16) else "utf-8-sig"


def delimiter_of(first: str, usual: str, wanted: Collection[Sequence[str]] = ()) -> str:
    """What is between the columns of a table, by its first line: of the characters `usual` what
    makes most of the wanted names, then of those that any file has; else the first.
    """
    asked = {name.lower() for names in wanted for name in names if name}

    def known(between: str) -> tuple[int, int]:
        found = {name.strip().lower() for name in cells(first, between)}
        return len(found & asked), len(found & USUAL)

    return max(usual, key=known)


def cells(line: str, delimiter: str) -> list[str]:
    """The values of a line of a table."""
    return next(csv.reader([line], delimiter=delimiter), [])


def _undecodable(path: Path, opened: Callable) -> tuple[int, str]:
    """The first line that is no UTF-8, and what is wrong with it."""
    with suppress(OSError, EOFError), opened(path, "rb") as file:
        if encoding_of(file.read(2)) == "utf-16":
            return 0, "broken UTF-16; save the file as UTF-8"
        file.seek(0)
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return number, f"not UTF-8 (byte {line[error.start]:#04x}); save the file as UTF-8"
    return 0, "not UTF-8; save it as UTF-8"


def _texts(file: TextIO) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(file, 1):
        if text := line.strip():
            yield number, {"text": text}


def _lines(file: TextIO, blame: Blame, _: Sequence[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            blame(number, f"not JSON ({str(error)[:60]}); fix the line")


def _document(file: TextIO, blame: Blame, lists: Sequence[str]) -> Iterator[tuple[int, Any]]:
    """The rows of one list, or of the named ones of a file that holds several."""
    try:
        found = json.loads(file.read())
    except (ValueError, RecursionError) as error:
        return blame(0, f"not JSON ({str(error)[:60]}); fix the file")
    if isinstance(found, dict):
        known = [name for name, value in found.items() if isinstance(value, list)]
        if not lists or set(lists) - set(known):
            return blame(0, f"name the lists to read, as {file.name}:{'+'.join(known)}")
        found = [row for name in lists for row in found[name]]
    if not isinstance(found, list):
        return blame(0, "no list of rows in it; write [{…}, …]")
    yield from enumerate(found, 1)


def _object(
    number: int, row: Any, blame: Blame, bare: Sequence[str]
) -> Iterator[tuple[int, Record]]:
    if isinstance(row, list) and bare and len(row) == len(bare):
        row = dict(zip(bare, row, strict=True))
    if isinstance(row, dict):
        yield number, row
    else:
        blame(number, "not a JSON object; write one object a line")


def _table(file: TextIO, usual: str, blame: Blame, layout: Layout) -> Iterator[tuple[int, Record]]:
    """Rows of a table whose first line names the columns, unless the layout does; `usual` are the
    delimiters it may have.
    """
    head = []  # up to the first line that is not empty
    for line in file:
        head.append(line)
        if line.strip():
            break
    between = usual if len(usual) == 1 else delimiter_of("".join(head[-1:]), usual, layout.wanted)
    rows = csv.reader(chain(head, file), delimiter=between)
    header: Sequence[str] = ()
    try:
        while True:
            number = rows.line_num + 1  # where the row begins: a quoted field may hold line ends
            row = next(rows)
            if not row:
                continue
            if not header:
                header = heading(row, layout)
                if not header:
                    header = layout.bare[: len(row)]
                elif told := twice(header, layout.wanted):
                    return blame(number, told)
                else:
                    continue
            if len(row) != len(header):
                blame(number, f"{len(row)} columns, the first line has {len(header)}; fix the line")
            else:
                yield number, dict(zip(header, row, strict=True))
    except StopIteration:
        return
    except csv.Error as error:
        blame(rows.line_num, f"not a table ({error}); fix the line")


def heading(row: Sequence[str], layout: Layout = Layout()) -> list[str]:
    """The names of a table's columns by its first line; [] where that is a row already."""
    bare = layout.headings and len(row) <= len(layout.bare) and not _named(row, layout)
    return [] if bare else [name.strip() for name in row]


def _named(row: Sequence[str], layout: Layout) -> bool:
    """Whether a line has one of the layout's headings."""
    known = {name.lower() for name in layout.headings}
    return any(name.strip().lower() in known for name in row)


def twice(header: Sequence[str], wanted: Iterable[Sequence[str]]) -> str:
    """What is wrong with a heading where the column that is read by some wanted names is there
    twice, or in several cases and not as it is wanted; "" where none is.
    """
    lower = [name.lower() for name in header]
    for names in wanted:
        there = [name for name in names if name in header] or names
        name = next((name for name in there if name and name.lower() in lower), "")
        same = [other for other in header if other.lower() == name.lower()]
        if name and len(same) > 1 and same.count(name) != 1:
            cases = f", as {' and '.join(same)}" if set(same) != {name} else ""
            return f"the column {name!r} is there twice{cases}; rename one of them"
    return ""


def word(value: Any) -> str:
    """A value of a record as text: 3, 3.0 and "3" are the same, true is 1; "" for what is none."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return value.strip() if isinstance(value, str) else ""
