"""`python -m triton_models data`: what a manifest holds, told before anything is trained on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from triton_models.data import manifest_file, named, reading, records, report, view
from triton_models.data.manifest import Manifest, Source
from triton_models.settings import UsageError

QUERIES, PAIRS = "queries", "pairs"
TOLD_BY = (  # columns that tell a format, the most telling first
    ("clicks", ("query", "clicks")),
    ("pairs", ("query", "term", "grade")),
    ("tagged", ("tokens", "tags")),
    ("tagged", ("query", "spans")),
    ("queries", ("query", "intent")),
    ("catalogue", ("id", "title")),
)


def run(
    manifest: Path,
    markdown: Path | None = None,
    as_json: Path | None = None,
    columns: Sequence[str] = (),
) -> None:
    """Print the report of a manifest, or of one file of data, and write it where asked.

    Raises:
        UsageError: the manifest or its files have faults, or, after the report, a key is on both
            sides of the split and the manifest does not say that it may be dropped.
    """
    data = reading.read(manifest_of(manifest, columns))
    found = report.report(data)
    if markdown:
        _write(markdown, view.markdown(found), "--report")
    if as_json:
        _write(as_json, json.dumps(found, indent=2, ensure_ascii=False) + "\n", "--json")
    view.show(found)
    data.apart()


def manifest_of(place: Path, columns: Sequence[str] = ()) -> Manifest:
    """What a manifest says, or the manifest of one file of data, whose columns tell its format, or
    the number of those that are given: of pairs three.

    Raises UsageError for a file that cannot be read, or of no format that we know.
    """
    if place.suffix == ".toml":
        if columns:
            raise UsageError("a manifest names its own columns: leave --columns out")
        return manifest_file.read(place)
    form = PAIRS if len(columns) == len(named.needed_of(PAIRS)) else QUERIES
    names = named.given_of(form, columns)
    form = form if columns else _form_of(place)
    source = Source(place.name, place, form, "not given", "by_key", names)
    return Manifest(place, (source,), leaks="drop")


def _form_of(place: Path) -> str:
    """The format of a file, by its columns."""
    layout = records.Layout(wanted=())  # what is there twice is told of those that are read
    _, first = next(records.read(place, "", records.refusing(place), layout), (0, {}))
    known = (form for form, needed in TOLD_BY if _has(first, form, needed))
    if (form := next(known, None)) is None:
        raise UsageError(named.unknown(place, first))
    return form


def _has(record: dict, form: str, needed: tuple[str, ...]) -> bool:
    names = named.names_of(form)
    there = named.theirs(record, names)
    return all(column in there for column in needed)


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        told = f"cannot be written ({error.strerror}); give {option} another file"
        raise UsageError(f"{path}: {told}") from None
