"""`python -m triton_models data`: what a manifest holds, told before anything is trained on it."""

from __future__ import annotations

import json
from pathlib import Path

from triton_models.data import manifest_file, reading, report, view
from triton_models.settings import UsageError


def run(manifest: Path, markdown: Path | None = None, as_json: Path | None = None) -> None:
    """Print the report of a manifest, and write it where asked.

    Raises:
        UsageError: the manifest or its files have faults, or, after the report, a key is on both
            sides of the split and the manifest does not say that it may be dropped.
    """
    data = reading.read(manifest_file.read(manifest))
    found = report.report(data)
    if markdown:
        _write(markdown, view.markdown(found), "--report")
    if as_json:
        _write(as_json, json.dumps(found, indent=2, ensure_ascii=False) + "\n", "--json")
    view.show(found)
    data.apart()


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        told = f"cannot be written ({error.strerror}); give {option} another file"
        raise UsageError(f"{path}: {told}") from None
