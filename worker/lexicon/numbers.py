"""Sizes, amounts and ages that are given in numbers: "55 inch", "uk 8", "pack of 6", "3-6 months".

An amount may have bounds: "at least 16gb", "under 40 inches", "between 20 and 30 litres".

A rule is a pattern, the attribute's name, the template of its value, and its triggers: texts, with
"0" for any digit, of which one stands wherever the pattern matches. Only then the pattern is tried.
Where two rules meet, the longer text wins, then the rule that stands first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

NUMBER_WORDS = {
    **{"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"},
    **{"eight": "8", "nine": "9", "ten": "10", "twelve": "12"},
}
_DIGIT = re.compile(r"\d")
_PARTS = {"half": "0.5", "quarter": "0.25"}
_WORDED = re.compile(rf"\bsize| colou?red|\b(?:{'|'.join([*NUMBER_WORDS, *_PARTS])})\b")
_SHAPE = str.maketrans("123456789", "000000000")
_AFTER_NUMBER = re.compile(r"0[ -]?(?=([^0]{1,2}))")
_FRACTION = r"[1-9]/(?:[2-9]|1[06]|32|64)(?!\d)"
_NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,3}}[ -]{_FRACTION}|\d+/\d+|\d+(?:[.,]\d+)?)"
_TO = r"\s?(?:-|–|to)\s?"
_BOUND = re.compile(
    r"(?:(?P<most>no more than|not more than|less than|smaller than|under|below|up to|at most"
    r"|max(?:imum)?(?: of)?|not over|nothing over|within)"
    r"|(?P<least>no less than|not less than|more than|larger than|bigger than|at least|over|above"
    r"|from|min(?:imum)?(?: of)?)|(?P<between>between|from) (?P<low>\d+(?:\.\d+)?) ?(?:and|to))\s$"
)
_BOUND_AFTER = re.compile(
    r"(?P<most>\s(?:or (?:less|under|below|smaller)|max(?:imum)?\b))"
    r"|(?P<least>\s(?:or (?:more|over|above|larger|bigger)|and (?:up|over|above)|min(?:imum)?\b)"
    r"|\+)"
)
# Behind a number these are things, no counts, unless plural or hyphenated: "iphone 7 case".
_THINGS = ("case", "box", "set")
_START, _END = r"(?<![\w.,/])", r"(?![\w/])"
# "in" behind a number is mostly inches, but not in "2 in 1", "5 in stock".
_NOT_INCHES = r"(?! (?:\d|one|the|an?|my|our|your|stock|store|total|bulk|each|any|all|white|black))"
_NO_LIGHTS = r"(?! (?:up|weight|year|blue|pink|green|gray|brown|purple|bulb))"
_NOT_BEFORE = {"in": _NOT_INCHES, "light": _NO_LIGHTS}
_LETTERS = {
    **{"xxs": "xx-small", "xs": "x-small", "s": "small", "m": "medium", "l": "large"},
    **{"xl": "x-large", "xxl": "xx-large", "xxxl": "xxx-large"},
}


class Found(NamedTuple):
    """A number with a meaning.

    Attributes:
        min, max: equal for an exact amount, None for an open end, as `unit` is None for what is
            no amount.
    """

    name: str
    value: str
    start: int
    end: int
    min: float | None = None
    max: float | None = None
    unit: str | None = None


class Rule(NamedTuple):
    """One way to write a number with a meaning.

    Attributes:
        value: the attribute's value, None where the match is none after all.
        triggers: none: it is always tried.
        worded: whether it also matches texts without a digit.
    """

    pattern: re.Pattern[str]
    name: str
    value: Callable[[re.Match[str]], str | None]
    triggers: tuple[str, ...]
    worded: bool


class Numbers:
    """Finds them.

    Args:
        units: attribute name and canonical unit of each way to write a unit.
        counts: the same of what is counted; these also take "of" and number words.
    """

    def __init__(
        self, units: Mapping[str, tuple[str, str]], counts: Mapping[str, tuple[str, str]]
    ) -> None:
        self._units, self._counts = {**units, **counts}, counts
        self._beginnings = frozenset(unit[:2] for unit in self._units)
        self._rules = [*SIZES, *AGES, *COLORS, *self._amounts(_any(self._units), _any(counts))]
        self._worded = [rule for rule in self._rules if rule.worded]

    def find(self, form: str) -> Iterator[Found]:
        """Attribute name, value, start and end of each; they may overlap."""
        for pattern, name, value, *_ in self._tried(form):
            for match in pattern.finditer(form):
                if (text := value(match)) is not None:
                    unit = match.groupdict().get("unit")
                    found = Found(self._name(name, unit), text, match.start(), match.end())
                    yield self._bounded(form, match, found) if value == self._amount else found

    def _tried(self, form: str) -> Iterable[Rule]:
        """The rules that may match."""
        if not _DIGIT.search(form):
            return self._worded if _WORDED.search(form) else ()
        if not form.isascii():  # there are more digits than ten
            return self._rules
        shape, tried = form.translate(_SHAPE), []
        for rule in self._rules:
            for trigger in rule.triggers:
                if trigger in shape:
                    tried.append(rule)
                    break
            else:
                if not rule.triggers and self._unit_stands(shape):
                    tried.append(rule)
        return tried

    def _unit_stands(self, shape: str) -> bool:
        """Whether what follows some number begins like a unit."""
        return any(
            text in self._beginnings or text[0] in self._beginnings
            for text in _AFTER_NUMBER.findall(shape)
        )

    def _bounded(self, form: str, match: re.Match[str], found: Found) -> Found:
        """An amount with its bounds: those of the words around it, else its own."""
        name, value, start, end, *_ = found
        unit = self._units[match["unit"]][1]
        low = _value(match["a"])
        high = _value(match.groupdict().get("b") or match["a"])
        if low != high:
            bound = None
        elif bound := _BOUND.search(form, 0, start):
            start = bound.start()
        elif bound := _BOUND_AFTER.match(form, end):
            end = bound.end()
        if bound and bound["most"]:
            low, value = None, f"under {value}"
        elif bound and bound["least"]:
            high, value = None, f"over {value}"
        elif bound:
            low, value = float(bound["low"]), f"{bound['low']}-{value}"
        return Found(name, value, start, end, short(low), short(high), unit)

    def _name(self, name: str, unit: str | None) -> str:
        return name or (self._units[unit][0] if unit else "size")

    def _amounts(self, unit: str, count: str) -> list[Rule]:
        number = rf"{_START}(?P<a>{_NUMBER})"
        side = rf"\s?(?:{unit})?\s?[x×*]\s?"
        words = "|".join(NUMBER_WORDS)
        measure = "|".join(re.escape(u) for u in self._units if u not in self._counts)
        written = "|".join(u for u in self._units if len(u) > 3 and u.isalpha() and u != "karat")
        return [
            _rule(
                rf"{number}{side}(?P<b>{_NUMBER})(?:{side}(?P<c>{_NUMBER}))?"
                rf"(?:\s?(?P<unit>{unit}))?{_END}",
                "",
                self._sides,
                "x|*",
            ),
            _rule(
                rf"{number}(?:{_TO}(?P<b>{_NUMBER}))?[\s-]?(?P<unit>{unit}){_END}", "", self._amount
            ),
            _rule(
                rf"\b(?P<a>{words}|half|quarter)(?: an?)?[\s-](?P<unit>{count}|{written}){_END}",
                "",
                self._amount,
                "|".join([*NUMBER_WORDS, *_PARTS]),
                worded=True,
            ),
            _rule(
                rf"\b(?P<unit>{count}) of (?P<a>{_NUMBER}|{words})(?![\s-]?(?:{measure})\b){_END}",
                "",
                self._amount,
                " of ",
                worded=True,
            ),
        ]

    def _amount(self, match: re.Match[str]) -> str | None:
        first, unit = _plain(match["a"]), self._units[match["unit"]][1]
        alone = match["unit"] in _THINGS and match[0].endswith(f" {match['unit']}")
        if alone and first not in ("1", "0"):
            return None
        if match["unit"] == "g" and first in ("3", "4", "5"):
            return None  # a mobile network
        last = match.groupdict().get("b")
        return f"{first}-{_plain(last)} {unit}" if last else f"{first} {unit}"

    def _sides(self, match: re.Match[str]) -> str | None:
        if max(map(len, filter(None, match.group("a", "b", "c")))) > 7:  # a code
            return None
        sides = "x".join(_plain(side) for side in match.group("a", "b", "c") if side)
        return f"{sides} {self._units[match['unit']][1]}" if match["unit"] else sides


def _any(units: Mapping[str, object]) -> str:
    longest_first = sorted(units, key=len, reverse=True)
    return "|".join(re.escape(unit) + _NOT_BEFORE.get(unit, "") for unit in longest_first)


def _rule(
    pattern: str,
    name: str,
    value: str | Callable[[re.Match[str]], str | None],
    triggers: str = "",
    worded: bool = False,
) -> Rule:
    """A rule; `triggers` are joined by `|`."""
    made = value if callable(value) else lambda match: match.expand(value)
    return Rule(re.compile(pattern), name, made, tuple(filter(None, triggers.split("|"))), worded)


def _plain(number: str) -> str:
    """1,000 as 1000, 1,5 as 1.5, two as 2, 7 1/2 as 7.5; 1/2 stays."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+", number):
        return number.replace(",", "")
    if re.fullmatch(rf"\d+[ -]{_FRACTION}", number):
        return f"{_value(number):g}"
    number = NUMBER_WORDS.get(number) or _PARTS.get(number) or number
    return number.replace(",", ".")


