"""Sizes, amounts and ages that are told in numbers: "55 inch", "uk 8", "pack of 6", "3-6 months".

A rule is a pattern, the attribute's name and the template of its value. Where two rules meet, the
longer text wins, then the rule that stands first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

NUMBER_WORDS = {
    **{"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"},
    **{"eight": "8", "nine": "9", "ten": "10", "twelve": "12"},
}
_TRIGGER = re.compile(rf"\d|\bsize|\b(?:{'|'.join(NUMBER_WORDS)})\b")
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+[/⁄]\d+|\d+(?:[.,]\d+)?)"
_TO = r"\s?(?:-|–|to)\s?"
_START, _END = r"(?<![\w.,/])", r"(?![\w/])"
# "in" behind a number is mostly inches, but not in "2 in 1", "5 in stock".
_NOT_INCHES = r"(?! (?:\d|one|the|an?|my|our|your|stock|store|total|bulk|each|any|all|white|black))"
_LETTERS = (
    *(("xxs", "xx-small"), ("xs", "x-small"), ("s", "small"), ("m", "medium"), ("l", "large")),
    *(("xl", "x-large"), ("xxl", "xx-large"), ("xxxl", "xxx-large")),
)

Found = tuple[str, str, int, int]
Rule = tuple[re.Pattern[str], str, Callable[[re.Match[str]], str | None]]


class Numbers:
    """Finds them.

    Args:
        units: attribute name and canonical unit of each way to write a unit.
        counts: the same of what is counted; these also take "of" and number words.
    """

    def __init__(
        self, units: Mapping[str, tuple[str, str]], counts: Mapping[str, tuple[str, str]]
    ) -> None:
        self._units = {**units, **counts}
        self._rules = [*SIZES, *AGES, *self._amounts(_any(self._units), _any(counts))]

    def find(self, form: str) -> Iterator[Found]:
        """Attribute name, value, start and end of each; they may overlap."""
        if not _TRIGGER.search(form):
            return
        for pattern, name, value in self._rules:
            for match in pattern.finditer(form):
                if (told := value(match)) is not None:
                    unit = match.groupdict().get("unit")
                    yield self._name(name, unit), told, match.start(), match.end()

    def _name(self, name: str, unit: str | None) -> str:
        return name or (self._units[unit][0] if unit else "size")

    def _amounts(self, unit: str, count: str) -> list[Rule]:
        number = rf"{_START}(?P<a>{_NUMBER})"
        side = rf"\s?(?:{unit})?\s?[x×*]\s?"
        words = "|".join(NUMBER_WORDS)
        return [
            _rule(
                rf"{number}{side}(?P<b>{_NUMBER})(?:{side}(?P<c>{_NUMBER}))?"
                rf"(?:\s?(?P<unit>{unit}))?{_END}",
                "",
                self._sides,
            ),
            _rule(
                rf"{number}(?:{_TO}(?P<b>{_NUMBER}))?[\s-]?(?P<unit>{unit}){_END}", "", self._amount
            ),
            _rule(rf"\b(?P<a>{words})[\s-](?P<unit>{count}){_END}", "", self._amount),
            _rule(rf"\b(?P<unit>{count}) of (?P<a>{_NUMBER}|{words}){_END}", "", self._amount),
        ]

    def _amount(self, match: re.Match[str]) -> str | None:
        first, unit = _plain(match["a"]), self._units[match["unit"]][1]
        if match["unit"] == "g" and first in ("3", "4", "5"):
            return None  # a mobile network
        last = match.groupdict().get("b")
        return f"{first}-{_plain(last)} {unit}" if last else f"{first} {unit}"

    def _sides(self, match: re.Match[str]) -> str:
        sides = "x".join(_plain(side) for side in match.group("a", "b", "c") if side)
        return f"{sides} {self._units[match['unit']][1]}" if match["unit"] else sides


def _any(units: Mapping[str, object]) -> str:
    longest_first = sorted(units, key=len, reverse=True)
    return "|".join(
        re.escape(unit) + (_NOT_INCHES if unit == "in" else "") for unit in longest_first
    )


def _rule(pattern: str, name: str, value: str | Callable[[re.Match[str]], str | None]) -> Rule:
    return (
        re.compile(pattern),
        name,
        value if callable(value) else lambda match: match.expand(value),
    )


def _plain(number: str) -> str:
    """1,000 as 1000, 1,5 as 1.5, two as 2."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+", number):
        return number.replace(",", "")
    return NUMBER_WORDS.get(number, number).replace(",", ".").replace("⁄", "/")


