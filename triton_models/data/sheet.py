"""Sheets to label: rows that a model doubts, as CSV or TSV, and the labels that come back in them.

A sheet has the columns of `COLUMNS`. A person fills `label`; `data.merge` takes it from there.
"""

from __future__ import annotations

import csv
import errno
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from triton_models.data import named, records
from triton_models.data.faults import Faults
from triton_models.data.keyed import key
from triton_models.query_text import normal_form
from triton_models.settings import UsageError

COLUMNS = ("id", "text", "term", "given", "suggested", "confidence", "source", "label")
SUFFIXES = {".csv": ",", ".tsv": "\t"}
DROP = "-"  # as a label: the row is to go


@dataclass(frozen=True)
class Line:
    """A row of a sheet.

    Attributes:
        term: of a judged pair, "" for others.
        given: the label that the data have, "" for none.
        suggested: the model's label, and `confidence` its probability of it.
        source: the file, or the manifest's source.
    """

    text: str
    term: str = ""
    given: str = ""
    suggested: str = ""
    confidence: float = 0.0
    source: str = ""


@dataclass(frozen=True)
class Decision:
    """What a person decided: the line of the sheet, the row that is meant, and its new label."""

    line: int
    id: str
    text: str
    term: str
    given: str
    label: str


def identity(text: str, term: str = "") -> str:
    """The id of a row: a hash of its text, or of its two texts."""
    words = [" ".join(one.split()) for one in ((text, term) if term else (text,))]
    return key("\t".join(words))


def delimiter(path: Path) -> str:
    """Of a sheet's columns; UsageError for a file that is no sheet by its name."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: a sheet is a table; call it *.csv or *.tsv")
    return SUFFIXES[path.suffix]


def check_new(path: Path) -> None:
    """Makes the folder of a sheet, before hours of work go into it.

    Raises UsageError for a file that is no sheet by its name, or exists, since it may hold labels;
    OSError where it cannot be written.
    """
    delimiter(path)
    if path.exists():
        raise UsageError(f"{path}: exists, and may hold labels; give --out another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent))


def write(path: Path, lines: Iterable[Line], propose: bool = False) -> int:
    """Write a sheet whose `label` is empty, or with `propose` what the model suggests; returns the
    number of its rows.

    Raises UsageError for a file that exists, since it may hold labels, or has another name.
    """
    check_new(path)
    between = delimiter(path)
    text = io.StringIO()
    table = csv.writer(text, delimiter=between, lineterminator="\n")
    table.writerow(COLUMNS)
    rows = [_row(one, propose) for one in lines]
    table.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return len(rows)


def _row(one: Line, propose: bool) -> tuple[str, ...]:
    told = (one.text, one.term, one.given, one.suggested, f"{one.confidence:.4f}", one.source)
    return (identity(one.text, one.term), *told, one.suggested if propose else "")


def read(path: Path) -> list[Decision]:
    """The labelled rows of a sheet; one whose `label` is empty is not among them.

    Only `label`, and `id` or `text`, are needed, so that a sheet of another tool can be given.

    Raises:
        UsageError: lists by line what is no decision, and rows that are labelled in two ways.
    """
    faults, found, first = Faults(), [], {}
    delimiter(path)  # for its name alone: a spreadsheet may have saved another
    for line, row in records.read(path, "", records.refusing(path)):
        row = named.ours(row, {})
        if "label" not in row or not row.keys() & {"id", "text"}:
            raise UsageError(f"{path}: a sheet has the columns {', '.join(COLUMNS)}")
        row = {name: row.get(name, "").strip() for name in COLUMNS}
        if not row["label"]:
            continue
        if not (row["id"] or normal_form(row["text"])):
            faults.add(str(path), line, "neither id nor text; say which row is meant")
            continue
        mine = row["id"] or identity(row["text"], row["term"])
        one = Decision(line, mine, row["text"], row["term"], row["given"], row["label"])
        other = first.setdefault((mine, one.given), one)
        if other.label != one.label:
            told = f"{one.label!r} here, {other.label!r} in line {other.line}; decide on one"
            faults.add(str(path), line, told)
        elif other is one:
            found.append(one)
    faults.tell(path)
    if not found:
        raise UsageError(f"{path}: no row has a label; fill the column `label`")
    return found
