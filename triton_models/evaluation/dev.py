"""Labelled queries and judged pairs, yours or ours, each row held to what is expected.

Files are read as `data.named` says, by the names that `finetune` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from triton_models.data import named
from triton_models.data.graded import BELONGS
from triton_models.data.manifest import SENTIMENTS
from triton_models.data.named import Given
from triton_models.data.records import word
from triton_models.query_text import normal_form
from triton_models.settings import UsageError, listed

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
WORDS = ("intent", "sentiment", "style", "source", "language")
NOTHING = {"style": "", "source": "", "language": "", "sentiment": "", "count": None}


def labelled_queries(path: Given, labels: Sequence[str]) -> list[dict]:
    """Rows with `query`, `intent` (one of `labels`), and what may be left out: `style`, `source`,
    `language`, `sentiment` (then ""), and `count`, how often the query is asked (then None). The
    intent may be left out where there is a sentiment; it is "" then.

    Raises:
        UsageError: names the file, and the first line that is wrong.
    """
    fields: Fields = {
        "query": (_text, "text"),
        "intent": (lambda value: value in labels, f"one of {listed(labels)}"),
    }
    return _read(path, "queries", fields)


def with_intent(rows: Sequence[dict]) -> list[dict]:
    """Those of labelled queries whose intent is known; UsageError where none is."""
    found = [row for row in rows if row["intent"]]
    if not found:
        raise UsageError("no dev query has an intent, only a sentiment; give other --dev files")
    return found


def judged_pairs(path: Given) -> list[dict]:
    """Rows with `query`, `term`, `grade` from 0 to 1 (a file may call it `match`, 1 or 0), `match`
    (1 from a grade of 0.5, else 0), and what may be left out, as above.

    Raises:
        UsageError: names the file, and the first line that is wrong.
    """
    graded = (lambda value: type(value) in (int, float, bool) and 0 <= value <= 1, "0 to 1")
    fields: Fields = {"query": (_text, "text"), "term": (_text, "text"), "grade": graded}
    rows = _read(path, "pairs", fields)
    return [row | {"match": int(row["grade"] >= BELONGS)} for row in rows]


def judged_queries(path: Given) -> list[dict]:
    """Rows with `query`, `relevant` (its right texts), `grades`, a number above 0 for each of them
    (1 each), `others`, texts that do not belong to it, and what may be left out, as above.

    A file of judged pairs gives a row for each query with a match.

    Raises:
        UsageError: names the file, and the first line that is wrong.
    """
    _, first = next(named.rows(path, "pairs"), (0, {}))
    if first and "relevant" not in first:
        return _of_pairs(path, judged_pairs(path))
    fields: Fields = {
        "query": (_text, "text"),
        "relevant": (_texts, "a list of texts"),
        "grades": (_grades, "a list of numbers above 0, or none"),
    }
    rows = _read(path, "pairs", fields, {"grades": []})
    for row in rows:
        if row["grades"] and len(row["grades"]) != len(row["relevant"]):
            raise UsageError(
                f"{path}: {row['query'][:80]!r}: {len(row['grades'])} grades for"
                f" {len(row['relevant'])} relevant texts; give one for each"
            )
    return [row | {"others": []} for row in rows]


def _of_pairs(path: Given, pairs: Sequence[dict]) -> list[dict]:
    """Judged pairs by query."""
    found: dict[str, dict] = {}
    for pair in pairs:
        new = pair | {"relevant": [], "grades": [], "others": []}
        row = found.setdefault(normal_form(pair["query"]), new)
        if pair["match"]:
            row["relevant"].append(pair["term"])
            row["grades"].append(pair["grade"])
        else:
            row["others"].append(pair["term"])
    rows = [row for row in found.values() if row["relevant"]]
    if not rows:
        raise UsageError(f"{path}: no pair in it matches (a grade from 0.5 does)")
    return [{n: v for n, v in row.items() if n not in ("term", "grade", "match")} for row in rows]


def of_all(read: Callable[[Given], list[dict]], paths: Sequence[Given]) -> list[dict]:
    """The rows of several files; where there are several, a row without a source gets its file's
    name for one."""
    parts = [(Path(str(path)).stem if len(paths) > 1 else "", read(path)) for path in paths]
    return [row | {"source": row["source"] or name} for name, rows in parts for row in rows]


def _texts(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(map(_text, value))


def _grades(value: Any) -> bool:
    return isinstance(value, list) and all(type(v) in (int, float) and v > 0 for v in value)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _read(path: Given, form: str, fields: Fields, more: dict[str, Any] | None = None) -> list[dict]:
    """The rows of a file with these fields and the optional ones; `more` are further defaults."""
    defaults = NOTHING | (more or {})
    found = [
        _row(f"{path}:{line}", row, fields | OPTIONAL, defaults, line == 1)
        for line, row in named.rows(path, form)
    ]
    if not found:
        needed = ", ".join(name for name in fields if name not in defaults)
        raise UsageError(f"{path}: no line in it; give --dev a file with {needed}")
    return found


def _row(place: str, row: dict, fields: Fields, defaults: dict[str, Any], first: bool) -> dict:
    row = defaults | row
    if "intent" in fields and row["sentiment"] and not row.get("intent"):
        row, fields = row | {"intent": ""}, fields | {"intent": TEXT}
    row |= {name: _number(row[name]) for name in ("count", "grade") if name in row}
    row |= {name: _label(row[name]) for name in WORDS if name in row}
    for name, (right, expected) in fields.items():
        if name not in row or not right(row[name]):
            found = repr(row[name])[:80] if name in row else "nothing"
            heading = first or name not in row  # the first line may be one that we do not know
            remedy = "fix the line, or give --columns" if heading else "fix the line"
            raise UsageError(f"{place}: {name}: found {found}, expected {expected}; {remedy}")
    return {name: row[name] for name in fields}


def _label(value: Any) -> Any:
    """A label as `finetune` reads it, without spaces around it; anything else as it is."""
    return word(value) or value


def _number(value: Any) -> Any:
    """A number that a table holds as text; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if value.strip() else None
    except ValueError:
        return value
