"""What numbers with a meaning look like: sizes, ages and colours; how a rule is written.

A rule is a pattern, the attribute's name, the template of its value, and its triggers: texts, with
"0" for any digit, of which one stands wherever the pattern matches. Only then the pattern is tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

NUMBER_WORDS = {
    **{"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"},
    **{"eight": "8", "nine": "9", "ten": "10", "twelve": "12"},
}
PARTS = {"half": "0.5", "quarter": "0.25"}
FRACTION = r"[1-9]/(?:[2-9]|1[06]|32|64)(?!\d)"
TO = r"\s?(?:-|–|to|bis|tot|à)\s?"
START, END = r"(?<![\w./])(?<!\d,)", r"(?![\w/])"
# Words for bounds before a number in German, French, Spanish, Italian, Dutch and Portuguese; what
# negates stands before what it negates.
MOST_ABROAD = (
    r"unter|bis zu|h(?:ö|oe)chstens|nicht (?:mehr|teurer|größer) als|nicht über"
    r"|(?:weniger|günstiger|billiger|kleiner) als"
    r"|pas plus de|moins (?:de|cher que)|jusqu['’]?[àa]|au (?:plus|maximum)"
    r"|(?:en|au)[- ]dessous de|inférieure?s? à"
    r"|no m[áa]s de|menos d[eo]|hasta|como m[áa]ximo|máximo|m[áa]ximo de|por debajo de|até"
    r"|non pi[ùu] di|meno di|fino a|al massimo|sotto i"
    r"|niet meer dan|(?:minder|goedkoper|kleiner) dan|onder de|hoogstens|maximaal"
)
LEAST_ABROAD = (
    r"nicht (?:weniger|kleiner) als|nicht unter|über|ueber|mindestens"
    r"|(?:mehr|größer|teurer) als|pas moins de|plus (?:de|cher que)|[àa] partir de"
    r"|dès|au (?:moins|minimum)"
    r"|au[- ]dessus de|supérieure?s? à"
    r"|no menos de|m[áa]s de|desde|al menos|como m[íi]nimo|mínimo|m[íi]nimo de|por encima de"
    r"|mais de|non meno di|pi[ùu] di|oltre i|almeno|a partire da"
    r"|niet minder dan|(?:meer|groter|duurder) dan|vanaf|minstens|minimaal|boven de"
)
# Those that English, or a name, has too, "tater tot 2 lb", "minimal 40mm watch": only of prices.
MOST_OF_PRICES = "bis|maximal|maximo|massimo|sotto|tot|onder"
LEAST_OF_PRICES = "ab|minimal|minimo|oltre|boven"
# The same around the lesser of two numbers: "de 20 à 40", but not in "lot de 2 à 40". Those of
# `AND_ABROAD` need one before it; an "a" stands so between prices alone.
BETWEEN_ABROAD = r"zwischen|entre|tra|fra|tussen|von|van|desde|da|(?<!lot )(?<!lote )(?<!pack )de"
AND_ABROAD = "und|et|y|e|en"
AND_OF_PRICES = f"{AND_ABROAD}|a"
TO_ABROAD = "bis|tot|hasta|à|até"
_RUN_ON = re.compile(r"([1-9]\d?)([1-9]/(?:[248]|16))")  # the "81/2" of "81/2 x 11"
_LETTERS = {
    **{"xxs": "xx-small", "xs": "x-small", "s": "small", "m": "medium", "l": "large"},
    **{"xl": "x-large", "xxl": "xx-large", "xxxl": "xxx-large"},
}


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


def make_rule(
    pattern: str,
    name: str,
    value: str | Callable[[re.Match[str]], str | None],
    triggers: str = "",
    worded: bool = False,
) -> Rule:
    """A rule; `triggers` are joined by `|`."""
    made = value if callable(value) else lambda match: match.expand(value)
    return Rule(re.compile(pattern), name, made, tuple(filter(None, triggers.split("|"))), worded)


def plain(number: str) -> str:
    """1,000 as 1000, 1,5 as 1.5, two as 2, 7 1/2 and 71/2 as 7.5; 1/2 stays."""
    if number.isdigit():
        return number
    if (run_on := _RUN_ON.fullmatch(number)) and Fraction(number) > 1:
        number = " ".join(run_on.groups())
    if re.fullmatch(r"\d{1,3}(,\d{3})+", number):
        return number.replace(",", "")
    if re.fullmatch(rf"\d+[ -]{FRACTION}", number):
        return f"{value_of(number):g}"
    number = NUMBER_WORDS.get(number) or PARTS.get(number) or number
    return number.replace(",", ".")


def value_of(number: str) -> float:
    """The number that a text is, also a fraction or a word."""
    whole, _, part = re.sub(r"[ -]", " ", number).rpartition(" ")
    if "/" not in part or (not whole and "/" not in (number := plain(number))):
        return float(plain(number))
    above, below = map(float, part.split("/"))
    return round((float(whole) if whole else 0) + (above / below if below else 0), 4)


def _region(match: re.Match[str]) -> str | None:
    low, high = (15, 60) if match["where"] == "eu" else (0, 28)
    return f"{match['where']} {plain(match['a'])}" if low <= value_of(match["a"]) <= high else None


def _inches(match: re.Match[str]) -> str:
    return f"{match[1].replace('-', ' ')} inch"


def _letter(match: re.Match[str]) -> str:
    if " " in match["a"]:
        return plain(match["a"])
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
    make_rule(
        rf"\b(?!(?:{_NO_COLORS}|the|and|with)\b)([a-z]{{3,}}) colou?red\b",
        "color",
        r"\1",
        " colored| coloured",
        worded=True,
    ),
]
_NO_SHAPES = "well|odd|oddly|custom|different|various|properly|perfectly|body|pre|the|and"
SHAPES = [
    make_rule(
        rf"\b(?!(?:{_NO_SHAPES})\b)([a-z]+)[ -]shaped\b",
        "shape",
        r"\1",
        " shaped|-shaped",
        worded=True,
    ),
]
AGES = [
    make_rule(
        rf"{START}(?P<a>\d+){TO}(?P<b>\d+)[\s-]?{_MONTHS_YEARS}(?:[\s-]olds?)?{END}",
        "age",
        _age,
        "mo|mth|ye|yr",
    ),
    make_rule(rf"{START}(?P<a>\d{{1,2}})-(?P<b>\d{{1,2}})(?P<unit>m){END}", "age", _age, "0m"),
    make_rule(
        rf"{START}(?P<a>\d+)[\s-]?(?:{_MONTHS_YEARS}[\s-]olds?|yo|y/o){END}",
        "age",
        _age,
        "old|yo|y/o",
    ),
    make_rule(
        rf"{START}(?P<a>\d+) (?P<unit>months?)(?= (?:baby|babies|boy|girl|toddler|infant))",
        "age",
        _age,
        "0 month",
    ),
    make_rule(
        rf"\bage[sd]? (?P<a>\d+)(?:{TO}(?P<b>\d+))?(?P<up>\s?\+| and (?:up|over|above)| up)?"
        rf"(?: {_MONTHS_YEARS})?{END}",
        "age",
        _age,
        "age 0|ages 0|aged 0",
    ),
]
_SCREENS = (
    r"(?:(?:smart|led|lcd|oled|qled|4k|uhd|hd|roku|gaming|curved) )*(?:tvs?|monitors?|laptops?)"
)
SIZES = [
    make_rule(
        rf"\b(?:size )?(?P<where>uk|us|eu)(?: size)? ?(?P<a>\d{{1,2}} {FRACTION}"
        r"|\d{1,2}(?:\.5)?)(?![\w/.]|[.,]\d)",
        "size",
        _region,
        "uk|us|eu",
    ),
    make_rule(
        rf"\b(?:size )?(?P<a>\d{{1,2}} {FRACTION}|\d{{1,2}}(?:\.5)?) ?(?P<where>uk|us|eu)\b",
        "size",
        _region,
        "uk|us|eu",
    ),
    make_rule(
        rf"\bsize (?P<a>\d{{1,2}})(?:{TO}(?P<b>\d{{1,2}}))? (?P<unit>months?|mos?){END}",
        "size",
        _age,
        "size 0",
    ),
    make_rule(
        rf"\bsize(?: |(?=\d))(?P<a>xxs|xs|xl|xxl|xxxl|\dxl|[sml]|small|medium|large|x-large"
        rf"|\d{{1,2}} {FRACTION}|"
        r"\d{1,2}(?:\.5)?(?:-\d{1,2}(?:\.5)?)?(?:[a-g]{1,3}|w|t)?)(?![\w/.])",
        "size",
        _letter,
        "size",
        worded=True,
    ),
    make_rule(
        r"(?<![\w.,/-])(?<!x )(?<!by )(\d{1,2}(?:\.5)?) size\b", "size", r"\1", "0 size|5 size"
    ),
    make_rule(
        rf"{START}((?:\d{{1,2}}[ -])?(?:1/2|[13]/4|[1357]/8|(?:[13579]|1[135])/16"
        r"|\d?[13579]/(?:32|64)))"
        r"(?!\d|[\w/.]|[ -](?:zip|sleeve|price|off|scale|size|cut|inch|length|ml|mg|x|to)\w*\b)",
        "size",
        _inches,
        "0/0",
    ),
    make_rule(r"\bw ?(\d\d)[ /x]?l ?(\d\d)\b", "size", r"w\1 l\2", "w00|w 00"),
    make_rule(r"\b(\d\d) ?w(?: ?[/x] ?| )?(2[6-9]|3\d|40) ?l\b", "size", r"w\1 l\2", "00w|00 w"),
    make_rule(r"(?<![\w.])(\d\d) ?w (\d\d) ?[lh]\b", "size", r"\1x\2", "00w 00|00 w 00"),
    make_rule(
        r"(?<![\w.])(\d+) ?([wdhl]) (\d+) ?(?!\2)([wdhl]) (\d+) ?(?!\2|\4)[wdhl]\b",
        "size",
        r"\1x\3x\5",
        "0w 0|0d 0|0h 0|0l 0|0 w 0|0 d 0|0 h 0|0 l 0",
    ),
    make_rule(r"(?<![\w.])(\d\d) ?g(?= (?:wires?|needles?)\b)", "size", r"\1 gauge", "00g|00 g"),
    make_rule(rf"{START}(\d\d(?:\.\d)?)(?= {_SCREENS}\b)", "size", r"\1 inch", "00 |0.0 "),
    make_rule(
        r"(?<!bust )(?<!chest )(?<!hip )(?<!hips )"
        r"\b(\d\d)(?: ?inch| ?in|\")? waist,? (\d\d)(?: ?inch| ?in|\")?"
        r" (?:leg|inseam|length)\b(?! \d)",
        "size",
        r"w\1 l\2",
        " waist",
    ),
    make_rule(r"\bwaist (\d\d),? (?:leg|inseam|length) (\d\d)\b", "size", r"w\1 l\2", "waist 00"),
    make_rule(r"\bwaist (\d\d)\b", "size", r"waist \1", "waist 00"),
    make_rule(r"\b(\d\d)(?: ?inch| ?in|\")? waist\b", "size", r"waist \1", " waist"),
    make_rule(r"\b(?:inseam|leg) (\d\d)\b", "size", r"inseam \1", "inseam 00|leg 00"),
    make_rule(
        r"\b(\d\d)(?: ?inch| ?in|\")? (?:inseam|leg)\b", "size", r"inseam \1", " inseam| leg"
    ),
    make_rule(r"\b(\d{3}/\d{2}) ?z?r ?(\d{2})\b", "size", r"\1 r\2", "000/00"),
    make_rule(
        r"(?<![\w-])(2[68]|3[02468]|4[02468])(?: ?(aa|ddd?)|(a|b|c|d|e|f|ff))\b",
        "size",
        lambda match: "".join(filter(None, match.groups())),
        "00a|00b|00c|00d|00e|00f|00 aa|00 dd",
    ),
    make_rule(r"\b([2-6]t)\b", "size", r"\1", "0t"),
    make_rule(
        r"(?<!audi )(?<!galaxy )(?<!samsung )\b(a[3-6]|a[0-6](?= (?:paper|sheet|frame|poster|print"
        r"|notebook|envelope|card)))(?![\w.-])",
        "size",
        r"\1",
        "a0",
    ),
]
