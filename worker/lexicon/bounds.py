"""Words for bounds before a number: "under", "more than", "unter"; what negates them turns them
round: "not above", "no smaller than", "don't want to pay more than"."""

from __future__ import annotations

import re

# What a negation turns round.
LESS = (
    r"(?:less|smaller|shorter|narrower|lighter|thinner|lower|cheaper) th[ae]n|under|below|beneath"
)
MORE = (
    r"(?:more|larger|bigger|greater|longer|wider|taller|heavier|thicker|higher|more expensive"
    r"|dearer) th[ae]n|over|above"
)
_TURNED = re.compile(rf"{LESS}|{MORE}")
_OF_A_NUMBER = re.compile(rf"(?:{LESS}|{MORE}) (?:[^\W\d]{{0,3}}[$£€¥₹]?)\d")
_NEGATION = (
    r"(?<!\w)(?:no|not|nothing|never|can ?not|(?:do(?:es)?|did|is|are|ca|wo|must|should)n['’]?t)"
    r"(?: (?:be|is|are|to|want|like|need|pay|paying|spend|spending|go|going|costs?|costing|priced?"
    r"|that|which|any|anything|a|at|for))*\s"
)
_NOT = re.compile(rf"{_NEGATION}$")
_NOR = re.compile(rf"{_NEGATION}(?:{LESS}|{MORE}) [$£€]?\d\S*(?: [a-z]+)? (?P<nor>n?or\s)$")
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
