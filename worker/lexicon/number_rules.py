"""What numbers with a meaning look like: sizes, ages and colours; how a rule is written.

A rule is a pattern, the attribute's name, the template of its value, and its triggers: texts, with
"0" for any digit, of which one stands wherever the pattern matches. Only then the pattern is tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from worker.lexicon.number_bounds import OR_LARGER, OR_LESS, OR_MORE, OR_SMALLER
from worker.lexicon.number_words import SMALL, value_of_words

NUMBER_WORDS = {word: str(n) for n, word in enumerate(SMALL[1:12], start=2)}  # two to twelve
PARTS = {"half": "0.5", "quarter": "0.25"}
_IN_A_WORD = {"a": "1", **PARTS}  # "a dozen"
_FRACTION = r"[1-9]/(?:[2-9]|1[06]|32|64)(?!\d)"
AND_PART = rf"(?:(?:[ -]| and ){_FRACTION}| and a (?:half|quarter))"  # behind a whole number
TO = r"\s?(?:-|–|to|bis|tot|à)\s?"
START, END = r"(?<![\w./])(?<!\d,)", r"(?![\w/])"
_STROKE = re.compile(r"/(\d{1,2})")
_END_OF_SIZE = (  # not of "size 8 or larger", but of "size 10/12"
    r"(?![\w.]|,\d|/(?!\d{1,2}(?![\w/.]))|\+|-\d"
    rf"| (?:{OR_LESS}|{OR_SMALLER}|{OR_MORE}|{OR_LARGER}))"
)
_FROM_TO = rf"(?P<a>\d{{1,2}}{AND_PART}|\d{{1,2}}(?:\.5)?)(?:{TO}(?P<b>\d{{1,2}}(?:\.5)?))?"
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
    """1,000 as 1000, 1,5 as 1.5, twenty-five as 25, 7 1/2, 71/2, 7 and a half and seven and a half
    as 7.5; 1/2 stays, as do words that are no number."""
    if number.isdigit():
        return number
    if number[0].isalpha():
        whole, _, part = number.partition(" and a ")
        value = value_of_words(whole)
        if value is None:
            return _IN_A_WORD.get(number, number)
        return str(value + float(PARTS[part])) if part else str(value)
    number = _in_digits(number)
    if (run_on := _RUN_ON.fullmatch(number)) and Fraction(number) > 1:
        number = " ".join(run_on.groups())
    if re.fullmatch(r"\d{1,3}(,\d{3})+", number):
        return number.replace(",", "")
    if re.fullmatch(rf"\d+[ -]{_FRACTION}", number):
        return f"{value_of(number):g}"
    return number.replace(",", ".")


def _in_digits(number: str) -> str:
    """8 and a half as 8 1/2."""
    parts = number.replace(" and a half", " 1/2").replace(" and a quarter", " 1/4")
    return parts.replace(" and ", " ")


def value_of(number: str) -> float:
    """The number that a text is, also a fraction or a word."""
    if number[0].isalpha():
        return float(plain(number))
    whole, _, part = re.sub(r"[ -]", " ", _in_digits(number)).rpartition(" ")
    if "/" not in part or (not whole and "/" not in (number := plain(number))):
        return float(plain(number))
    above, below = map(float, part.split("/"))
    return round((float(whole) if whole else 0) + (above / below if below else 0), 4)


def _region(match: re.Match[str]) -> str | None:
    low, high = (15, 60) if match["where"] == "eu" else (0, 28)
    numbers = [number for number in match.group("a", "b") if number]
    values = [value_of(number) for number in numbers]
    if _is_fraction_behind(match) or not low <= values[0] <= values[-1] <= high:
        return None
    return f"{match['where']} {'-'.join(map(plain, numbers))}"


def _inches(match: re.Match[str]) -> str:
    return f"{match[1].replace('-', ' ')} inch"


def _is_fraction_behind(match: re.Match[str]) -> bool:
    """Whether a number with a stroke behind is no alternative, "10/12", but a part: "3/4"."""
    below, above = _STROKE.match(match.string, match.end()), match["a"]
    return below is not None and not (above.isdigit() and 3 < int(above) < int(below[1]))


def _letter(match: re.Match[str]) -> str | None:
    if _is_fraction_behind(match):
        return None
    if match["b"]:
        return f"{match['a']}-{match['b']}"
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


def beside(words: str, but: str = r"(?!)") -> Callable[[str], bool]:
    """Whether a text has one of some words, and none of others; both are patterns."""
    wanted, unwanted = re.compile(rf"\b(?:{words})\b"), re.compile(rf"\b(?:{but})\b")
    return lambda text: bool(wanted.search(text)) and not unwanted.search(text)


def where(beside: Callable[[str], bool], value: str) -> Callable[[re.Match[str]], str | None]:
    """The template's value where `beside` holds of the text, else None."""
    return lambda match: match.expand(value) if beside(match.string) else None