def _region(match: re.Match[str]) -> str | None:
    low, high = (15, 60) if match["where"] == "eu" else (0, 28)
    return f"{match['where']} {match['a']}" if low <= float(match["a"]) <= high else None


def _letter(match: re.Match[str]) -> str:
    return dict(_LETTERS).get(match["a"], match["a"])


def _age(match: re.Match[str]) -> str:
    parts = match.groupdict()
    unit = "months" if (parts.get("unit") or "y").startswith("m") else "years"
    last = f"-{parts['b']}" if parts.get("b") else ""
    if match["a"] == "1" and not last:
        unit = unit[:-1]
    return f"{match['a']}{last}{'+' if parts.get('up') else ''} {unit}"


_MONTHS_YEARS = r"(?P<unit>months?|mths?|mos?|years?|yrs?)"
AGES = [
    _rule(
        rf"{_START}(?P<a>\d+){_TO}(?P<b>\d+)[\s-]?{_MONTHS_YEARS}(?:[\s-]olds?)?{_END}", "age", _age
    ),
    _rule(rf"{_START}(?P<a>\d{{1,2}})-(?P<b>\d{{1,2}})(?P<unit>m){_END}", "age", _age),
    _rule(rf"{_START}(?P<a>\d+)[\s-]?(?:{_MONTHS_YEARS}[\s-]olds?|yo|y/o){_END}", "age", _age),
    _rule(
        rf"{_START}(?P<a>\d+) (?P<unit>months?)(?= (?:baby|babies|boy|girl|toddler|infant))",
        *("age", _age),
    ),
    _rule(
        rf"\bage[sd]? (?P<a>\d+)(?:{_TO}(?P<b>\d+))?(?P<up>\s?\+| and (?:up|over|above)| up)?"
        rf"(?: {_MONTHS_YEARS})?{_END}",
        *("age", _age),
    ),
]
SIZES = [
    _rule(
        r"\b(?:size )?(?P<where>uk|us|eu)(?: size)? ?(?P<a>\d{1,2}(?:\.5)?)(?![\w/.])",
        *("size", _region),
    ),
    _rule(
        r"\b(?:size )?(?P<a>\d{1,2}(?:\.5)?) ?(?P<where>uk|us|eu)\b",
        *("size", _region),
    ),
    _rule(
        r"\bsize (?P<a>xxs|xs|xl|xxl|xxxl|\dxl|[sml]|small|medium|large|x-large|"
        r"\d{1,2}(?:\.5)?(?:-\d{1,2})?(?:[a-g]{1,3}|w|t)?)(?![\w/.])",
        *("size", _letter),
    ),
    _rule(r"\bw ?(\d\d)[ /x]?l ?(\d\d)\b", "size", r"w\1 l\2"),
    _rule(r"\b(\d\d)w[ /x]?(\d\d)l\b", "size", r"w\1 l\2"),
    _rule(r"\bwaist (\d\d)\b", "size", r"waist \1"),
    _rule(r"\b(\d\d)(?: ?inch| ?in|\")? waist\b", "size", r"waist \1"),
    _rule(r"\b(?:inseam|leg) (\d\d)\b", "size", r"inseam \1"),
    _rule(r"\b(\d\d)(?: ?inch| ?in|\")? (?:inseam|leg)\b", "size", r"inseam \1"),
    _rule(r"\b(\d{3}/\d{2}) ?z?r ?(\d{2})\b", "size", r"\1 r\2"),
    _rule(r"\b((?:2[68]|3[02468]|4[02468])(?:aa|a|b|c|d|dd|ddd|e|f|ff))\b", "size", r"\1"),
    _rule(r"\b([2-6]t)\b", "size", r"\1"),
    _rule(
        r"\b(a[0-6])\b(?= (?:paper|sheet|frame|poster|print|notebook|envelope|card))", "size", r"\1"
    ),
]
