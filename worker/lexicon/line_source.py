"""Reads `models.txt`: the lines and models of a maker that have no number of their own.

    honda : civic, accord, cr v
    lenovo : yoga = laptop, thinkpad* = laptop

A line is a model right behind its maker ("honda civic"), one with a star wherever it stands. Behind
a sign of equality stands the term for what it is, which tells the category of "lenovo yoga 7i".

    : iphone = smartphone, galaxy tab = tablet

Without a maker they only tell it: these are lines with numbers, which `attributes.toml` has.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from worker.errors import Fault
from worker.lexicon.lines import is_repeated, lines
from worker.lexicon.words import key

MODEL_LINES = "models.txt"
_EXPECTED = "maker : line, line*, line = thing"


class Lines(NamedTuple):
    """Lines of makers.

    Attributes:
        of: keys of the lines, a text with one between two line breaks each, by the key of their
            maker: a set of each would take ten times the memory.
        alone: keys of those that need no maker.
        things: lines and the key of what each is, as "line=thing", in such texts; those of `alone`
            behind the maker "", too.
    """

    of: dict[str, str]
    alone: list[str]
    things: dict[str, str]


def read_lines(path: Path, faults: list[Fault]) -> Lines:
    """The lines of each maker; what is wrong goes to `faults`."""
    of: dict[str, str] = {}
    alone: dict[str, None] = {}
    things: dict[str, list[str]] = {"": []}
    places: dict[str, str] = {}
    for place, text in lines(path, faults):
        maker, _, rest = text.lower().partition(":")
        named = [part.partition("=") for part in rest.split(",")]
        names = [name.strip() for name, _, _ in named]
        keys = [key(name.removesuffix("*")) for name in names]
        wrong = any(not key(thing) for _, sign, thing in named if sign or not key(maker))
        if wrong or not all(keys):
            faults.append(Fault(place, repr(text), _EXPECTED, "write it so"))
        elif not is_repeated(places, key(maker), place, "each maker once", faults):
            if key(maker):
                of[key(maker)] = joined(dict.fromkeys(keys))
            for line, name, (_, _, thing) in zip(keys, names, named, strict=True):
                if name.endswith("*"):
                    alone[line] = None
                if thing:
                    text = f"{line}={key(thing)}"
                    things.setdefault(key(maker), []).append(text)
                    if key(maker) and name.endswith("*"):
                        things[""].append(text)
    told = {maker: joined(texts) for maker, texts in things.items() if texts}
    return Lines(of, list(alone), told)


def joined(keys: Iterable[str]) -> str:
    """The text of some lines, as `is_line` takes it."""
    return "".join(f"\n{key}" for key in keys) + "\n"


def is_line(key: str, lines: str) -> bool:
    """Whether the text of some lines has this one."""
    return f"\n{key}\n" in lines


def thing_of(key: str, lines: str) -> str:
    """The key of what a line is, by one of the texts of `Lines.things`; "" where it is not told."""
    return lines.partition(f"\n{key}=")[2].partition("\n")[0]
