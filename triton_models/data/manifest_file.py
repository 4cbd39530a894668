"""Reads a manifest, and tells every fault of it by line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from triton_models import product_text
from triton_models.data import records
from triton_models.data.columns import COLUMNS
from triton_models.data.faults import Faults
from triton_models.data.manifest import (
    FORMATS,
    LEAKS,
    NO_LISTS,
    SPLITS,
    Manifest,
    Source,
)
from triton_models.settings import UsageError


def _text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _count(value: Any) -> bool:
    return type(value) is int and value > 0


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _mapping(value: Any, good: Callable[[Any], bool]) -> bool:
    return isinstance(value, dict) and all(good(item) for item in value.values())


def _label(value: Any) -> bool:
    return isinstance(value, str) or (type(value) in (int, float) and 0 <= value <= 1)


# Whether a value is right, and what is, or what tells it of a wrong value.
Check = tuple[Callable[[Any], bool], str | Callable[[Any], str]]
TOP: dict[str, Check] = {
    "intents": (lambda v: _texts(v) and len(v) == len(set(v)) > 1, "a list of different labels"),
    "leaks": (lambda v: v in LEAKS, "one of " + ", ".join(LEAKS)),
    "product_text": (lambda v: not product_text.fault(v), product_text.fault),
    "source": (lambda v: isinstance(v, list) and all(isinstance(s, dict) for s in v), "[[source]]"),
}
CHECKS: dict[str, Check] = {
    "name": (lambda v: _text(v) and bool(re.fullmatch(r"[\w.-]+", v)), "letters, digits, - _ ."),
    "path": (_text, "a file, relative to the manifest"),
    "format": (lambda v: v in FORMATS, "one of " + ", ".join(FORMATS)),
    "licence": (_text, "its name, such as CC-BY-4.0 or own"),
    "split": (lambda v: v in SPLITS, "one of " + ", ".join(SPLITS)),
    "columns": (lambda v: _mapping(v, _text), "a table, ours = theirs"),
    "labels": (lambda v: _mapping(v, _label), 'a table, theirs = ours, "" to leave out'),
    "label": (_text, "a label"),
    "key": (_text, "a column of the file"),
    "dev_share": (lambda v: type(v) is int and 0 < v < 100, "percent, 1 to 99"),
    "weight": (lambda v: type(v) in (int, float) and 0 < v < 1e6, "a number above 0"),
    "delimiter": (lambda v: isinstance(v, str) and len(v) == 1, "one character"),
    "catalogue": (_text, "the name of a source of format catalogue"),
    "min_impressions": (_count, "a whole number above 0"),
    "min_clicks": (_count, "a whole number above 0"),
}
NEEDED = ("name", "path", "format", "licence", "split")
GOES_WITH: dict[str, tuple[str, ...]] = {
    "labels": ("queries", "tagged", "pairs"),
    "label": ("queries",),
    "catalogue": ("clicks",),
    "min_impressions": ("clicks",),
    "min_clicks": ("clicks",),
}


def read(path: Path) -> Manifest:
    """Read and check a manifest; the files it names are only looked for.

    Raises:
        UsageError: lists every fault.
    """
    path, faults = Path(path), Faults()
    try:
        text = path.read_text(encoding="utf-8")
        parts = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a manifest") from None
    except ValueError as error:
        raise UsageError(f"{path}: not TOML in UTF-8 ({error}); fix the file") from None
    lines = text.splitlines()
    _check(parts, TOP, ("source",), path, lines, (1, len(lines) + 1), faults)
    faults.tell(path)
    starts = [n for n, line in enumerate(lines, 1) if re.match(r"\s*\[\[\s*source\s*\]\]", line)]
    starts += [0] * len(parts["source"])  # written in another way
    ends = [*starts[1:], 0]
    sources = [
        _source(path, raw, lines, (start, end or len(lines) + 1), faults)
        for raw, start, end in zip(parts["source"], starts, ends, strict=False)
    ]
    found = [source for source in sources if source]
    _together(found, tuple(parts.get("intents", ())), path, lines, faults)
    faults.tell(path)
    intents, leaks = tuple(parts.get("intents", ())), parts.get("leaks", "refuse")
    return Manifest(path, tuple(found), intents, leaks, parts.get("product_text", ""))


def _source(
    path: Path, raw: dict[str, Any], lines: list[str], span: tuple[int, int], faults: Faults
) -> Source | None:
    """One source; None when something of it is wrong."""
    before = len(faults)
    _check(raw, CHECKS, NEEDED, path, lines, span, faults)
    if len(faults) > before:
        return None
    values = raw | {"path": path.parent / raw["path"], "line": span[0]}
    values["weight"] = float(raw.get("weight", 1))
    source = Source(**values)
    for key, told in _own_faults(source, raw):
        faults.add(str(path), _line(lines, key, span), f"{source.name}: {told}")
    return source if len(faults) == before else None


def _check(
    found: dict[str, Any],
    checks: dict[str, Check],
    needed: tuple[str, ...],
    path: Path,
    lines: list[str],
    span: tuple[int, int],
    faults: Faults,
) -> None:
    """Hold a table of the manifest to its checks."""
    of = f"{found['name']}: " if isinstance(found.get("name"), str) else ""
    for key in needed:
        if key not in found:
            faults.add(str(path), span[0], f"{of}{key} is missing: {checks[key][1]}")
    for key, value in found.items():
        line = _line(lines, key, span)
        if key not in checks:
            faults.add(str(path), line, f"{of}{key!r} is not known; one of {', '.join(checks)}")
        elif not checks[key][0](value):
            right = checks[key][1]
            right = right if isinstance(right, str) else right(value)
            faults.add(str(path), line, f"{of}{key}: found {value!r:.80}, expected {right}")


def _line(lines: list[str], key: str, span: tuple[int, int]) -> int:
    """The line of a key within [first, behind the last), else the first."""
    wanted = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""")
    numbers = (n for n in range(max(span[0], 1), span[1]) if wanted.match(lines[n - 1]))
    return next(numbers, span[0])


