"""Sizes, amounts and ages that are given in numbers: "55 inch", "uk 8", "pack of 6", "3-6 months".

An amount may have bounds: "at least 16gb", "under 40 inches", "between 20 and 30 litres".

The rules are those of `number_rules.py` and, for amounts, of the units that the lexicon knows.
Where two rules meet, the longer text wins, then the rule that stands first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from worker.lexicon import alternatives, number_words
from worker.lexicon.number_bounds import (
    AND_ABROAD,
    AT_LEAST,
    AT_LEAST_ALONE,
    AT_MOST,
    AT_MOST_ALONE,
    BETWEEN_ABROAD,
    LARGER,
    LEAST_BEHIND,
    MAX,
    MIN,
    MOST_BEHIND,
    OR_LARGER,
    OR_SMALLER,
    SMALLER,
    TO_ABROAD,
    negated,
)
from worker.lexicon.number_codes import BY, CODES
from worker.lexicon.number_rules import (
    AGES,
    AND_PART,
    COLORS,
    END,
    PARTS,
    SHAPES,
    SIZES,
    START,
    TO,
    Rule,
    make_rule,
    plain,
    value_of,
)
from worker.lexicon.words import DIGIT, word_set

# Words of which one stands in every text without a digit that has a number with a meaning.
WORDED = frozenset({"size", "sz", "colored", "coloured", "shaped", "dozen"}).union(
    number_words.WORDS, PARTS
)
_SHAPE = str.maketrans("123456789", "000000000")
_AFTER_NUMBER = re.compile(r"0[ -]?(?=([^0]{1,2}))")
_NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,3}}{AND_PART}|\d+/\d+|\d+(?:[.,]\d+)?)"
MOST = 1e15  # what is as large is no amount and no price
_MEASURE = "(?: (?:width|height|depth|length|weight))?"
_LOW = r"\d+(?:[.,]\d+)?"
_BOUND = re.compile(
    rf"(?<![a-z])(?:(?P<most>{AT_MOST}|{SMALLER}|{MAX}{_MEASURE}(?: of)?)"
    rf"|(?P<least>{AT_LEAST}|{LARGER}|{MIN}{_MEASURE}(?: of)?)"
    rf"|(?P<between>between|from|(?:{BETWEEN_ABROAD})(?! \S+ (?:and|to)\b))"
    rf" (?P<low>{_LOW})(?:[ -]?(?P<unit>[a-z\"']+))? ?(?:and|to|{AND_ABROAD}|{TO_ABROAD})"
    rf"|(?:{AT_LEAST_ALONE}|{LARGER}) (?P<above>{_LOW})(?:[ -]?(?P<above_unit>[a-z\"']+))?,?"
    rf"(?: and| but)? (?:{AT_MOST_ALONE}|{SMALLER}))\s?$"
)
_BOUND_AFTER = re.compile(
    rf"(?P<most>\s(?:{MOST_BEHIND}|{OR_SMALLER}))"
    rf"|(?P<least>\s(?:{LEAST_BEHIND}|{OR_LARGER})|\+(?!\d))"
)
# Behind a number these are things, no counts, unless plural or hyphenated: "iphone 7 case".
_THINGS = word_set("case box set tablet can bag bar bottle key door shelf")
# "in" behind a number is mostly inches, but not in "2 in 1", "5 in stock".
_NOT_INCHES = (
    r"(?! \d)(?!-1\b)"
    r"(?! (?:one|the|an?|my|our|your|stock|store|total|bulk|each|any|all|white|black))"
)
_NO_LIGHTS = r"(?! (?:up|weight|year|blue|pink|green|gray|brown|purple|bulb))"
_NOT_BEFORE = {
    **{"in": _NOT_INCHES, "light": _NO_LIGHTS},
    "w": r"(?!-\d\d(?!\w))",  # of oil: "5w-30"
    "cc": r"(?!-)",  # of a code in hexadecimal digits
    "g": r"(?! (?:wires?|needles?)\b)",  # how thick it is
    "factor": r"(?!)",  # stands before its number
    "pound": r"(?! (?:coins?|notes?)\b)",  # money
}
_CHAINED = r"(?:(?<=\d[a-z]/)|(?<=\d[a-z]{2}/)|(?<=\d [a-z]{2}/))"  # "8gb/16gb"
_EXTENT = re.compile(
    r"(?P<low>\d+(?:\.5)?)(?:-(?P<high>\d+(?:\.5)?)|(?P<up>\+)|(?= ))(?: (?P<unit>year|month)s?)?"
)
_LENGTHS = frozenset({"inch", "ft", "mm", "cm", "m"})
# What a side of a thing may be called behind its number: "38w x 29l", "28\"l x 14\"w".
_SIDES = "wide|long|high|tall|deep|width|length|height"
_SIDE, _NAMED_SIDE = rf"\s?(?:[wlhd]|{_SIDES})", rf"\s?(?:{_SIDES})"
_UNIT_OF_SIDE = re.compile(r"\d\s?([a-z]+|[\"'”′]+)")


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
        self._rules = [
            *SIZES,
            *AGES,
            *COLORS,
            *SHAPES,
            *CODES,
            *self._amounts(_any(self._units), _any(counts)),
        ]
        self._worded = [rule for rule in self._rules if rule.worded]
        patterns = [rule.pattern for rule in self._rules]
        self._joining = {p for p in patterns if {*"ac"} & p.groupindex.keys() == {"a"}}

    def find(self, form: str) -> Iterator[Found]:
        """Those in a normal form that has a digit or one of `WORDED`; they may overlap."""
        joined = alternatives.may_stand(form)
        for rule in self._tried(form):
            for match in rule.pattern.finditer(form):
                if found := self._found(rule, match):
                    unbound = (found.start, found.end) == match.span()
                    others = joined and unbound and rule.pattern in self._joining
                    yield from (others and self._others(rule, match)) or [found]

    def _found(self, rule: Rule, match: re.Match[str]) -> Found | None:
        if (text := rule.value(match)) is None:
            return None
        unit = match.groupdict().get("unit")
        found = Found(self._name(rule.name, unit), text, *match.span())
        if rule.value == self._amount:
            found = self._bounded(match.string, match, found)
        return found if max(found.min or 0, found.max or 0) < MOST else None

    def _others(self, rule: Rule, match: re.Match[str]) -> list[Found]:
        """What shares its unit or its name, with the number of the match; [] if nothing does."""
        form, (first, last) = match.string, match.span("a")
        if match.groupdict().get("b"):
            last = match.end("b")
        head, tail = form[match.start() : first], form[last : match.end()]
        if tail and first == match.start():
            unit = self._units.get(match.groupdict().get("unit"), ("", ""))[1]
            own = alternatives.parts(form[first:last], first, unit)
            numbers = [*alternatives.before(form, first), *own]
        elif rule.name and not tail:
            numbers = [(form[first:last], first, last), *alternatives.behind(form, last)]
        else:
            return []
        others = []
        for number, start, end in numbers if len(numbers) > 1 else ():
            again = rule.pattern.fullmatch(head + number + tail)
            if again is None or (found := self._found(rule, again)) is None:
                return []
            start, end = start - len(head) * (start == first), end + len(tail) * (end == last)
            others.append(found._replace(start=start, end=end))
        return others

    def _tried(self, form: str) -> Iterable[Rule]:
        """The rules that may match."""
        if not DIGIT.search(form):
            return self._worded
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
        return " and a " in shape or any(
            text in self._beginnings or text[0] in self._beginnings
            for text in _AFTER_NUMBER.findall(shape)
        )

    def _bounded(self, form: str, match: re.Match[str], found: Found) -> Found:
        """An amount with its bounds: those of the words around it, else its own."""
        name, value, start, end, *_ = found
        unit = self._units[match["unit"]][1]
        low = value_of(match["a"])
        high = value_of(match.groupdict().get("b") or match["a"])
        most = least = between = None
        if low != high:
            pass
        elif (bound := _BOUND.search(form, 0, start)) and self._is_of(
            bound["unit"] or bound["above_unit"], unit
        ):
            most, least, between = bound.group("most", "least", "low")
            between = between or bound["above"]
            start = bound.start()
            if (first := negated(form, start, most or least or "")) < start:
                most, least, start = least, most, first
        elif (bound := _BOUND_AFTER.match(form, end)) and not (unit == "v" and "max" in bound[0]):
            most, least = bound.group("most", "least")  # "20v max" is what batteries are called
            end = bound.end()
        if most:
            low, value = None, f"under {value}"
        elif least:
            high, value = None, f"over {value}"
        elif between:
            low, value = value_of(between), f"{plain(between)}-{value}"
        return Found(name, value, start, end, short(low), short(high), unit)

    def _is_of(self, written: str | None, unit: str) -> bool:
        """Whether the lesser of two numbers has no unit of its own, or the same."""
        return written is None or self._units.get(written, ("", ""))[1] == unit

    def _name(self, name: str, unit: str | None) -> str:
        return name or (self._units[unit][0] if unit else "size")

    def _amounts(self, unit: str, count: str) -> list[Rule]:
        number = rf"{START}(?P<a>{_NUMBER})"
        first, last = rf"(?:{START}|{_CHAINED})(?P<a>{_NUMBER})", rf"(?:{END}|(?=/\d))"
        sized = _any(self._units.keys() - self._counts)
        lengths = _any(u for u, (_, unit) in self._units.items() if unit in _LENGTHS)
        side = rf"(?:\s?(?:{lengths}))?{BY}"
        # "38w x 29l" and "60 inch wide 30 deep", but not "20l 800w"
        long = rf"(?:(?:\s?(?:{lengths}))?{_SIDE}{BY}|\s?(?:{lengths}){_SIDE}\s|{_NAMED_SIDE}\s)"
        # "pack of 2 in lemon", but not "pack of 2 oz"
        measure = "|".join(re.escape(u) for u in self._units.keys() - {*self._counts, "in"})
        led = "|".join(self._units.keys() & {"spf", "factor"}) or r"(?!)"
        written = "|".join(
            u + _NOT_BEFORE.get(u, "")
            for u in self._units
            if len(u) > 3 and u.isalpha() and u != "karat"
        )
        return [
            make_rule(
                rf"{number}{long}(?P<b>{_NUMBER})(?:{long}(?P<c>{_NUMBER}))?"
                rf"(?:\s?(?P<unit>{lengths}))?{_SIDE}{END}",
                "",
                self._sides,
                "x|*|by|0w|0 w|0l|0 l|0h|0 h|0d|0 d|0t|0 t",
            ),
            make_rule(
                rf"(?<!\d-){number}{side}(?P<b>{_NUMBER})(?:{side}(?P<c>{_NUMBER}))?"
                rf"(?:[\s-]?(?P<unit>{sized}))?{END}",
                "",
                self._sides,
                "x|*|by",
            ),
            make_rule(
                rf"(?<![$£€]){first}(?:{TO}(?P<b>{_NUMBER}))?[\s-]?(?P<unit>{unit}){last}",
                "",
                self._amount,
            ),
            make_rule(
                rf"(?<!max )(?<!x )\b(?P<unit>{led}) ?(?P<a>[1-9][05]|100){END}",
                "",
                self._amount,
                "spf|factor",
            ),
            make_rule(
                rf"(?<![\w-])(?P<a>{number_words.PATTERN}(?: and a (?:half|quarter))?|half|quarter"
                r"|a(?= dozen))(?: an?)?[\s-]"
                rf"(?P<unit>{count}|{written}){END}",
                "",
                self._amount,
                "|".join([*number_words.WORDS, *PARTS, "a dozen"]),
                worded=True,
            ),
            make_rule(
                rf"\b(?P<unit>{count}) of (?P<a>{_NUMBER}|{number_words.PATTERN})"
                rf"(?![\s-]?(?:{measure})\b){END}",
                "",
                self._amount,
                " of ",
                worded=True,
            ),
        ]

    def _amount(self, match: re.Match[str]) -> str | None:
        first, unit = plain(match["a"]), self._units[match["unit"]][1]
        if first[0].isalpha() or (match["a"] == "one" and match["unit"] in self._counts):
            return None  # "nineteen ninety nine inch"; "one piece" is a style
        alone = match["unit"] in _THINGS and match[0].endswith(f" {match['unit']}")
        if alone and first not in ("1", "0"):
            return None
        if match["unit"] == "g" and first in ("3", "4", "5"):
            return None  # a mobile network
        last = match.groupdict().get("b")
        return f"{first}-{plain(last)} {unit}" if last else f"{first} {unit}"

    def _sides(self, match: re.Match[str]) -> str | None:
        if max(map(len, filter(None, match.group("a", "b", "c")))) > 7:  # a code
            return None
        units = filter(self._units.__contains__, _UNIT_OF_SIDE.findall(match[0]))
        written = {self._units[unit][1] for unit in units} & _LENGTHS
        if len(written) > 1:  # "2 ft x 2 inch x 17 ft"
            return None
        sides = "x".join(plain(side) for side in match.group("a", "b", "c") if side)
        return f"{sides} {self._units[match['unit']][1]}" if match["unit"] else sides


def extent(value: str) -> tuple[float | None, float | None, str | None] | None:
    """The least, the greatest and the unit of the value of an age or a range of sizes: "5+ years",
    "8-10"; None of another value."""
    match = _EXTENT.fullmatch(value)
    if match is None:
        return None
    low, high = float(match["low"]), float(match["high"] or match["low"])
    unit = f"{match['unit']}s" if match["unit"] else None
    return short(low), None if match["up"] else short(high), unit


def _any(units: Iterable[str]) -> str:
    longest_first = sorted(units, key=len, reverse=True)
    return "|".join(re.escape(unit) + _NOT_BEFORE.get(unit, "") for unit in longest_first)


def short(value: float | None) -> float | None:
    """Whole numbers as int, so that JSON has 6 and not 6.0; not from MOST on."""
    return int(value) if value is not None and value < MOST and value == int(value) else value
