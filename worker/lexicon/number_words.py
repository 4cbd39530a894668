"""Numbers in words, up to thousands: "fifty", "a hundred", "two hundred and fifty"."""

from __future__ import annotations

import re

SMALL = [
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {
    **{word: n for n, word in enumerate(SMALL, start=1)},
    **{word: 10 * n for n, word in enumerate(_TENS, start=2)},
}
_SCALES = {"hundred": 100, "thousand": 1000}

WORDS = frozenset((*_VALUES, *_SCALES))
_WORD = "|".join(sorted(WORDS, key=len, reverse=True))
PATTERN = rf"(?:an? )?(?:{_WORD})(?:(?: and |[ -])(?:{_WORD}))*(?!\w)"


_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?: (?:{'|'.join(SMALL[:9])}))?|{'|'.join(SMALL)})"
_BELOW_1000 = rf"(?:(?:(?:an? |{_BELOW_100} )?hundred)(?: (?:and )?{_BELOW_100})?|{_BELOW_100})"
_NUMBER = re.compile(
    rf"(?:(?:an? |{_BELOW_1000} )?thousand)(?: (?:and )?{_BELOW_1000})?|{_BELOW_1000}"
)


def value_of_words(text: str) -> int | None:
    """The number that a text, as `PATTERN` matches it, is; None where it is more than one, as
    "nineteen ninety nine" and "fifty and sixty" are."""
    text = text.replace("-", " ")
    if not _NUMBER.fullmatch(text):
        return None
    total = 0
    for word in text.split(" "):
        if scale := _SCALES.get(word):
            above = total - total % 1000 if scale == 100 else 0
            total = above + (total - above or 1) * scale
        else:
            total += _VALUES.get(word, 0)
    return total


def first_of_range(low: str, high: str) -> int | None:
    """The first of two numbers in words, which may share the last word of the other: the 500 of
    "five to six hundred". None where one of them is no number."""
    first, second = value_of_words(low), value_of_words(high)
    if first is None or second is None:
        return None
    scale = high.replace("-", " ").split(" ")[-1]
    shared = value_of_words(f"{low} {scale}") if scale in _SCALES else None
    return shared if shared and shared < second else first
