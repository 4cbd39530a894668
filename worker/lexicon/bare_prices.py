"""Whether a number without a currency is a price where it stands.

It is only beside an English word such as "under", "budget" or "or less", at the end of what it
belongs to: "under 50" is one, "under 50 minutes" and "kids under 5" are not. Of "over" and
"around" only what is large is a price, in words only what is no age: smaller numbers are ages and
sizes. Two round numbers by themselves are prices right behind a thing that nothing else is told of
in hundreds: "laptop 500-800", but not "rug 200-300".
"""

from __future__ import annotations

import re

from worker.lexicon.number_bounds import ABOVE

# What may follow a number without a currency.
_CLOSED = re.compile(
    r"\s*(?:$|[,;.!?)]|(?:for|with|without|in|and|or|but|not|no|please|that|by|from|total|only|each"
    r"|deals?|sale|best|new|used|refurbished|free|uk|usa?)\b|\d+ ?(?:gb|tb|inch(?:es)?)\b)"
)
# What stands before a number that is an age or a size, and whose age it is if it is small.
_AGED = re.compile(r"\b(?:ages?|aged|sizes?|sz|over|players?)\s$")
_PERSON = re.compile(
    r"\b(?:kids?|child|children|boys?|girls?|babies|baby|toddlers?|teens?|women|men|ladies|adults?"
    r"|people)\s$"
)
_FOR_AN_AGE = re.compile(r"\b(?:multi)?vitamins?\b|\bsupplements?\b|\bhair ?(?:cut|style)s?\b")
_GIFT = re.compile(r"\b(?:gifts?|presents?|fillers?|stuffers?)\b")
_YOUNG = re.compile(r"\b(?:kids?|child(?:ren)?s?|boys?|girls?|baby|babies|toddlers?)\b")
_ADULT = 18  # years
_LARGE = 100  # no age and no size of a screen or of clothes
_FEWEST_AROUND = 20
# What numbers of such things count or measure otherwise.
_COUNTED = re.compile(
    r"\b(?:puzzles?|jigsaws?|legos?|pieces?|pcs?|lens|lenses|zoom|grit|sand ?paper|thread|sheets?"
    r"|lumens?|weights?|calorie|calories|psi|rpm|mah|gsm|spf|factor|number|part|model|years?|proof"
    r"|books?|movies?|films?|resistors?|rounds?|chevy|silverado|sierra|ram)\b"
)
_PRICED = re.compile(
    r"\b(?:laptops?|computers?|tablets?|(?:smart)?phones?|tvs?|television|cameras?|sofas?|couch"
    r"|bikes?|guitars?|watch(?:es)?)\s$"
)
_SCREEN = re.compile(r"\b(?:tvs?|television|telly|monitor|laptop|tablet|screen)\b")
_OVER = re.compile(ABOVE)
_AROUND = frozenset({"around", "approx", "approximately", "roughly", "somewhere around"})


def is_price(form: str, match: re.Match[str], value: float, most: str) -> bool:
    """Whether a number without a currency can be a price where it stands.

    Args:
        most: what makes it the highest price, or negated the lowest.
    """
    if _CLOSED.match(form, match.end()) is None:
        return False
    if most.startswith(("max", "budget")):
        return not (value < _ADULT and _YOUNG.search(form))
    if _AGED.search(form, 0, match.start()) or (value < _ADULT and _YOUNG.search(form)):
        return False
    person = _PERSON.search(form, 0, match.start())
    if most:
        if _is_age_in_words(match, value) or form.endswith(f"{match['a']} ", 0, match.start()):
            return False  # "toys under two", "thirty under thirty"
        return not person or _is_for_persons(form, value)
    if person or _COUNTED.search(form):
        return False
    if (match["mostafter"] or "").startswith("or "):
        return value >= _LARGE or not _SCREEN.search(form)
    if _OVER.fullmatch(match["least"] or "") or (match["leastafter"] or "").startswith("or "):
        return value >= _LARGE and not _is_year(value)
    if match["about"] in _AROUND:
        least = _LARGE if _SCREEN.search(form) else _FEWEST_AROUND
        return value >= least and value % 5 == 0 and not _is_year(value)
    return False


def _is_for_persons(form: str, value: float) -> bool:
    """Whether "men under 60" tells a price, and "men under 6" a size: an age is less than that."""
    if _FOR_AN_AGE.search(form):
        return False
    return value > _ADULT or (_GIFT.search(form) is not None and not _YOUNG.search(form))


def is_pair(form: str, match: re.Match[str], high: float) -> bool:
    """Whether two bounds that stand together are prices, of which `high` is the higher."""
    if not _CLOSED.match(form, match.end()) or (high < _ADULT and _YOUNG.search(form)):
        return False
    before = (_AGED.search(form, 0, match.start()), _PERSON.search(form, 0, match.start()))
    return not (any(before) or _COUNTED.search(form))


def is_range(form: str, match: re.Match[str], low: float, high: float) -> bool:
    """Whether two numbers without a currency are prices."""
    if not _CLOSED.match(form, match.end()) or _AGED.search(form, 0, match.start()):
        return False
    between = match["between"]
    if _is_age_in_words(match, high):
        return False
    if between == "between":
        return not _PERSON.search(form, 0, match.start())
    if between not in ("from", None) or not match.start() or _COUNTED.search(form):
        return False
    step, least = (10, _FEWEST_AROUND) if between else (50, _LARGE)  # "train 10-20", "w 32-34"
    if low < least or low % step or high % step or _is_year(low):
        return False
    if between == "from":
        return True
    return high < 2.5 * low and _PRICED.search(form, 0, match.start()) is not None


def _is_age_in_words(match: re.Match[str], value: float) -> bool:
    return match["a"][0].isalpha() and value <= _ADULT


def _is_year(value: float) -> bool:
    return 1900 <= value <= 2050 and value % 500 > 0
