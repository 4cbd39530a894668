"""Labelled queries and judged pairs, yours or ours: JSON lines, each held to what is expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from triton_models.data.manifest import SENTIMENTS
from triton_models.settings import UsageError

Fields = dict[str, tuple[Callable[[Any], bool], str]]  # whether a value is right, and what is

TEXT = (lambda value: isinstance(value, str), "text, or none")
OPTIONAL: Fields = {
    "style": TEXT,
    "source": TEXT,
    "language": TEXT,
    "sentiment": (
        lambda value: value in ("", None, *SENTIMENTS),
        f"{', '.join(SENTIMENTS)}, or none",
    ),
    "count": (
        lambda value: value is None or (type(value) in (int, float) and value >= 0),
        "how often the query is asked, a number from 0, or none",
    ),
}
NOTHING = {"style": "", "source": "", "language": "", "sentiment": "", "count": None}


def labelled_queries(path: Path, labels: Sequence[str]) -> list[dict]:
    """Rows with `query`, `intent` (one of `labels`), and what may be left out: `style`, `source`,
    `language` (then ""), and `count`, how often the query is asked (then None).

    Raises:
        UsageError: names the file, and the first line that is wrong.
    """
    fields: Fields = {
        "query": (_text, "text"),
        "intent": (lambda value: value in labels, f"one of {', '.join(labels)}"),
    }
    return _read(path, fields | OPTIONAL, NOTHING)


def judged_pairs(path: Path) -> list[dict]:
    """Rows with `query`, `term` and `match` (1 or 0), and what may be left out, as above.

    Raises:
        UsageError: names the file, and the first line that is wrong.
    """
    yes_or_no = (lambda value: type(value) in (int, bool) and value in (0, 1), "1 or 0")
    fields: Fields = {"query": (_text, "text"), "term": (_text, "text"), "match": yes_or_no}
    return _read(path, fields | OPTIONAL, NOTHING)


def judged_queries(path: Path) -> list[dict]:
    """Rows with `query`, `relevant` (its right texts), and what may be left out: as above, and
    `grades`, a number above 0 for each right text (1 each).

    Raises:
        UsageError: names the file, and the first line that is wrong.
    """
    fields: Fields = {
        "query": (_text, "text"),
        "relevant": (_texts, "a list of texts"),
        "grades": (_grades, "a list of numbers above 0, or none"),
    }
    rows = _read(path, fields | OPTIONAL, NOTHING | {"grades": []})
    for row in rows:
        if row["grades"] and len(row["grades"]) != len(row["relevant"]):
            raise UsageError(
                f"{path}: {row['query'][:80]!r}: {len(row['grades'])} grades for"
                f" {len(row['relevant'])} relevant texts; give one for each"
            )
    return rows


def of_all(read: Callable[[Path], list[dict]], paths: Sequence[Path]) -> list[dict]:
    """The rows of several files; where there are several, a row without a source gets its file's
    name for one."""
    parts = [(path.stem if len(paths) > 1 else "", read(path)) for path in paths]
    return [row | {"source": row["source"] or name} for name, rows in parts for row in rows]


def _texts(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(map(_text, value))


def _grades(value: Any) -> bool:
    return isinstance(value, list) and all(type(v) in (int, float) and v > 0 for v in value)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _read(path: Path, fields: Fields, defaults: dict[str, Any]) -> list[dict]:
    needed = ", ".join(name for name in fields if name not in defaults)
    remedy = f"give --dev a file of JSON lines with {needed}"
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); {remedy}") from None
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise UsageError(f"{path}: no line in it; {remedy}")
    return [_row(f"{path}:{number}", line, fields, defaults) for number, line in numbered]


def _row(place: str, line: bytes, fields: Fields, defaults: dict[str, Any]) -> dict:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON ({error}); mend the line") from None
    if not isinstance(row, dict):
        raise UsageError(f"{place}: not a JSON object; write one with {', '.join(fields)}")
    row = defaults | row
    for name, (right, expected) in fields.items():
        if name not in row or not right(row[name]):
            found = repr(row[name])[:80] if name in row else "nothing"
            raise UsageError(f"{place}: {name}: found {found}, expected {expected}; mend the line")
    return {name: row[name] for name in fields}
