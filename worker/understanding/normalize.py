"""The normal form of a query.

Two queries with one normal form get one enrichment: it is the cache's key, the models' input
and what attribute offsets count in.
"""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile("[™®©℠]")
_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
_FRACTION = re.compile(f"(?<=[0-9{_VULGAR}])[{_VULGAR}]|[{_VULGAR}](?=[0-9])")


def normal_form(text: str) -> str:
    """NFKC, lower case, no control or format characters, single spaces; may be empty.

    Marks such as ™ go; fractions stay numbers of their own: 7½ is "7 1/2".
    """
    if not (text.isascii() and text.isprintable()):
        text = _MARKS.sub("", _FRACTION.sub(r" \g<0> ", text)).replace("\u2044", "/")
        text = unicodedata.normalize("NFKC", "".join(map(_visible, text)))
        text = unicodedata.normalize("NFKC", text.lower())  # ǰ is one letter, and J̌ is two
        text = text.replace("\u2044", "/")
    return " ".join(text.lower().split())


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cc":
        return " "
    return "" if kind[0] == "C" else character
