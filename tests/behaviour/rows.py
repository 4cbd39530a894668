"""The rows of a suite, read and checked; the message about a wrong row names its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.behaviour.checks import CHECKS

SUITE = Path(__file__).with_name("suite.jsonl")
INTENTS = {"purchase", "browse", "inquiry", "complaint", "other"}
Row = dict[str, Any]


class SuiteError(ValueError):
    """A suite cannot be used; the message names file, line and remedy."""


def read_rows(path: Path) -> list[Row]:
    """The rows of a file of JSON lines.

    Raises:
        SuiteError: the file cannot be read, or rows are wrong; every wrong one is named.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: {error}; name a file of JSON lines in UTF-8") from None
    rows: dict[str, Row] = {}
    wrong = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row, found = _parsed(line)
        if not found and row["query"] in rows:
            found = [f"a row before this one has the query {row['query']!r}; merge the two"]
        wrong += [f"{path}:{number}: {fault}" for fault in found]
        if not found:
            rows[row["query"]] = row
    if wrong:
        raise SuiteError("\n".join(wrong))
    return list(rows.values())


def _parsed(line: str) -> tuple[Row, list[str]]:
    try:
        row = json.loads(line)
    except ValueError as error:
        return {}, [f"not JSON ({error}); write one object a line"]
    if not isinstance(row, dict):
        return {}, ['not an object; write {"kind": …, "query": …, and what must hold}']
    return row, row_faults(row)


def row_faults(row: Row) -> list[str]:
    """What is wrong with a row itself."""
    faults = [
        f"`{name}` must be a text" for name in ("kind", "query") if not _is_text(row.get(name))
    ]
    checked = row.keys() - {"kind", "query"}
    if not checked:
        faults.append(f"it asks for nothing; add one of {', '.join(CHECKS)}")
    for key in sorted(checked):
        if key not in CHECKS:
            faults.append(f"unknown key `{key}`; the keys are {', '.join(CHECKS)}")
        elif not CHECKS[key].form(row[key]):
            faults.append(f"`{key}` must have the form {CHECKS[key].example}")
    return faults or _contradictions(row)


def _contradictions(row: Row) -> list[str]:
    faults = []
    if unknown := set(row.get("intent", [])) - INTENTS:
        faults.append(f"unknown intents {sorted(unknown)}; they are {sorted(INTENTS)}")
    for wanted, forbidden in (
        ("expand_any", "not_expand"),
        ("category_any", "not_category"),
        ("attributes", "not_attributes"),
    ):
        if both := set(row.get(wanted, [])) & set(row.get(forbidden, [])):
            faults.append(f"`{wanted}` and `{forbidden}` both have {sorted(both)}")
    for wanted, nothing in (("expand_any", "no_expansion"), ("category_any", "no_category")):
        if wanted in row and nothing in row:
            faults.append(f"`{wanted}` and `{nothing}` cannot both hold")
    for pair in row.get("attributes", []):
        if "=" not in pair:
            faults.append(f"`attributes` has {pair!r}; write name=value")
    return faults


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
