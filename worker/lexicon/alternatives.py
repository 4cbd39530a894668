"""Numbers that share the unit or the name of another: "50 or 55 inch", "size 8 or 9", "8/16gb"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import gcd

from worker.lexicon.number_rules import NUMBER_WORDS, START, plain

_NUMBER = rf"(?:\d{{1,4}}(?:\.\d{{1,2}})?(?:-\d{{1,3}})?|{'|'.join(NUMBER_WORDS)})"
_SIZE = r"(?:\d{1,2}(?:\.5)?(?:-\d{1,2})?|\dxl|x{0,3}[sl]|m|small|medium|large|x-large)"
_JOINT = r"(?:,? (?:or|and|&) |\s?/\s?)"
_BEFORE = re.compile(rf"{START}(?:size )?{_NUMBER}(?:(?:,\s|{_JOINT}){_NUMBER}){{0,3}}{_JOINT}$")
_BEHIND = re.compile(
    rf"(?:,\s{_SIZE}){{0,3}}(?:{_JOINT}{_SIZE})+"
    r"(?! (?:more|x|by|in \d|of)\b)(?![\w.]|,\d|/(?!\d))"
)
_ONE, _ONE_SIZE = re.compile(_NUMBER), re.compile(rf"(?<!\w){_SIZE}(?!\w)")
_JOINED = re.compile(r" (?:or|and|&) |\d[a-z]*\s?/\s?\d")
_PARTS_OF_AN_INCH = frozenset({16, 32, 64})

Place = tuple[str, int, int]


def may_stand(form: str) -> bool:
    """Whether a normal form may have such numbers."""
    return _JOINED.search(form) is not None


def before(form: str, end: int) -> Iterator[Place]:
    """The numbers that lead to the one at `end`, each with its start and end."""
    if found := _BEFORE.search(form, 0, end):
        numbers = _ONE.finditer(form, found.start(), end)
        # the first with what leads to it: the "size 8" of "size 8 or 9 uk"
        yield (first := next(numbers)).group(), found.start(), first.end()
        for number in numbers:
            yield number.group(), *number.span()


def behind(form: str, end: int) -> Iterator[Place]:
    """The sizes that follow the one that ends at `end`."""
    if found := _BEHIND.match(form, end):
        for size in _ONE_SIZE.finditer(form, end, found.end()):
            yield size.group(), *size.span()


def parts(number: str, start: int, unit: str) -> list[Place]:
    """A number at `start`, as two if its stroke says "or": "50/55 inch", but not "3/4 inch"."""
    above, stroke, below = number.partition("/")
    at = start + len(above) + 1
    is_one = not (stroke and above.isdigit() and below.isdigit() and "/" in plain(number))
    if is_one or unit == "gauge" or _is_fraction(above, below, unit):
        return [(number, start, start + len(number))]
    return [(above, start, at - 1), (below, at, at + len(below))]


def _is_fraction(above: str, below: str, unit: str) -> bool:
    a, b = int(above), int(below)
    if unit in ("mb", "gb", "tb") or a >= b:
        return False
    return gcd(a, b) == 1 and (b <= 10 or b in _PARTS_OF_AN_INCH)
