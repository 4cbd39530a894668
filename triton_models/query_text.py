"""The text of a query: its normal form, and the scripts that tell a language.

A leaf that the worker imports, so that a model learns from what it is asked with. Two queries with
one normal form get one enrichment: it is the cache's key, the models' input and what attribute
offsets count in.
"""

from __future__ import annotations

import re
import unicodedata

SCRIPTS = (  # first and last code point of the script's main block, and its language
    (0x3040, 0x30FF, "ja"),
    (0xAC00, 0xD7AF, "ko"),
    (0x4E00, 0x9FFF, "zh"),
    (0x0370, 0x03FF, "el"),
    (0x0400, 0x04FF, "ru"),
    (0x0590, 0x05FF, "he"),
    (0x0600, 0x06FF, "ar"),
    (0x0900, 0x097F, "hi"),
    (0x0E00, 0x0E7F, "th"),
)
_IDEOGRAPHS = re.compile(r"([\u3400-\u9fff\uf900-\ufaff]+)")
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


def is_ideograph(character: str) -> bool:
    """Whether a character is Chinese: of the script that writes a word with one or two of them."""
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff"


def word_count(text: str) -> int:
    """How many words a text has; Chinese is counted by two characters, as its words mostly are."""
    found = 0
    for part in _IDEOGRAPHS.split(text):
        found += -(-len(part) // 2) if part and is_ideograph(part[0]) else len(part.split())
    return found
