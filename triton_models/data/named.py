"""Files of labelled queries and judged pairs, read alike by every command.

CSV, TSV, JSON lines, or one JSON file, given as PATH, or as PATH.json:list+list for a file that
holds several lists. Columns have their usual names (`manifest.COLUMNS`) or those of `--columns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from triton_models.data import records
from triton_models.data.manifest import COLUMNS
from triton_models.data.records import Layout, Record


def rows(place: Path | str, form: str, given: Sequence[str] = ()) -> Iterator[tuple[int, Record]]:
    """(line, record) of a file, each record with our names beside those of the file.

    Args:
        form: the format of the manifest, "queries" or "pairs".
        given: names of the needed columns of the format, in their order.

    Raises UsageError for the first line that is no record.
    """
    path, lists = split(place)
    needed, names = needed_of(form), names_of(form, given)
    layout = Layout(given or needed, () if given else names[needed[0]], lists)
    for line, row in records.read(path, "", records.refusing(path), layout):
        yield line, ours(row, names)


def every(place: Path | str, form: str) -> Iterator[Record]:
    """The records of a file of any format, with our names beside those of the file."""
    if form != "tagged":
        yield from (row for _, row in rows(place, form))
        return
    path = Path(place)
    for _, row in records.read(path, "", records.refusing(path)):
        yield ours(row, names_of(form))


Names = Mapping[str, Sequence[str]]  # what each of our columns may be called


def ours(row: Record, names: Names) -> Record:
    """A record with our names beside those of its file."""
    return row | {mine: row[other] for mine, other in theirs(row, names).items()}


def theirs(columns: Iterable[str], names: Names) -> dict[str, str]:
    """Of columns of a file, or the fields of a record, those that are ours, by our names."""
    there = set(columns)
    found = {mine: next((n for n in usual if n in there), None) for mine, usual in names.items()}
    return {mine: other for mine, other in found.items() if other is not None}


def split(place: Path | str) -> tuple[Path, Sequence[str]]:
    """The path and the lists of PATH.json:list+list."""
    name, _, lists = str(place).partition(".json:")
    return (Path(f"{name}.json"), lists.split("+")) if lists else (Path(place), ())


def needed_of(form: str) -> list[str]:
    """Our names of the columns that a format cannot do without."""
    return [name for name in COLUMNS[form] if not name.endswith("?")]


def names_of(form: str, given: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """What each of our columns may be called."""
    usual = {name.rstrip("?"): names for name, names in COLUMNS[form].items()}
    return usual | {ours: (theirs,) for ours, theirs in zip(needed_of(form), given, strict=False)}
