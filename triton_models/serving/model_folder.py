"""Where an export goes: what it may replace there, and how a finished folder comes there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from triton_models.kinds import KINDS
from triton_models.settings import UsageError, foreign


def require_own(out: Path, kind: str) -> None:
    """Raises UsageError where something is that an export of this kind may not replace: anything
    but an empty folder, or a model of the same kind.
    """
    there = kind_in(out) if (out / "model.json").is_file() else ""
    if foreign(out, "model.json") or there is None:
        raise UsageError(
            f"{out}: exists and is not a model folder; choose another, or empty it first"
        )
    if there not in ("", kind):
        raise UsageError(
            f"{out}: holds a model of {there}, not of {kind}; give --out another folder, or delete"
            " this one first"
        )


def kind_in(folder: Path) -> str | None:
    """The kind that a folder's model.json names; None where it names none that we know."""
    try:
        found = json.loads((folder / "model.json").read_text(encoding="utf-8"))["kind"]
        return found if found in KINDS else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def publish(folder: Path, out: Path, kind: str) -> None:
    """Move a finished folder to its place in one step; an older one's card is kept.

    Raises UsageError as `require_own` does: what is there may have come during the export.
    """
    require_own(out, kind)
    card = out / "CARD.md"
    if card.is_file():
        shutil.copy(card, folder / "CARD.md")
    old = folder.with_name("old")
    if out.exists():
        out.rename(old)
    folder.rename(out)
