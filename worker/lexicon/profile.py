"""What must stay as it is when a text takes the place of another: its head, values and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from worker.lexicon.protected_values import ProtectedValues
from worker.lexicon.words import stem, word_set

USES = word_set("""
    running walking hiking gaming travel camping swimming swim cycling golf tennis football
    soccer basketball baseball yoga gym work office school wedding party bridal maternity
    nursing outdoor indoor garden patio kitchen bathroom bedroom car bike motorcycle boat dog
    cat puppy kitten bird fish horse wired wireless corded cordless electric manual gas petrol
    solar hot cold left right front rear used refurbished salted unsalted whole skimmed semi sugar
    decaf vegan halal kosher
""")
# Words of USES that say the same of a thing.
_SAME_USE = {
    "swim": "swimming",
    "cycling": "bike",
    "office": "work",
    "gym": "workout",
    "bridal": "wedding",
    "garden": "outdoor",
    "patio": "outdoor",
    "puppy": "dog",
    "kitten": "cat",
}
_NOTHING: frozenset = frozenset()
_DOUBLED = re.compile(r"([a-z])\1")
_ONCE = itemgetter(1)
_DIGITS = re.compile(r"\d+")
# What stands behind these says what the thing is for, comes with or is made of.
SPLITS = word_set("""
    for with without to in on by under over from that which at near inside like as of using
    including featuring containing between
    für fuer ohne avec senza voor zonder
""")


class Stemmed:
    """The words of a text, whatever their number.

    Args:
        keys: of its words.

    Attributes:
        stems: its words in the singular.
        head: the stem of the word that names the thing, "" where there is none.
        joined: the text without spaces, number and what spellings differ in.
    """

    __slots__ = ("head", "joined", "stems")

    def __init__(self, keys: Sequence[str]) -> None:
        stems = [stem(key) for key in keys]
        self.stems = frozenset(stems)
        self.head = _head(keys, stems)
        self.joined = _spelling("".join(stems))


class Profile(NamedTuple):
    """What a text says of a thing.

    Attributes:
        values: names and values of its protected attributes.
        numbers: the digits in it.
        uses: the words in it that say what a thing is for, or how it works.
        plain: whether it has neither values nor numbers.
        is_brand: whether it is a brand's name and no more, as "hoover" for any vacuum cleaner.
        by_rule: names that it may stand for by a rule, though only one of the two has digits.
    """

    values: frozenset[tuple[str, str]]
    numbers: frozenset[str]
    uses: frozenset[str]
    plain: bool
    is_brand: bool
    by_rule: frozenset[str]


def profile(form: str, keys: Sequence[str], protected: ProtectedValues) -> Profile:
    """The profile of a normal form with these words."""
    numbers = _set(_DIGITS.findall(form))
    uses = _set([_SAME_USE.get(key, key) for key in keys if key in USES])
    values, is_brand, by_rule = protected
    return Profile(values, numbers, uses, not (values or numbers), is_brand, by_rule)


def _set(items: list[Any]) -> frozenset:
    """A set; most are empty, and thousands are kept: these are one."""
    return frozenset(items) if items else _NOTHING


def _spelling(text: str) -> str:
    """The same for American and British spellings: "cancelling", "canceling"."""
    return _DOUBLED.sub(_ONCE, text.replace("our", "or").replace("z", "s"))


def _head(keys: Sequence[str], stems: Sequence[str]) -> str:
    if SPLITS.isdisjoint(keys):
        return stems[-1] if stems else ""
    return stems[next((n for n, key in enumerate(keys) if n and key in SPLITS), len(keys)) - 1]
