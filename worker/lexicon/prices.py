"""Prices in a query, with bounds and currency: "under £20", "between 20 and 40 euro", "$15-$25",
"unter 50 €", "de 20 à 40 €".

A number without a currency is a price only behind an English word such as "under" or "budget", at
the end of what it belongs to: "under 50" is one, "under 50 minutes" and "kids under 5" are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from worker.lexicon.number_rules import (
    AND_OF_PRICES,
    BETWEEN_ABROAD,
    LEAST_ABROAD,
    LEAST_OF_PRICES,
    MOST_ABROAD,
    MOST_OF_PRICES,
    TO_ABROAD,
)
from worker.lexicon.numbers import MOST, short

_SIGNS = {"$": "USD", "us$": "USD", "£": "GBP", "€": "EUR", "¥": "JPY", "₹": "INR"}
_CODES = {code: code.upper() for code in ("usd", "gbp", "eur", "cad", "aud", "inr", "jpy", "chf")}
_NAMES = {
    **dict.fromkeys(("dollar", "dollars", "buck", "bucks"), "USD"),
    **dict.fromkeys(("euro", "euros"), "EUR"),
    **dict.fromkeys(("quid", "pound", "pounds", "sterling"), "GBP"),
    **dict.fromkeys(("rupee", "rupees", "rs"), "INR"),
    **{"yen": "JPY"},
}
_CURRENCY = {
    **_SIGNS,
    **_CODES,
    **_NAMES,
    "p": "GBP",
    "pence": "GBP",
    "cents": "USD",
    "cent": "USD",
}
PENCE = frozenset({0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.99})  # "50p"
_PART_OF_UNIT = {"p", "pence", "cents", "cent"}  # a hundredth

_POINTED = frozenset({"USD", "GBP", "CAD", "AUD"})  # "$2.899" a gallon is less than three
_THOUSANDS = {
    ",": re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"),
    ".": re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?"),
    " ": re.compile(r"[1-9]\d{0,2}(?: \d{3})+(?:,\d+)?"),
}
_NUMBER = (
    r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d{1,2})?|[1-9]\d{0,2}(?:[. ]\d{3})+(?:,\d{1,2})?"
    r"|\d+(?:[.,]\d{1,2})?"
)
_BEFORE = r"(?:us\$|[$£€¥₹]|(?:usd|gbp|eur|cad|aud|inr|jpy|chf|rs\.?)(?![a-z])\s?)"
_BEHIND = (
    r"(?:\s?[£€$]|\s?(?:usd|gbp|eur|cad|aud|inr|chf|euros?|dollars?|bucks?|quid|pounds?|rupees?|yen"
    r"|pence|cents?|rs)(?![a-z])|p(?![\w]))"
)


def _amount(name: str) -> str:
    number = rf"(?P<{name}>{_NUMBER})(?P<{name}k>k(?!\w))?"
    return rf"(?P<{name}s>{_BEFORE})?{number}(?P<{name}e>{_BEHIND})?"


_MOST = (
    r"(?:no more|not more|less|cheaper|lower) th[ae]n|nothing (?:above|over)|not over"
    r"|under|below|beneath|up t[op]|upto|at most|within|max(?:imum|\.)?(?: price| budget)?(?: of)?"
    rf"|budget(?: of| is| under| max)?|<=?|{MOST_ABROAD}|{MOST_OF_PRICES}"
)
_LEAST = (
    r"(?:no less|not less|more) th[ae]n|at least|over|above|starting (?:at|from)|from"
    rf"|min(?:imum|\.)?(?: price)?(?: of)?|>=?|{LEAST_ABROAD}|{LEAST_OF_PRICES}"
)
_BOUND = rf"(?:(?P<most>(?<![\w-])(?:{_MOST}))|(?P<least>(?<![\w-])(?:{_LEAST})))\s?"
_AFTER = (
    r"(?:\s?(?P<mostafter>or (?:less|under|below|cheaper)|max(?:imum)?(?!\w)|tops(?!\w)"
    r"|and (?:under|below)|(?:oder weniger|ou moins|o menos|o meno|of minder)(?!\w))"
    r"|\s?(?P<leastafter>or (?:more|over|above|up)|and (?:up|over|above)|plus(?!\w)|\+"
    r"|min(?:imum)?(?!\w)|(?:oder mehr|ou plus|o m[áa]s|o pi[ùu]|of meer)(?!\w)))?"
)
_START, _END = r"(?<![\w.,/-])", r"(?![\w/]|[.,]\d)"
_NO_SET = r"(?<!lot de )(?<!pack de )"  # "lot de 2 à 40 €"
_RANGE = re.compile(
    rf"(?:(?<!\w)(?P<between>between|from|{BETWEEN_ABROAD})\s|{_NO_SET}){_START}{_amount('a')}"
    rf"(?:\s?(?:-|–)\s?|\s(?:to|{TO_ABROAD}|(?P<and>and|{AND_OF_PRICES}))\s){_amount('b')}{_END}"
)
_ONE = re.compile(rf"(?:{_BOUND})?{_START}{_amount('a')}{_END}{_AFTER}")
_SIGN = re.compile(
    r"[$£€¥₹<>]|\d(?:p|k)?(?:\s?(?:usd|gbp|eur|cad|aud|inr|chf|euro|dollar|buck|quid|pound|rupee|yen"
    r"|pence|cent)|p\b)|\b(?:usd|gbp|eur|cad|aud|inr|jpy|chf|rs)\b"
)
_BARE = re.compile(
    r"\b(?:under|below|less th[ae]n|more th[ae]n|cheaper|up ?t[op]|max|budget|between|at most)\b"
)
# What may follow a number without a currency.
_CLOSED = re.compile(
    r"\s*(?:$|[,;.!?)]|(?:for|with|without|in|and|or|but|not|no|please|that|by|from|total|only|each"
    r"|deals?|sale|best|new|used|refurbished|free|uk|usa?)\b|\d+ ?(?:gb|tb|inch(?:es)?)\b)"
)
# What stands before a number that is an age, a size or a model.
_AGED = re.compile(
    r"\b(?:kids?|child|children|boys?|girls?|babies|baby|toddlers?|ages?|aged|women|men|adults?|people"
    r"|size|sizes|over|players?)\s$"
)
_YOUNG = re.compile(r"\b(?:kids?|child(?:ren)?s?|boys?|girls?|baby|babies|toddlers?)\b")
_ADULT = 18  # years
_BILL = re.compile(r"\s(?:bills?|coins?|notes?|signs?)\b")
_WEIGHED = re.compile(
    r"\b(?:dumb ?bells?|kettle ?bells?|weights?|barbells?|plates?|dogs?|vests?|luggage)\b"
)


class Price(NamedTuple):
    """A price, or its bounds.

    Attributes:
        value: in a normal form, such as "under 50 USD".
        min, max: equal for an exact price, None for an open end.
        currency: ISO 4217; None where the query names none.
    """

    value: str
    min: float | None
    max: float | None
    currency: str | None
    start: int
    end: int


def find(form: str) -> Iterator[Price]:
    """The prices in a normal form that has a digit; they may overlap, the longest counts."""
    signed, bare = _SIGN.search(form), _BARE.search(form)
    if not (signed or bare):
        return
    found = [_range(form, match) for match in _RANGE.finditer(form)]
    found += [_one(form, match) for match in _ONE.finditer(form)]
    for price in found:
        if price and max(price.min or 0, price.max or 0) < MOST:
            yield price


def _range(form: str, match: re.Match[str]) -> Price | None:
    first, last = _currency(match, "a"), _currency(match, "b")
    currency = last or first
    if match["and"] and not match["between"]:
        return None
    if currency is None and not (match["between"] == "between" and _bare(form, match)):
        return None
    if not (match["as"] or match["bs"]) and _is_weight(form, match, "b", match["between"]):
        return None
    low, high = _value(match, "a"), _value(match, "b")
    if low >= high:
        return None
    return _price(low, high, currency, match.start(), match.end())


def _one(form: str, match: re.Match[str]) -> Price | None:
    currency = _currency(match, "a")
    most = match["most"] or match["mostafter"]
    least = None if most else match["least"] or match["leastafter"]
    if currency is None and not (match["most"] and _bare(form, match)):
        return None
    if not match["as"] and _is_weight(form, match, "a", most or least):
        return None
    value, start = _value(match, "a"), match.start()
    if " " in match["a"] and not (most or least or re.search(" 000|,", match["a"])):
        start = match.start("a") + match["a"].rindex(" ") + 1  # "iphone 7 500 €"
        value = float(form[start : match.end("a")].replace(",", "."))
    if currency is None and value < _ADULT and _YOUNG.search(form):
        return None
    if currency and not most and not least and _BILL.match(form, match.end()):
        return None
    if (match["ae"] or "").strip() == "p" and value not in PENCE:  # 1080p, "audi a3 8p"
        return None
    low, high = (None if most else value), (None if least else value)
    return _price(low, high, currency, start, match.end())


def _bare(form: str, match: re.Match[str]) -> bool:
    """Whether a number without a currency can be a price where it stands."""
    bound = match.groupdict().get("most") or ""
    if not bound.startswith(("max", "budget")) and _AGED.search(form[: match.start()]):
        return False
    return _CLOSED.match(form, match.end()) is not None


def _is_weight(form: str, match: re.Match[str], name: str, bound: str | None) -> bool:
    """Whether "pounds" are no money: they are only with a bound, and where nothing is weighed."""
    unit = (match[f"{name}e"] or "").strip()
    return unit in ("pound", "pounds") and (not bound or _WEIGHED.search(form) is not None)


def _currency(match: re.Match[str], name: str) -> str | None:
    text = (match[f"{name}s"] or match[f"{name}e"] or "").strip(" .")
    return _CURRENCY.get(text)


def _value(match: re.Match[str], name: str) -> float:
    text = match[name]
    for mark, pattern in _THOUSANDS.items():
        if pattern.fullmatch(text) and not (mark == "." and _currency(match, name) in _POINTED):
            text = text.replace(mark, "")
    value = float(text.replace(",", "."))
    if match[f"{name}k"]:
        value *= 1000
    if not match[f"{name}s"] and (match[f"{name}e"] or "").strip() in _PART_OF_UNIT:
        value = round(value / 100, 4)
    return value


def _price(
    low: float | None, high: float | None, currency: str | None, start: int, end: int
) -> Price:
    low, high = short(low), short(high)
    if low is None:
        text = f"under {high}"
    elif high is None:
        text = f"over {low}"
    else:
        text = f"{low}" if low == high else f"{low}-{high}"
    return Price(f"{text} {currency}" if currency else text, low, high, currency, start, end)
