"""`python -m triton_models data`: what a manifest holds, told before anything is trained on it."""

from __future__ import annotations

import json
from pathlib import Path

from triton_models.data import manifest_file, named, reading, records, report, view
from triton_models.data.manifest import Manifest, Source
from triton_models.settings import UsageError

TOLD_BY = (  # columns that tell a format, the most telling first
    ("clicks", ("query", "clicks")),
    ("pairs", ("query", "term", "grade")),
    ("tagged", ("tokens", "tags")),
    ("tagged", ("query", "spans")),
    ("queries", ("query", "intent")),
    ("catalogue", ("id", "title")),
)


def run(manifest: Path, markdown: Path | None = None, as_json: Path | None = None) -> None:
    """Print the report of a manifest, or of one file of data, and write it where asked.

    Raises:
        UsageError: the manifest or its files have faults, or, after the report, a key is on both
            sides of the split and the manifest does not say that it may be dropped.
    """
    data = reading.read(manifest_of(manifest))
    found = report.report(data)
    if markdown:
        _write(markdown, view.markdown(found), "--report")
    if as_json:
        _write(as_json, json.dumps(found, indent=2, ensure_ascii=False) + "\n", "--json")
    view.show(found)
    data.apart()


def manifest_of(place: Path) -> Manifest:
    """What a manifest says, or the manifest of one file of data, whose columns tell its format.

    Raises UsageError for a file that cannot be read, or of no format that we know.
    """
    if place.suffix == ".toml":
        return manifest_file.read(place)
    _, first = next(records.read(place, "", records.refusing(place)), (0, {}))
    known = (form for form, needed in TOLD_BY if _has(first, form, needed))
    if (form := next(known, None)) is None:
        raise UsageError(
            f"{place}: its columns are of no format that we know: {', '.join(first) or 'none'};"
            " name a manifest, which maps them"
        )
    source = Source(place.name, place, form, licence="not given", split="by_key")
    return Manifest(place, (source,), leaks="drop")


def _has(record: dict, form: str, needed: tuple[str, ...]) -> bool:
    names = named.names_of(form)
    return all(set(names[column]) & set(record) for column in needed)


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        told = f"cannot be written ({error.strerror}); give {option} another file"
        raise UsageError(f"{path}: {told}") from None
