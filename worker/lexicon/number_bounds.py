"""Words for bounds of a number: "under", "at least", "unter" before it, "or less" behind it; what
negates one turns it round: "not above", "no smaller than", "don't want to pay more than".

Each list is of prices and of amounts, unless its comment names a reason to be of one alone.
"""

from __future__ import annotations

import re

# What a negation turns round.
BELOW = r"(?:less|lower|cheaper) th[ae]n|under|below|beneath"
ABOVE = r"(?:more|higher|greater|more expensive|dearer) th[ae]n|over|above"
# Of amounts: "heavier than 20 pounds" is no price.
SMALLER = r"(?:smaller|shorter|narrower|lighter|thinner|fewer) th[ae]n"
LARGER = r"(?:larger|bigger|longer|wider|taller|heavier|thicker) th[ae]n"
_TURNED_WORDS = rf"{BELOW}|{SMALLER}|{ABOVE}|{LARGER}"
_TURNED = re.compile(_TURNED_WORDS)
_OF_A_NUMBER = re.compile(rf"(?:{_TURNED_WORDS}) (?:[^\W\d]{{0,3}}[$£€¥₹]?)\d")
_NEGATION = (
    r"(?<!\w)(?:no|not|nothing|never|can ?not|(?:do(?:es)?|did|is|are|ca|wo|must|should)n['’]?t)"
    r"(?: (?:be|is|are|to|want|like|need|pay|paying|spend|spending|go|going|costs?|costing|priced?"
    r"|that|which|any|anything|a|at|for))*\s"
)
_NOT = re.compile(rf"{_NEGATION}$")
_NOR = re.compile(rf"{_NEGATION}(?:{_TURNED_WORDS}) [$£€]?\d\S*(?: [a-z]+)? (?P<nor>n?or\s)$")
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
# Behind these a number alone may be a price, unlike that of "within 2" and "from 5".
AT_MOST_ALONE = rf"{BELOW}|up ?t[op]|at most"
AT_LEAST_ALONE = rf"{ABOVE}|at least"
AT_MOST = rf"{AT_MOST_ALONE}|within|<=?|{MOST_ABROAD}"
AT_LEAST = rf"{AT_LEAST_ALONE}|starting (?:at|from)|from|>=?|{LEAST_ABROAD}"
# Of what it is the most may follow: "max price", "min width".
MAX, MIN = r"max(?:imum|\.)?", r"min(?:imum|\.)?"
# Behind a number; not the "or less" of "$20 or less than 30".
_ENDS = r"(?!\w| (?:than )?[$£€¥₹]?\d)"
OR_LESS = rf"(?:(?:or|and) (?:less|under|below)|or lower){_ENDS}"
OR_MORE = rf"(?:(?:or|and) (?:more|over|above|up)|or higher){_ENDS}"
# Of amounts; "and lighter", "and thinner" may be things.
OR_SMALLER = rf"(?:(?:or|and) (?:smaller|shorter|narrower|fewer)|or (?:lighter|thinner)){_ENDS}"
OR_LARGER = rf"(?:or|and) (?:larger|bigger|greater|longer|wider|taller|heavier|thicker){_ENDS}"
MOST_BEHIND = (
    rf"{OR_LESS}|max(?:imum)?(?!\w)|(?:oder weniger|ou moins|o menos|o meno|of minder)(?!\w)"
)
LEAST_BEHIND = (
    rf"{OR_MORE}|min(?:imum)?(?!\w)|(?:oder mehr|ou plus|o m[áa]s|o pi[ùu]|of meer)(?!\w)"
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


def negated(form: str, start: int, bound: str) -> int:
    """Where what negates a bound begins; `start` where nothing does.

    Args:
        start: offset of the bound in the form.
        bound: its words.
    """
    if not _TURNED.fullmatch(bound):
        return start
    if found := _NOT.search(form, 0, start):
        return found.start()
    found = _NOR.search(form, 0, start)  # "not over 55 inch or under 40 inch"
    return found.start("nor") if found else start


def stands(form: str, start: int) -> bool:
    """Whether a bound of a number begins there."""
    return _OF_A_NUMBER.match(form, start) is not None