def _own_faults(source: Source, raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) where the keys of a source do not fit each other or its file."""
    for key, formats in GOES_WITH.items():
        if key in raw and source.format not in formats:
            yield key, f"{key} goes with format {' or '.join(formats)}"
    if not records.kind(source.path):
        yield "path", f"{source.path}: name it {', '.join(records.SUFFIXES)} or these + .gz"
    elif not source.path.is_file():
        yield "path", f"{source.path} not found; fix the path"
    known = [name.rstrip("?") for name in COLUMNS[source.format]]
    for name in sorted(set(source.columns) - set(known)):
        yield "columns", f"{name!r} is none of our columns: {', '.join(known)}"
    if source.plain and source.format != "queries":
        yield "format", "plain text holds queries only; give a table or JSON lines"
    if source.format == "tagged" and records.kind(source.path) in (".csv", ".tsv"):
        yield "path", NO_LISTS
    if source.plain and (source.columns or source.key):
        yield "columns" if source.columns else "key", "plain text has no columns"
    if source.split != "by_key" and (raw.keys() & {"key", "dev_share"}):
        yield "split", "key and dev_share go with split by_key"
    if source.label is not None and (source.labels or "intent" in source.columns):
        yield "label", "give label, or labels and a column for them, not both"
    if source.format == "pairs" and any(
        v != "" and isinstance(v, str) for v in source.labels.values()
    ):
        yield "labels", 'a grade is a number from 0 (does not belong) to 1, or "" to leave out'
    texts = all(isinstance(label, str) for label in source.labels.values())
    if source.format in ("queries", "tagged") and not texts:
        yield "labels", 'a label is a text, or "" to leave out'


def _together(
    sources: list[Source], intents: tuple[str, ...], path: Path, lines: list[str], faults: Faults
) -> None:
    """Faults among sources: names twice, labels that the manifest does not allow, no catalogue."""
    seen: dict[str, Source] = {}
    for source in sources:
        span = (source.line, len(lines) + 1)
        if source.name in seen:
            told = f"{source.name}: named twice, also in line {seen[source.name].line}; rename one"
            faults.add(str(path), _line(lines, "name", span), told)
        seen.setdefault(source.name, source)
        ours = {source.label, *source.labels.values()} - {None, ""}
        if source.format == "queries" and intents and (strange := ours - set(intents)):
            told = f"{source.name}: {', '.join(map(repr, sorted(strange)))} is not in intents"
            faults.add(str(path), _line(lines, "labels", span), f"{told}; fix it, or add it there")
    catalogues = {s.name for s in sources if s.format == "catalogue"}
    for source in sources:
        if source.catalogue and source.catalogue not in catalogues:
            told = f"{source.name}: no catalogue is named {source.catalogue!r}"
            line = _line(lines, "catalogue", (source.line, len(lines) + 1))
            faults.add(str(path), line, f"{told}; fix the name, or add a source for it")