def _value(number: str) -> float:
    """The number that a text is, also a fraction or a word."""
    whole, _, part = re.sub(r"[ -]", " ", number).rpartition(" ")
    if "/" not in part:
        return float(_plain(number))
    above, below = map(float, part.split("/"))
    return round((float(whole) if whole else 0) + (above / below if below else 0), 4)


def short(value: float | None) -> float | None:
    """Whole numbers as int, so that JSON has 6 and not 6.0."""
    return int(value) if value is not None and value == int(value) else value


def _region(match: re.Match[str]) -> str | None:
    low, high = (15, 60) if match["where"] == "eu" else (0, 28)
    return f"{match['where']} {_plain(match['a'])}" if low <= _value(match["a"]) <= high else None


def _inches(match: re.Match[str]) -> str:
    return f"{match[1].replace('-', ' ')} inch"


def _letter(match: re.Match[str]) -> str:
    if " " in match["a"]:
        return _plain(match["a"])
    return _LETTERS.get(match["a"], match["a"])


def _age(match: re.Match[str]) -> str:
    parts = match.groupdict()
    unit = "months" if (parts.get("unit") or "y").startswith("m") else "years"
    last = f"-{parts['b']}" if parts.get("b") else ""
    if match["a"] == "1" and not last:
        unit = unit[:-1]
    return f"{match['a']}{last}{'+' if parts.get('up') else ''} {unit}"


