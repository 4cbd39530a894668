"""Grades and sizes that are written in a way of their own: "5w30", "ffp3", "e14", "m8", "+2.5",
"group 1/2/3", "2 ft 3 in"."""

from __future__ import annotations

import re

from worker.lexicon.number_rules import END, START, beside, make_rule, where

_FEET, _INCHES = r"\s?(?:ft|feet|foot|'|’|′)", r"\s?(?:in(?:ch|ches)?|\"|”|″|'')"
BY = r"(?:\s{0,2}[x×*]\s{0,2}|[\s-]{1,2}by[\s-]{1,2})"  # between the sides of a thing
_GROUP = r"(?:0\+|[0-3])"  # of children, by weight
_EACH_GROUP = re.compile(_GROUP)
_for_the_car = beside(r"car ?seats?|boosters?|child seats?|isofix")
_for_the_eyes = beside(
    r"reading glasses|readers|contact lens(?:es)?",
    r"card|e|ebook|kindle|book|barcode|code|rfid|sd|usb",
)
_is_a_lamp = beside(r"bulbs?|lamps?|lights?|lamp ?holders?|spotlights?|led|candles?|pendants?")
_is_a_screw = beside(
    r"bolts?|screws?|nuts?|washers?|thread(?:ed)?|rods?|studs?|rivets?|inserts?|taps?|dies?|anchors?"
)
_is_a_laptop = beside(r"laptops?|notebooks?|macbooks?|chromebooks?|ultrabooks?")
_are_trousers = beside(r"jeans|trousers|pants|chinos")


def _feet_and_inches(match: re.Match[str]) -> str:
    """A length, or two sides, in inches: "2 ft 3 in x 14 ft" is 27x168 inch."""
    feet, inches = match.group("a", "c"), match.group("b", "d")
    sides = [12 * int(f) + int(i or 0) for f, i in zip(feet, inches, strict=True) if f]
    return f"{'x'.join(map(str, sides))} inch"


def _groups(match: re.Match[str]) -> str | None:
    if not _for_the_car(match.string):
        return None
    return f"group {'/'.join(_EACH_GROUP.findall(match['a']))}"


CODES = [
    make_rule(
        rf"{START}(?P<a>\d+){_FEET}\s?(?P<b>\d{{1,2}}){_INCHES}"
        rf"(?:{BY}(?P<c>\d+){_FEET}(?:\s?(?P<d>\d{{1,2}}){_INCHES})?)?{END}",
        "size",
        _feet_and_inches,
        "0 f|0f|0'",
    ),
    make_rule(  # how thick an oil is
        r"(?<![\w.-])((?:0|5|10|15|20|25)w-?(?:[2-6]0|16))(?![\w-])", "style", r"\1", "0w0|0w-0"
    ),
    make_rule(  # what a mask keeps out
        r"(?<![\w-])(ffp ?[1-3]|k?n95|kf94)(?![\w-])", "style", r"\1", "ffp|n00|kf00"
    ),
    make_rule(  # what a lamp is fitted with
        r"(?<![\w-])(e(?:10|12|14|17|26|27|39|40)|b(?:15|22)d?|gu(?:4|5\.3|10|24)|mr(?:11|16)|r7s)"
        r"(?![\w.-])",
        "style",
        where(_is_a_lamp, r"\1"),
        "e00|b00|gu0|mr00|r0s",
    ),
    make_rule(  # how thick a screw is
        r"(?<![\w-])(m(?:[2-68]|1[024568]|2[0247]|30))(?![\w.-])",
        "size",
        where(_is_a_screw, r"\1"),
        "m0",
    ),
    make_rule(  # the screen of what a bag is for
        r"(?<![\w.])(1[0-8]\.\d)(?![\w./])(?! ?(?:in(?:ch|ches)?\b|\"|cm|mm))",
        "size",
        where(_is_a_laptop, r"\1 inch"),
        "00.0",
    ),
    make_rule(  # waist and leg
        r"(?<![\w.])(2[4-9]|3\d|4[0-8]) (2[6-9]|3[0-8])(?![\w./])"
        r"(?! ?(?:in|inch|cm|pack|pairs?|\d+)\b)",
        "size",
        where(_are_trousers, r"w\1 l\2"),
        "00 00",
    ),
    make_rule(  # how strong glasses and lenses are
        r"(?<![\w.])(?<![\d+-] )([+-]?\d\.(?:[05]0?|25|75)|\+\d)(?![\w./])"
        r"(?! ?(?:inch|mm|cm|pack|x|stars?)\b)",
        "size",
        where(_for_the_eyes, r"\1"),
        "0.0|+0",
    ),
    make_rule(  # for which children a seat in the car is
        rf"\bgroups? ?(?P<a>{_GROUP}(?:(?: ?[/,&-]? ?| and ){_GROUP})*)(?![\w.])",
        "size",
        _groups,
        "group 0|groups 0|group0",
    ),
]
