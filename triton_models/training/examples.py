"""Labelled queries of your own, with any labels: CSV, TSV, JSON lines, or one JSON file.

A JSON file may hold several lists by name, as some public sets do: `data.json:train+extra` reads
two of them. Columns are found by their usual names, or named by `--columns`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triton_models.data.split import is_dev
from triton_models.settings import UsageError

TEXT = ("query", "text", "utterance", "sentence")
LABEL = ("intent", "labels", "label", "category")
SEPARATOR = "|"  # between the labels of one query, in CSV and TSV


@dataclass(frozen=True)
class Example:
    """A query and its labels; one, unless several are asked for."""

    text: str
    labels: tuple[str, ...]


def read(place: str, columns: Sequence[str] = (), multi: bool = False) -> list[Example]:
    """The examples of a file, given as PATH or PATH:part+part.

    Raises UsageError that names the file and the first line that is wrong.
    """
    name, _, parts = place.partition(".json:")
    path = Path(name + ".json") if parts else Path(place)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"{path}: cannot be read ({told}); give labelled queries") from None
    rows = _rows(path, text, parts.split("+") if parts else [], columns)
    found = [_example(f"{path}:{number}", row, columns, multi) for number, row in rows]
    if not found:
        raise UsageError(f"{path}: no labelled query in it; give one a line, with its label")
    return found


def _rows(
    path: Path, text: str, parts: list[str], columns: Sequence[str]
) -> Iterator[tuple[int, Any]]:
    """(line or place, row): a dictionary, or a list of text and label."""
    if path.suffix == ".json":
        yield from enumerate(_lists(path, text, parts), 1)
    elif path.suffix in (".csv", ".tsv"):
        yield from _table(path, text, columns)
    else:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, _json(f"{path}:{number}", line)


def _table(path: Path, text: str, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
    """The rows of CSV or TSV; without a heading that we know, two columns are text and label."""
    lines = csv.reader(io.StringIO(text), delimiter="," if path.suffix == ".csv" else "\t")
    heading = next(lines, [])
    named = bool(columns) or len(heading) != 2 or bool({*map(str.lower, heading)} & {*TEXT})
    if not named:
        yield 1, heading
    for row in filter(None, lines):
        if len(row) != len(heading):
            raise UsageError(
                f"{path}:{lines.line_num}: {len(row)} columns, and {len(heading)} in the first"
                " line; mend the line"
            )
        yield lines.line_num, dict(zip(heading, row, strict=True)) if named else row


def _lists(path: Path, text: str, parts: list[str]) -> list:
    found = _json(str(path), text)
    if isinstance(found, list) and not parts:
        return found
    if not isinstance(found, dict):
        raise UsageError(f"{path}: no list of queries in it; give [[query, label], …]")
    known = [key for key, value in found.items() if isinstance(value, list)]
    if not parts or set(parts) - set(known):
        raise UsageError(f"{path}: name the lists to read, as {path.name}:{'+'.join(known)}")
    return [row for part in parts for row in found[part]]


def _json(place: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON ({error}); mend it") from None


def _example(place: str, row: Any, columns: Sequence[str], multi: bool) -> Example:
    names = (columns[:1], columns[1:]) if columns else (TEXT, LABEL)
    if isinstance(row, dict):
        text, label = (next((row[n] for n in group if n in row), None) for group in names)
    else:
        text, label = row if isinstance(row, list) and len(row) == 2 else (None, None)
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f"{place}: no {' or '.join(names[0])}; mend the line, or give --columns")
    labels = label if isinstance(label, list) else [label]
    if multi and isinstance(label, str):
        labels = [part.strip() for part in label.split(SEPARATOR) if part.strip()]
    if not all(isinstance(one, str) and one.strip() for one in labels):
        raise UsageError(f"{place}: no {' or '.join(names[1])}; mend the line, or give --columns")
    if not multi and len(labels) != 1:
        raise UsageError(f"{place}: {len(labels)} labels; --multi trains with several for a query")
    return Example(" ".join(text.split()), tuple(dict.fromkeys(labels)))


def split(found: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """(to learn from, dev), by the hash of the query: 15 % are dev, always the same."""
    return (
        [e for e in found if not is_dev(e.text)],
        [e for e in found if is_dev(e.text)],
    )


def without(found: Sequence[Example], held_out: Sequence[Example]) -> list[Example]:
    """The examples whose query is not in the other list; case and signs do not tell apart."""
    seen = {plain(e.text) for e in held_out}
    return [e for e in found if plain(e.text) not in seen]


def plain(text: str) -> str:
    """Lower case, letters and digits only; the text itself where nothing would be left."""
    return "".join(c for c in text.casefold() if c.isalnum()) or text


def label_names(found: Iterable[Example]) -> tuple[str, ...]:
    """Every label, in alphabetical order."""
    return tuple(sorted({label for example in found for label in example.labels}))


def digest(found: Iterable[Example]) -> str:
    """The SHA-256 of examples in their order."""
    rows = (json.dumps([e.text, *e.labels], ensure_ascii=False) for e in found)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
