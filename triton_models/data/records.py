"""Files as records: JSON lines, CSV, TSV or plain text, each record with its line number.

The kind is told by the name: `.jsonl`, `.csv`, `.tsv`, `.txt`, and with `.gz` behind it.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

SUFFIXES = (".jsonl", ".ndjson", ".csv", ".tsv", ".txt")
Record = dict[str, Any]
Blame = Callable[[int, str], None]  # takes the line number and what is wrong with the line
csv.field_size_limit(1 << 24)  # a description may be longer than the library expects


def kind(path: Path) -> str:
    """The suffix that tells how to read a file, "" for one that is not known."""
    name = path.with_suffix("") if path.suffix == ".gz" else path
    suffix = name.suffix.lower()
    return suffix if suffix in SUFFIXES else ""


def read(path: Path, delimiter: str, blame: Blame) -> Iterator[tuple[int, Record]]:
    """(line number, record) of every record; a line of plain text is {"text": line}.

    Args:
        delimiter: of a CSV file's columns, "" for the one that its name tells.
        blame: told of each line that is no record; 0 is the whole file.
    """
    suffix = kind(path)
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            if suffix in (".csv", ".tsv"):
                yield from _table(file, delimiter or ("\t" if suffix == ".tsv" else ","), blame)
            elif suffix == ".txt":
                yield from _texts(file)
            else:
                yield from _objects(file, blame)
    except UnicodeDecodeError as error:
        blame(0, f"not UTF-8 ({error.reason}); save it as UTF-8")
    except (OSError, EOFError) as error:
        told = getattr(error, "strerror", None) or error
        blame(0, f"cannot be read ({told}); mend the path or the file's rights")


def _texts(file: TextIO) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(file, 1):
        if text := line.strip():
            yield number, {"text": text}


def _objects(file: TextIO, blame: Blame) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            blame(number, f"not JSON ({str(error)[:60]}); mend the line")
            continue
        if isinstance(record, dict):
            yield number, record
        else:
            blame(number, "not a JSON object; write one object a line")


def _table(file: TextIO, delimiter: str, blame: Blame) -> Iterator[tuple[int, Record]]:
    """Rows of a table whose first line names the columns."""
    rows = csv.reader(file, delimiter=delimiter)
    header: list[str] = []
    try:
        while True:
            number = rows.line_num + 1  # where the row begins: a quoted field may hold line ends
            row = next(rows)
            if not row:
                continue
            if not header:
                header = [name.strip() for name in row]
            elif len(row) != len(header):
                blame(
                    number, f"{len(row)} columns, the first line has {len(header)}; mend the line"
                )
            else:
                yield number, dict(zip(header, row, strict=True))
    except StopIteration:
        return
    except csv.Error as error:
        blame(rows.line_num, f"not a table ({error}); mend the line")
