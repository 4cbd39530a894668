"""The texts on which an exported model is held against its network: of the model's own language."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from triton_models.kinds import KINDS
from triton_models.serving.predict import questions
from triton_models.settings import DEV

MOST = 256
TERM = "sneakers"  # for a query without one, where the model reads pairs
ENGLISH = (
    *("red running shoes", "wher is my order", "sony wh-1000xm5", "a", "gift " * 30, "shoes"),
    *("the zip broke after two days", "do you ship to canada?", "buy it now", "hello there"),
    *("cheap waterproof jacket for men under 50", "how do i change my password"),
)


class Check(NamedTuple):
    """A query in normal form, and a term where the model reads pairs."""

    text: str
    term: str


def of(checkpoint: Path, kind: str, file: Path | None) -> tuple[list[Check], str]:
    """The texts, by length, and in words where they are from.

    Raises UsageError for a file that cannot be read.
    """
    if file is None and not (checkpoint / DEV).is_file():
        told = (
            "English texts of ours: give --texts your own queries, if they are in another language"
        )
        return _ordered([Check(text, TERM) for text in ENGLISH]), told
    place = file or checkpoint / DEV
    asked = questions(place, pair=True)
    found = [Check(one.form, one.term or TERM) for one in asked]
    if KINDS[kind].documents and not KINDS[kind].pair:  # an encoder reads both
        found += [Check(one.term, TERM) for one in asked if one.term]
    step = max(1, -(-len(found) // MOST))
    return _ordered(found[::step]), f"texts of {place.name}"


def _ordered(found: list[Check]) -> list[Check]:
    return sorted(dict.fromkeys(found), key=lambda one: len(one.text) + len(one.term))
