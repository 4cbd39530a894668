"""Files of labelled queries and judged pairs, read alike by every command.

CSV, TSV, JSON lines, or one JSON file, given as PATH, or as PATH.json:list+list for a file that
holds several lists. Columns have their usual names (`manifest.COLUMNS`) or those of `--columns`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        yield line, row | _ours(row, names)


def every(place: Path | str, form: str) -> Iterator[Record]:
    """The records of a file of any format, with our names beside those of the file."""
    if form != "tagged":
        yield from (row for _, row in rows(place, form))
        return
    path = Path(place)
    for _, row in records.read(path, "", records.refusing(path)):
        yield ours(row, form)


def ours(row: Record, form: str) -> Record:
    """A record with our names beside those of its file."""
    return row | _ours(row, names_of(form))


def theirs(row: Record, form: str, name: str) -> str:
    """What a record calls one of our columns; our name where it has none."""
    return next((one for one in names_of(form)[name] if one in row), name)


def _ours(row: Record, names: Mapping[str, Sequence[str]]) -> Record:
    """What a record has under one of the names of each of our columns, under ours."""
    found = {ours: next((n for n in usual if n in row), None) for ours, usual in names.items()}
    return {ours: row[theirs] for ours, theirs in found.items() if theirs is not None}


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
