"""Prices in a query, with bounds and currency: "under £20", "between 20 and 40 euro", "$15-$25",
"unter 50 €", "de 20 à 40 €"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from worker.lexicon import alternatives, bare_prices
from worker.lexicon.number_bounds import (
    AND_OF_PRICES,
    AT_LEAST,
    AT_LEAST_ALONE,
    AT_MOST,
    AT_MOST_ALONE,
    BETWEEN_ABROAD,
    LEAST_BEHIND,
    LEAST_OF_PRICES,
    MAX,
    MIN,
    MOST_BEHIND,
    MOST_OF_PRICES,
    OR_LESS,
    OR_MORE,
    TO_ABROAD,
    negated,
)
from worker.lexicon.number_words import PATTERN, first_of_range, value_of_words
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
_PENCE = frozenset({0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.99})  # "50p"
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
_CURRENCY_BEFORE = r"(?:us\$|[$£€¥₹]|(?:usd|gbp|eur|cad|aud|inr|jpy|chf|rs\.?)(?![a-z])\s?)"
_CURRENCY_BEHIND = (
    r"(?:\s?[£€$]|\s?(?:usd|gbp|eur|cad|aud|inr|chf|euros?|dollars?|bucks?|quid|pounds?|rupees?|yen"
    r"|pence|cents?|rs)(?![a-z])|p(?![\w]))"
)


def _amount(name: str, number: str) -> str:
    number = rf"(?P<{name}>{number})(?P<{name}k>k(?!\w))?"
    return rf"(?P<{name}s>{_CURRENCY_BEFORE})?{number}(?P<{name}e>{_CURRENCY_BEHIND})?"


# "budget 30 inch tv" is a cheap one.
_MOST = (
    rf"{AT_MOST}|{MAX}(?: price| budget)?(?: of)?|budget(?: of| is| under| max)?|{MOST_OF_PRICES}"
)
_LEAST = rf"{AT_LEAST}|{MIN}(?: price)?(?: of)?|{LEAST_OF_PRICES}"
_ABOUT = (
    r"(?:somewhere )?around|about|approx(?:imately|\.)?|roughly|circa|ca\.?|near(?:ly)?|close to|~"
    r"|etwa|ungefähr|rund|environ|autour de|alrededor de|ongeveer"
)
_BOUND = (
    rf"(?:(?P<most>(?<![\w-])(?:{_MOST}))|(?P<least>(?<![\w-])(?:{_LEAST}))"
    rf"|(?P<about>(?<![\w-])(?:{_ABOUT})))\s?"
)
# Of prices: "30 inch tops" are clothes, "2 pack plus size" is a size.
_AFTER = (
    rf"(?:\s?(?P<mostafter>{MOST_BEHIND}|(?:or cheaper|tops)(?!\w))"
    rf"|\s?(?P<leastafter>{LEAST_BEHIND}|plus(?!\w)|\+))?"
)
_START, _END = r"(?<![\w.,/-])", r"(?![\w/]|[.,]\d)"
_NO_SET = r"(?<!lot de )(?<!pack de )"  # "lot de 2 à 40 €"


def _patterns(number: str, dash: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """How two prices, and how one, are written, with numbers of a pattern; `dash` may stand between
    the two."""
    return (
        re.compile(
            rf"(?:(?<!\w)(?P<between>between|from|{_ABOUT}|{BETWEEN_ABROAD})\s|{_NO_SET}){_START}"
            rf"{_amount('a', number)}(?:{dash}"
            rf"|\s(?:to|{TO_ABROAD}|(?P<and>and|{AND_OF_PRICES}))\s){_amount('b', number)}{_END}"
        ),
        re.compile(rf"(?:{_BOUND})?{_START}{_amount('a', number)}{_END}{_AFTER}"),
    )


_RANGE, _ONE = _patterns(_NUMBER, r"\s?(?:-|–)\s?")
_PAIRS = [
    re.compile(
        rf"(?<![\w-])(?P<first>{first})\s{_START}{_amount('a', _NUMBER)},?(?: and| but)?"
        rf"\s(?:{second})\s{_amount('b', _NUMBER)}{_END}"
    )
    for first, second in ((AT_LEAST_ALONE, AT_MOST_ALONE), (AT_MOST_ALONE, AT_LEAST_ALONE))
]
_RANGE_IN_WORDS, _ONE_IN_WORDS = _patterns(PATTERN, " - | ?– ?")  # "six-hundred" is one
_SIGN = re.compile(
    r"[$£€¥₹<>]|\d(?:p|k)?(?:\s?(?:usd|gbp|eur|cad|aud|inr|chf|euro|dollar|buck|quid|pound|rupee|yen"
    r"|pence|cent)|p\b)|\b(?:usd|gbp|eur|cad|aud|inr|jpy|chf|rs)\b"
)
_BARE = re.compile(
    rf"\b(?:{AT_MOST_ALONE}|{AT_LEAST_ALONE}|{OR_LESS}|{OR_MORE}|or cheaper|{MAX}|budget|between"
    r"|around|approx|approximately|roughly)\b"
)
_BARE_PARTS = ("0-", "0 to ", "gift card ", "gift voucher ")  # of other prices without a currency
_GIFT_CARD = re.compile(r"\bgift (?:card|voucher) ([1-9]\d{0,2})$")
_PLAIN = re.compile(r"\d+(?:\.\d+)?")  # no "10-20" and no "size 8"
_WORTH = re.compile(r"\bgift (?:cards?|vouchers?|certificates?)\b")
_BILL = re.compile(r"\s(?:bills?|coins?|notes?|signs?)\b")
_WEIGHED = re.compile(
    r"\b(?:dumb ?bells?|kettle ?bells?|weights?|barbells?|plates?|dogs?|vests?|luggage"
    # what tells how much it bears
    r"|ladders?|scales?|hammocks?|(?:exercise|spin) bikes?|treadmills?|trampolines?|swings?"
    r"|strollers?|pushchairs?|prams?|wheelchairs?|rollators?|car seats?|baby carriers?"
    # not under: "gifts for men under 20 pounds"
    r"|(?:people|persons?|adults?|men|women|users?|riders?) (?:over|above|more th[ae]n|up to))\b"
)


class Price(NamedTuple):
    """A price, or its bounds.

    Attributes:
        value: in a normal form, such as "under 50 USD", "about 50 USD".
        min, max: equal for an exact price, and for one that is "about" this; None for an open end.
        currency: ISO 4217; None where the query names none.
    """

    value: str
    min: float | None
    max: float | None
    currency: str | None
    start: int
    end: int


def find(form: str, in_words: bool = False) -> Iterator[Price]:
    """The prices in a normal form; they may overlap, the longest counts.

    Args:
        in_words: whether it has number words; it has digits if not.
    """
    if not (
        in_words
        or _SIGN.search(form)
        or _BARE.search(form)
        or any(part in form for part in _BARE_PARTS)
    ):
        return
    found = [_range(form, match) for match in _RANGE.finditer(form)]
    if len(_BARE.findall(form)) > 1:
        found += [_pair(form, match) for pair in _PAIRS for match in pair.finditer(form)]
    found += [_one(form, match) for match in _ONE.finditer(form)]
    if in_words:
        found += [_range(form, match) for match in _RANGE_IN_WORDS.finditer(form)]
        found += [_one(form, match) for match in _ONE_IN_WORDS.finditer(form)]
    found += [other for price in found if price for other in _alternatives(form, price)]
    if "gift " in form and (card := _GIFT_CARD.search(form)):
        found.append(_price(float(card[1]), float(card[1]), None, *card.span(1)))
    for price in found:
        if price and max(price.min or 0, price.max or 0) < MOST:
            yield price


def _alternatives(form: str, price: Price) -> Iterator[Price]:
    """Those that share the currency of one: the 20 of "20 or 30 dollars"."""
    if price.currency and price.min == price.max and form.endswith("or ", 0, price.start):
        for number, start, end in alternatives.before(form, price.start):
            if _PLAIN.fullmatch(form, start, end):
                yield _price(float(number), float(number), price.currency, start, end)


def _range(form: str, match: re.Match[str]) -> Price | None:
    first, last = _currency(match, "a"), _currency(match, "b")
    currency = last or first
    if match["and"] and not match["between"]:
        return None
    if not (match["as"] or match["bs"]) and _is_weight(form, match, "b", match["between"]):
        return None
    low, high = _value(match, "a"), _value(match, "b")
    if match["a"][0].isalpha():
        low = first_of_range(match["a"], match["b"])
    if low is None or high is None or low >= high:
        return None
    if currency is None and not bare_prices.is_range(form, match, low, high):
        return None
    return _price(low, high, currency, match.start(), match.end())


def _pair(form: str, match: re.Match[str]) -> Price | None:
    """Two bounds that stand together: "more than 10 less than 20"."""
    start, first = match.start(), match["first"]
    if negated(form, start, first) < start or _is_weight(form, match, "b", first):
        return None
    low, high = _value(match, "a"), _value(match, "b")
    if re.fullmatch(AT_MOST_ALONE, first):
        low, high = high, low
    currency = _currency(match, "b") or _currency(match, "a")
    if low >= high or (currency is None and not bare_prices.is_pair(form, match, high)):
        return None
    return _price(low, high, currency, start, match.end())


def _one(form: str, match: re.Match[str]) -> Price | None:
    currency = _currency(match, "a")
    most, least = match["most"], match["least"]
    said, start = most, match.start()
    if (first := negated(form, start, most or least or "")) < start:
        said = most or least  # "not under 50" is a price where "under 50" is one
        most, least, start = least, most, first
    most = most or match["mostafter"]
    least = None if most else least or match["leastafter"]
    about = None if most or least else match["about"]
    if not match["as"] and _is_weight(form, match, "a", most or least or about):
        return None
    value = _value(match, "a")
    if value is None:
        return None
    if currency is None and not bare_prices.is_price(form, match, value, said or ""):
        return None
    spaced = " " in match["a"] and match["a"][0].isdigit()
    if spaced and not (most or least or about or re.search(" 000|,", match["a"])):
        start = match.start("a") + match["a"].rindex(" ") + 1  # "iphone 7 500 €"
        value = float(form[start : match.end("a")].replace(",", "."))
    if currency and not most and not least and _BILL.match(form, match.end()):
        return None
    unit = (match["ae"] or "").strip()
    if unit == "p" and value not in _PENCE:  # 1080p, "audi a3 8p"
        return None
    if unit in _PART_OF_UNIT and match["a"][0].isalpha():  # "fifty cent"
        return None
    low, high = (None if most else value), (None if least else value)
    return _price(low, high, currency, start, match.end(), about=about is not None)


def _is_weight(form: str, match: re.Match[str], name: str, bound: str | None) -> bool:
    """Whether "pounds" are no money: they are only with a bound, and where nothing is weighed; and
    of a gift card."""
    unit = (match[f"{name}e"] or "").strip()
    if unit not in ("pound", "pounds") or _WORTH.search(form):
        return False
    return not bound or _WEIGHED.search(form) is not None


def _currency(match: re.Match[str], name: str) -> str | None:
    text = (match[f"{name}s"] or match[f"{name}e"] or "").strip(" .")
    return _CURRENCY.get(text)


def _value(match: re.Match[str], name: str) -> float | None:
    text = match[name]
    if text[0].isalpha():
        return value_of_words(text)
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
    low: float | None,
    high: float | None,
    currency: str | None,
    start: int,
    end: int,
    about: bool = False,
) -> Price:
    low, high = short(low), short(high)
    if low is None:
        text = f"under {high}"
    elif high is None:
        text = f"over {low}"
    elif low == high:
        text = f"about {low}" if about else f"{low}"
    else:
        text = f"{low}-{high}"
    return Price(f"{text} {currency}" if currency else text, low, high, currency, start, end)
