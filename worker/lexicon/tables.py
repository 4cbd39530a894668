"""Reads and checks `attributes.toml`, the table of attribute words.

[color]         value = words for it; so too [material] [gender] [age] [size]
[unit.size]     unit = ways to write it behind a number; so too [unit.quantity]
[count.size]    the same of what is counted; so too [count.quantity]
[modifiers]     words: belong to a colour that follows
[[beside]]      words: count only beside a term of `departments`, or of any but `except`
[idioms]        phrases: nothing in them is an attribute
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any

from worker.errors import Fault
from worker.lexicon.words import Spelling, key

VALUES = ("color", "material", "gender", "age", "size")
MEASURES = ("size", "quantity")
PARTS = {*VALUES, "unit", "count", "modifiers", "beside", "idioms"}


def read_tables(
    path: Path, spelling: Spelling, departments: Set[str] | None, faults: list[Fault]
) -> dict[str, Any]:
    """The tables as `Attributes` takes them; what is wrong goes to `faults`.

    Args:
        departments: those that the table may name, None for any.
    """
    try:
        parts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        faults.append(Fault(path.name, str(error), "TOML in UTF-8", "correct the file"))
        return {}
    faulty = [*_shapes(parts)] or [*_faults(parts), *_unknown_departments(parts, departments)]
    wrong = [Fault(path.name, *fault) for fault in faulty]
    faults += wrong
    return {} if wrong else _tables(parts, spelling)


def _tables(parts: dict[str, Any], spelling: Spelling) -> dict[str, Any]:
    values = {
        form: (name, value)
        for name in VALUES
        for value, texts in parts.get(name, {}).items()
        for form in _forms(texts, spelling)
    }
    idioms = _forms(parts.get("idioms", {}).get("phrases", []), spelling)
    return {
        "values": values | {form: ("", "") for form in idioms},
        "units": _measures(parts.get("unit", {})),
        "counts": _measures(parts.get("count", {})),
        "modifiers": _forms(parts.get("modifiers", {}).get("before", []), spelling),
        "markers": _forms(parts.get("modifiers", {}).get("after", []), spelling),
        "beside": [_rule(rule, spelling) for rule in parts.get("beside", [])],
    }


def _forms(texts: Iterable[str], spelling: Spelling) -> list[str]:
    """The keys of the texts, in every spelling."""
    forms = dict.fromkeys(map(key, texts))
    return list(forms | dict.fromkeys(other for f in forms for other in spelling.spellings(f)))


def _measures(tables: dict[str, dict[str, list[str]]]) -> dict[str, tuple[str, str]]:
    return {
        text: (name, unit)
        for name, units in tables.items()
        for unit, texts in units.items()
        for text in texts
    }


def _rule(rule: dict[str, list[str]], spelling: Spelling) -> dict[str, Any]:
    only = "departments" in rule
    departments = rule["departments" if only else "except"]
    return {"words": _forms(rule["words"], spelling), "only": only, "departments": departments}


def _shapes(parts: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Parts that are no tables: what was found, what is expected, and the remedy."""
    tables = {f"[{name}]": parts.get(name, {}) for name in (*VALUES, "modifiers", "idioms")}
    for part in ("unit", "count"):
        measures = parts.get(part, {})
        inner = measures.items() if isinstance(measures, dict) else [("size", None)]
        tables |= {f"[{part}.{name}]": table for name, table in inner}
    for name, table in tables.items():
        if not isinstance(table, dict):
            yield f"{name} of another type", "a table", f"write {name} and keys below it"
    rules = parts.get("beside", [])
    good = isinstance(rules, list) and all(isinstance(rule, dict) for rule in rules)
    if not good or not all(isinstance(texts, list) for rule in rules for texts in rule.values()):
        yield "[[beside]] of another type", "tables of lists", "write [[beside]] and lists below it"


def _faults(parts: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What was found, what is expected, and the remedy."""
    for name in parts.keys() - PARTS:
        yield f"[{name}]", "one of " + ", ".join(sorted(PARTS)), "remove or rename it"
    lists = [(name, parts.get(name, {})) for name in (*VALUES, "modifiers", "idioms")]
    for part in ("unit", "count"):
        for name in parts.get(part, {}).keys() - {*MEASURES}:
            yield f"[{part}.{name}]", "one of " + ", ".join(MEASURES), "rename it"
        lists += [(f"{part}.{name}", table) for name, table in parts.get(part, {}).items()]
    for name, table in lists:
        for value, texts in table.items():
            if not _texts(texts):
                yield f"[{name}] {value}", "a list of lower-case texts", "write it so"
    for rule in parts.get("beside", []):
        if rule.keys() not in ({"words", "departments"}, {"words", "except"}):
            yield "[[beside]]", "words, and either departments or except", "write it so"
        elif not _texts(rule["words"]):
            yield "[[beside]] words", "a list of lower-case texts", "write it so"
    yield from _twice(parts)


def _unknown_departments(
    parts: dict[str, Any], departments: Set[str] | None
) -> Iterator[tuple[str, str, str]]:
    """Departments that no file has."""
    for rule in parts.get("beside", []) if departments is not None else []:
        for name in rule.get("departments", rule.get("except", [])):
            if name not in departments:
                yield f"[[beside]] {name!r}", "a department of the source files", "correct the name"


def _twice(parts: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Texts that stand for two values."""
    seen: dict[str, str] = {}
    for name in VALUES:
        for value, texts in parts.get(name, {}).items():
            for text in filter(_text, texts if isinstance(texts, list) else []):
                place = f"[{name}] {value}"
                first = seen.setdefault(key(text), place)
                if first != place:
                    yield f"{text!r} in {place}", "each text for one value", f"also in {first}"


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value == value.lower()


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))
