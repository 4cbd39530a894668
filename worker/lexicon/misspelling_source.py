"""Reads `misspellings.txt`: what shoppers type, and what they mean by it.

    maniquin => mannequin
    chest of draws => chest of drawers

Either side is one to four words. Where the left one is a name of the lexicon or of a brand, the
line is not used.
"""

from __future__ import annotations

from pathlib import Path

from worker.errors import Fault
from worker.lexicon.lines import lines
from worker.lexicon.words import key

MISSPELLINGS = "misspellings.txt"
_ARROW, _MOST_WORDS = "=>", 4


def read_misspellings(path: Path, faults: list[Fault]) -> dict[str, str]:
    """The keys of what is typed, with what is meant; what is wrong goes to `faults`."""
    found: dict[str, str] = {}
    places: dict[str, str] = {}
    for place, text in lines(path, faults):
        wrong, arrow, right = text.lower().partition(_ARROW)
        typed, meant = key(wrong), " ".join(right.split())
        words = max(len(typed.split()), len(meant.split()))
        if not (arrow and typed and meant) or words > _MOST_WORDS or typed == meant:
            expected = f"typed {_ARROW} meant, of at most {_MOST_WORDS} words each"
            faults.append(Fault(place, repr(text), expected, "write it so"))
        elif (first := places.setdefault(typed, place)) != place:
            remedy = f"also in line {first.rpartition(':')[2]}"
            faults.append(Fault(place, repr(typed), "each once", remedy))
        else:
            found[typed] = meant
    return found
