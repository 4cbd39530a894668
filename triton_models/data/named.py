"""Files of labelled queries and judged pairs, read alike by every command.

CSV, TSV, JSON lines, or one JSON file, given as PATH, or as PATH.json:list+list for a file that
holds several lists. Columns have their usual names (`columns.COLUMNS`) or those of `--columns`,
which is an option of every command that reads such files; needed ones in upper or lower case.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from triton_models.data import records
from triton_models.data.columns import COLUMNS, OPTIONAL
from triton_models.data.records import Layout, Record
from triton_models.settings import UsageError


@dataclass(frozen=True)
class Place:
    """A file, as PATH or PATH.json:list+list, whose needed columns have other names than usual.

    Attributes:
        columns: these names, in the order of the format.
    """

    path: Path | str
    columns: Sequence[str]

    def __str__(self) -> str:
        return str(self.path)


Given = Place | Path | str
WORD = re.compile(r"\s*[^\W\d][\w.-]*\s*")  # a name of a column, as most are


def column_names(text: str) -> tuple[str, ...]:
    """Names of columns, as text,topic."""
    return tuple(name.strip() for name in text.split(","))


OPTION: dict[str, Any] = dict(  # `--columns`, in the words of argparse
    type=column_names,
    default=(),
    metavar="NAME,NAME",
    help="names of the texts and labels in the files, as text,topic; of pairs three",
)


def places(paths: Sequence[Path | str], columns: Sequence[str] = ()) -> list[Given]:
    """Files with what `--columns` says of them."""
    return [Place(path, columns) for path in paths] if columns else list(paths)


def columns_of(place: Given) -> Sequence[str]:
    return place.columns if isinstance(place, Place) else ()


def rows(place: Given, form: str) -> Iterator[tuple[int, Record]]:
    """(line, record) of a file, each record with our names beside those of the file.

    Args and errors as of `as_written`.
    """
    names = names_of(form, columns_of(place))
    return ((line, ours(row, names)) for line, row in as_written(place, form))


def as_written(place: Given, form: str) -> Iterator[tuple[int, Record]]:
    """(line, record) of a file, each record by the names of the file.

    Args:
        form: the format of the manifest, "queries" or "pairs".

    Raises UsageError for the first line that is no record, for another number of columns than the
    format needs, and for a table that lacks one that is given.
    """
    path, lists = split(place)
    given, needed = columns_of(place), needed_of(form)
    names = names_of(form, given)
    headings = () if given else names[needed[0]]
    layout = Layout(given or needed, headings, lists, names.values())
    found = records.read(path, "", records.refusing(path), layout)
    table = records.kind(path) in records.BETWEEN
    if layout.headings and table:
        found = list(found)
        refuse_heading(path, found, needed)
    for line, row in found:
        if table and given:
            require(path, given, row)
            given = ()  # all rows have the columns of the first
        yield line, row


def require(path: Path, given: Iterable[str], columns: Record) -> None:
    """Raises UsageError for names of `--columns` that a table has not."""
    for name in given:
        if not theirs(columns, {"": (name,)}):
            there = ", ".join(columns)
            raise UsageError(f"{path}: no column {name!r}, there are: {there}; correct --columns")


def refuse_heading(path: Path, found: Sequence[tuple[int, Record]], needed: list[str]) -> None:
    """Raises UsageError where a table without a heading has too few columns, and where its first
    row seems to be one, whose names we do not know: single words, the last of which, the label, is
    that of no other row.
    """
    line, first = found[0] if found else (0, {})
    if line != 1 or list(first) != needed[: len(first)]:  # the first line was a heading
        return
    if len(first) < len(needed):
        told = f"{path}:1: no heading, and {len(first)} of {len(needed)} columns"
        remedy = f"begin the file with a line of their names, as {','.join(needed)}"
        raise UsageError(f"{told}; {remedy}, with the same between them as in the rows")
    label = needed[-1]
    others = {row[label] for _, row in found[1:]}
    if others and first[label] not in others and all(map(WORD.fullmatch, first.values())):
        if_a_row = f"if they are a row, begin the file with the line {','.join(needed)}"
        raise UsageError(f"{unknown(path, first.values())}; {if_a_row}")


def unknown(path: Path, columns: Iterable[str]) -> str:
    """What is said of a file whose columns tell no format."""
    return (
        f"{path}: its columns are of no format that we know: {', '.join(columns) or 'none'};"
        " give --columns for queries or pairs, or a manifest, which maps them"
    )


def every(place: Given, form: str) -> Iterator[Record]:
    """The records of a file of any format, with our names beside those of the file."""
    if form != "tagged":
        yield from (row for _, row in rows(place, form))
        return
    path, names = Path(str(place)), names_of(form, columns_of(place))
    for _, row in records.read(path, "", records.refusing(path)):
        yield ours(row, names)


Names = Mapping[str, tuple[str, ...]]  # what each of our columns may be called


def ours(row: Record, names: Names) -> Record:
    """A record by our names, and beside them by those of its file, in lower case too."""
    beside = {lower: row[name] for lower, name in _folded(tuple(row)).items()} | row
    found = {mine: row[other] for mine, other in theirs(row, names).items()}
    return {name: value for name, value in beside.items() if name not in names} | found


def theirs(columns: Iterable[str], names: Names) -> dict[str, str]:
    """Of columns of a file, or the fields of a record, those that are ours, by our names: the
    first in its usual spelling, else in another case that no other has; of `OPTIONAL` ones none.
    """
    return dict(_theirs(tuple(columns), tuple(names.items())))


@lru_cache(1024)
def _theirs(
    there: tuple[str, ...], names: tuple[tuple[str, tuple[str, ...]], ...]
) -> dict[str, str]:
    folded, found = _folded(there), {}
    for mine, usual in names:
        other = next((n for n in usual if n in there), "")
        if not other and mine not in OPTIONAL:
            other = next((folded[n.lower()] for n in usual if n.lower() in folded), "")
        if other:
            found[mine] = other
    return found


@lru_cache(1024)
def _folded(columns: tuple[str, ...]) -> dict[str, str]:
    """Names by their lower case, without those that differ in case alone."""
    times = Counter(name.lower() for name in columns)
    return {name.lower(): name for name in columns if times[name.lower()] == 1}


def split(place: Given) -> tuple[Path, Sequence[str]]:
    """The path and the lists of PATH.json:list+list."""
    name, _, lists = str(place).partition(".json:")
    return (Path(f"{name}.json"), lists.split("+")) if lists else (Path(str(place)), ())


def needed_of(form: str) -> list[str]:
    """Our names of the columns that a format cannot do without."""
    return [name for name in COLUMNS[form] if not name.endswith("?")]


def names_of(form: str, given: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """What each of our columns may be called; UsageError as `given_of` has it."""
    usual = {name.rstrip("?"): names for name, names in COLUMNS[form].items()}
    return usual | {ours: (theirs,) for ours, theirs in given_of(form, given).items()}


def given_of(form: str, given: Sequence[str]) -> dict[str, str]:
    """Their names of the needed columns of a format, by ours; {} where none are given.

    Raises UsageError for another number of them than the format needs.
    """
    needed = needed_of(form)
    if given and not needed:
        raise UsageError(f"--columns: {form} queries have their own fields; leave it out")
    if given and (len(given) != len(needed) or not all(given)):
        told = f"name {len(needed)} columns, as --columns {','.join(needed)}"
        raise UsageError(f"--columns {','.join(given)}: {told}")
    return dict(zip(needed, given, strict=False))
