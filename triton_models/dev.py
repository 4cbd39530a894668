"""Labelled queries and judged pairs, yours or ours: JSON lines, each held to what is expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from triton_models.settings import UsageError

Fields = dict[str, tuple[Callable[[Any], bool], str]]  # whether a value is right, and what is


def labelled_queries(path: Path, labels: Sequence[str]) -> list[dict]:
    """Rows with `query`, `intent` (one of `labels`) and `style`, which may be left out: "".

    Raises:
        UsageError: names the file, and the first line that is wrong.
    """
    fields: Fields = {
        "query": (_text, "text"),
        "intent": (lambda value: value in labels, f"one of {', '.join(labels)}"),
        "style": (lambda value: isinstance(value, str), "text, or none"),
    }
    return _read(path, fields, {"style": ""})


def judged_pairs(path: Path) -> list[dict]:
    """Rows with `query`, `term` and `match` (1 or 0).

    Raises:
        UsageError: names the file, and the first line that is wrong.
    """
    yes_or_no = (lambda value: type(value) in (int, bool) and value in (0, 1), "1 or 0")
    return _read(path, {"query": (_text, "text"), "term": (_text, "text"), "match": yes_or_no}, {})


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
