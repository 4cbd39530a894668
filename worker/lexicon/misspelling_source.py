"""Reads `misspellings.txt`: what shoppers type, and what they mean by it.

    maniquin => mannequin
    chest of draws => chest of drawers

Either side is one to four words. Where the left one is a name of the lexicon or of another brand
than the one that is meant, the line is not used.
"""

from __future__ import annotations

import re
from pathlib import Path

from worker.errors import Fault
from worker.lexicon.lines import is_repeated, lines
from worker.lexicon.words import key

MISSPELLINGS = "misspellings.txt"
_ARROW, _MOST_WORDS = "=>", 4
_MEANT = re.compile(r"[\w '’.&+/@!-]+")


def read_misspellings(path: Path, faults: list[Fault]) -> dict[str, str]:
    """The keys of what is typed, with what is meant; what is wrong goes to `faults`."""
    found: dict[str, str] = {}
    places: dict[str, str] = {}
    for place, text in lines(path, faults):
        wrong, _, right = text.lower().partition(_ARROW)
        typed, meant = key(wrong), " ".join(right.split())
        words = [len(side.split()) for side in (typed, key(meant))]
        plain = _MEANT.fullmatch(meant) and 0 < min(words) <= max(words) <= _MOST_WORDS
        if not plain or f" {typed} " in f" {key(meant)} ":
            expected = (
                f"typed {_ARROW} meant, of at most {_MOST_WORDS} words each, not one in the other"
            )
            faults.append(Fault(place, repr(text), expected, "write it so"))
        elif not is_repeated(places, typed, place, "each once", faults):
            found[typed] = meant
    for typed, meant in found.items():
        if key(meant) in found:
            expected = "what is meant to be right"
            remedy = f"write what {key(meant)!r} is meant to be"
            faults.append(Fault(places[typed], repr(meant), expected, remedy))
    return found
