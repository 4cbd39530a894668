"""A product as the text that a model reads: a template over its fields.

    {title}[ by {brand}][, {attributes.color}]

A field in braces is a column, or a path into an object; a list gives its values with commas. What
stands in brackets goes where one of its fields is empty. The manifest names the template, and
model.json keeps it, so that what is asked is composed as what was learned. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FIELD = re.compile(r"\{([^{}\[\]]*)\}")
GROUP = re.compile(r"\[([^\[\]]*)\]")
NAME = re.compile(r"[^\s.{}\[\]]+(\.[^\s.{}\[\]]+)*")


def fault(template: Any) -> str:
    """What is wrong with a template, "" if nothing is."""
    if not isinstance(template, str) or not template.strip():
        return "a text such as {title}[ by {brand}]"
    bare = FIELD.sub("", GROUP.sub(lambda group: group[1], template))
    if left := re.search(r"[{}\[\]]", bare):
        return f"a template in which {left[0]!r} has its other half, and no brackets in brackets"
    if odd := [name for name in FIELD.findall(template) if not NAME.fullmatch(name)]:
        return f"a template whose fields are names of columns, not {odd[0]!r}"
    if any(not FIELD.search(group) for group in GROUP.findall(template)):
        return "a template with a field in each pair of brackets"
    return "" if FIELD.search(GROUP.sub("", template)) else "a field outside of brackets"


def compose(template: str, row: Mapping[str, Any]) -> str:
    """The text of a product, its words parted by single spaces; "" where no field has a value."""

    def group(found: re.Match) -> str:
        inside = found[1]
        return inside if all(value(row, name) for name in FIELD.findall(inside)) else ""

    kept = GROUP.sub(group, template)
    if not any(value(row, name) for name in FIELD.findall(kept)):
        return ""
    return " ".join(FIELD.sub(lambda found: value(row, found[1]), kept).split())


def value(row: Mapping[str, Any], name: str) -> str:
    """A field as text, "" where it is not there."""
    found: Any = row.get(name)
    if found is None and "." in name:
        found = row
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    return _text(found)


def _text(found: Any) -> str:
    if isinstance(found, str):
        return found.strip()
    if isinstance(found, bool) or found is None:
        return ""
    if isinstance(found, float) and found.is_integer():
        return str(int(found))
    if isinstance(found, int | float):
        return str(found)
    values = found.values() if isinstance(found, Mapping) else found
    return ", ".join(filter(None, map(_text, values))) if isinstance(found, Mapping | list) else ""