_is_for_young = beside(
    r"kids?|child(?:ren)?s?|boys?|girls?|bab(?:y|ies)|newborn|infants?|toddlers?|costumes?|school",
    r"shoes?|boots?|sneakers|trainers|sandals|slippers|socks|wellies|wellys|players?|bikes?|pack",
)
_is_for_babies = beside(r"bab(?:y|ies)|newborn|infants?|baby ?grows?|sleepsuits?|rompers?")


def _young(match: re.Match[str]) -> str | None:
    """An age of two numbers alone: "girls dress 5-6", in months of a baby."""
    low, high = int(match["a"]), int(match["b"])
    if _is_for_babies(match.string):
        is_age = low < high <= 24 and low % 3 == high % 3 == 0
        return f"{low}-{high} months" if is_age else None
    is_age = 1 <= low < high <= min(low + 4, 16) and _is_for_young(match.string)
    return f"{low}-{high} years" if is_age else None


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
        rf"{START}(?<!grade )(?<!grades )(?<!size )(?<!sz )(?<!-)(?P<a>\d{{1,2}})-(?P<b>\d{{1,2}})"
        r"(?=$| (?:for )?(?:boys?|girls?|kids?)\b)",
        "age",
        _young,
        "0-0",
    ),
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
        rf"\b(?:size )?(?P<where>uk|us|eu)(?: size)? ?{_FROM_TO}{_END_OF_SIZE}",
        "size",
        _region,
        "uk|us|eu",
    ),
    make_rule(
        rf"\b(?:size )?{_FROM_TO} ?(?P<where>uk|us|eu)\b",
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
        r"\b(?:size|sz)(?: |(?=\d))(?:(?P<a>xxs|xs|xl|xxl|xxxl|\dxl|[sml]|small|medium|large"
        rf"|x-large|\d{{1,2}}{AND_PART}|\d{{1,2}}(?:\.5)?(?:[a-g]{{1,3}}|w|t)?)"
        rf"(?:(?<=[\dwt]){TO}(?P<b>\d{{1,2}}(?:\.5)?[wt]?))?){_END_OF_SIZE}",
        "size",
        _letter,
        "size|sz",
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
    make_rule(
        r"\bw(2[4-9]|[34]\d|50)(?!\w)",
        "size",
        where(beside(r"jeans?|trousers?|chinos?|pants?|shorts|levis?|denims?"), r"waist \1"),
        "w00",
    ),
    make_rule(
        r"(?<![\w.,/-])(3[4-9]|4\d|5[0-8]) ?(r|s|l|xl)\b",
        "size",
        where(
            beside(
                r"suits?|tux(?:edo)?s?|blazers?|sports? ?coats?",
                r"bags?|cases?|carriers?|backpacks?",
            ),
            r"\1\2",
        ),
        "suit|tux|blazer|coat",
    ),
    make_rule(
        r"(?<![\w.,/-])(1[4-9](?:\.5)?|2[0-2](?:\.5)?)(?: |x|/)(3[0-9](?:[/-]3[0-9])?)(?![\w/.])",
        "size",
        where(beside(r"shirts?"), r"\1 \2"),
        "00/00|00-00|.0 00|.0x00",
    ),
    make_rule(
        r"(?<![\w.,/-])([3-8]/[2-6](?:/[2-4])?)(?: ?mm)?(?![\w/.])",
        "size",
        where(beside(r"wet ?suits?|steamers?|spring ?suits?"), r"\1 mm"),
        "suit|steamer",
    ),
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