_MONTHS_YEARS = r"(?P<unit>months?|mths?|mos?|years?|yrs?)"
_NO_COLORS = "multi|light|dark|bright|brightly|full|different|assorted|two|three|skin|many|various"
COLORS = [
    _rule(
        rf"\b(?!(?:{_NO_COLORS}|the|and|with)\b)([a-z]{{3,}}) colou?red\b",
        "color",
        r"\1",
        " colored| coloured",
        worded=True,
    ),
]
AGES = [
    _rule(
        rf"{_START}(?P<a>\d+){_TO}(?P<b>\d+)[\s-]?{_MONTHS_YEARS}(?:[\s-]olds?)?{_END}",
        "age",
        _age,
        "mo|mth|ye|yr",
    ),
    _rule(rf"{_START}(?P<a>\d{{1,2}})-(?P<b>\d{{1,2}})(?P<unit>m){_END}", "age", _age, "0m"),
    _rule(
        rf"{_START}(?P<a>\d+)[\s-]?(?:{_MONTHS_YEARS}[\s-]olds?|yo|y/o){_END}",
        "age",
        _age,
        "old|yo|y/o",
    ),
    _rule(
        rf"{_START}(?P<a>\d+) (?P<unit>months?)(?= (?:baby|babies|boy|girl|toddler|infant))",
        "age",
        _age,
        "0 month",
    ),
    _rule(
        rf"\bage[sd]? (?P<a>\d+)(?:{_TO}(?P<b>\d+))?(?P<up>\s?\+| and (?:up|over|above)| up)?"
        rf"(?: {_MONTHS_YEARS})?{_END}",
        "age",
        _age,
        "age 0|ages 0|aged 0",
    ),
]
SIZES = [
    _rule(
        rf"\b(?:size )?(?P<where>uk|us|eu)(?: size)? ?(?P<a>\d{{1,2}} {_FRACTION}"
        r"|\d{1,2}(?:\.5)?)(?![\w/.]|[.,]\d)",
        "size",
        _region,
        "uk|us|eu",
    ),
    _rule(
        rf"\b(?:size )?(?P<a>\d{{1,2}} {_FRACTION}|\d{{1,2}}(?:\.5)?) ?(?P<where>uk|us|eu)\b",
        "size",
        _region,
        "uk|us|eu",
    ),
    _rule(
        rf"\bsize (?P<a>xxs|xs|xl|xxl|xxxl|\dxl|[sml]|small|medium|large|x-large"
        rf"|\d{{1,2}} {_FRACTION}|"
        r"\d{1,2}(?:\.5)?(?:-\d{1,2})?(?:[a-g]{1,3}|w|t)?)(?![\w/.])",
        "size",
        _letter,
        "size ",
        worded=True,
    ),
    _rule(r"(?<![\w.,/-])(\d{1,2}(?:\.5)?) size\b", "size", r"\1", "0 size|5 size"),
    _rule(
        rf"{_START}((?:\d{{1,2}}[ -])?(?:1/2|[13]/4|[1357]/8|(?:[13579]|1[135])/16))"
        r"(?!\d|[\w/.]|[ -](?:zip|sleeve|price|off|scale|size|cut|inch|length|ml|mg|x|to)\w*\b)",
        "size",
        _inches,
        "0/0",
    ),
    _rule(r"\bw ?(\d\d)[ /x]?l ?(\d\d)\b", "size", r"w\1 l\2", "w00|w 00"),
    _rule(r"\b(\d\d)w[ /x]?(\d\d)l\b", "size", r"w\1 l\2", "00w"),
    _rule(r"\bwaist (\d\d)\b", "size", r"waist \1", "waist 00"),
    _rule(r"\b(\d\d)(?: ?inch| ?in|\")? waist\b", "size", r"waist \1", " waist"),
    _rule(r"\b(?:inseam|leg) (\d\d)\b", "size", r"inseam \1", "inseam 00|leg 00"),
    _rule(r"\b(\d\d)(?: ?inch| ?in|\")? (?:inseam|leg)\b", "size", r"inseam \1", " inseam| leg"),
    _rule(r"\b(\d{3}/\d{2}) ?z?r ?(\d{2})\b", "size", r"\1 r\2", "000/00"),
    _rule(
        r"(?<![\w-])(2[68]|3[02468]|4[02468])(?: ?(aa|ddd?)|(a|b|c|d|e|f|ff))\b",
        "size",
        lambda match: "".join(filter(None, match.groups())),
        "00a|00b|00c|00d|00e|00f|00 aa|00 dd",
    ),
    _rule(r"\b([2-6]t)\b", "size", r"\1", "0t"),
    _rule(
        r"(?<!audi )(?<!galaxy )(?<!samsung )\b(a[3-6]|a[0-6](?= (?:paper|sheet|frame|poster|print"
        r"|notebook|envelope|card)))(?![\w.-])",
        "size",
        r"\1",
        "a0",
    ),
]
