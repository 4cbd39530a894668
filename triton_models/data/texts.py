"""Unlabelled text of your own: queries, titles, descriptions, in any of the formats we read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from triton_models.data import named, records
from triton_models.data.dataset import Sides
from triton_models.data.split import is_dev

COLUMNS = ("query", "text", "term", "title", "description")


def read(places: Sequence[Path]) -> list[str]:
    """Every text of some files once: the lines of .txt, and the columns `COLUMNS` of the others.

    Raises UsageError that names the file, and the line that is wrong.
    """
    return list(dict.fromkeys(text for place in places for text in _texts(Path(place))))


def split(found: Iterable[str]) -> Sides[str]:
    """(to learn from, held out), by the hash of the text: 15 % are held out, always the same."""
    sides = Sides([], [])
    for text in found:
        sides[is_dev(text)].append(text)
    return sides


def digest(found: Iterable[str]) -> str:
    """The SHA-256 of texts in their order."""
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def _texts(path: Path) -> list[str]:
    blame = records.refusing(path)
    if not records.kind(path):
        blame(0, f"not known by its name; call it one of *{', *'.join(records.SUFFIXES)}")
    rows = (named.ours(row, {}) for _, row in records.read(path, "", blame))
    values = (row[name] for row in rows for name in COLUMNS if name in row)
    found = [" ".join(v.split()) for v in values if isinstance(v, str) and v.strip()]
    if not found:
        blame(0, f"no text in it; give lines of text, or a column {', '.join(COLUMNS)}")
    return found
