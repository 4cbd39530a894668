"""Reads `models.txt`: the lines and models of a maker that have no number of their own.

    honda : civic, accord, cr v
    lenovo : yoga, thinkpad*

A line is a model right behind its maker ("honda civic"), one with a star wherever it stands.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from worker.errors import Fault
from worker.lexicon.lines import is_repeated, lines
from worker.lexicon.words import key

MODEL_LINES = "models.txt"
_EXPECTED = "maker : line, line*"


class Lines(NamedTuple):
    """Lines of makers.

    Attributes:
        of: keys of the lines, by the key of their maker.
        alone: keys of those that need no maker.
    """

    of: dict[str, list[str]]
    alone: list[str]


def read_lines(path: Path, faults: list[Fault]) -> Lines:
    """The lines of each maker; what is wrong goes to `faults`."""
    of: dict[str, list[str]] = {}
    alone: dict[str, None] = {}
    places: dict[str, str] = {}
    for place, text in lines(path, faults):
        maker, _, rest = text.lower().partition(":")
        names = [part.strip() for part in rest.split(",")]
        keys = [key(name.removesuffix("*")) for name in names]
        if not key(maker) or not all(keys):
            faults.append(Fault(place, repr(text), _EXPECTED, "write it so"))
        elif not is_repeated(places, key(maker), place, "each maker once", faults):
            of[key(maker)] = list(dict.fromkeys(keys))
            starred = (n for n, name in zip(keys, names, strict=True) if name.endswith("*"))
            alone |= dict.fromkeys(starred)
    return Lines(of, list(alone))
