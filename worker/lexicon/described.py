"""What the tagging model says of a query that no list holds: the product, its style, its use, what
is on it, and what tags of other names say.

This is published beside what the lists say; nothing is decided by it. From which probability each
tag counts was chosen on 1,465 held-back real queries, of those that the lists lack (`UNLISTED`) on
10,105 others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter

from worker.event import Tag
from worker.lexicon.attributes import Amount, Attribute
from worker.lexicon.head_words import LIKE, VERSIONS
from worker.lexicon.number_words import WORDS as NUMBERS
from worker.lexicon.spellings import FIRST_NAMES
from worker.lexicon.words import DIGIT, Word, covered, meets, word_set

PRODUCT, CONTENT = "product", "content"
LEAST = {PRODUCT: 0.6, "style": 0.5, "use": 0.5, "origin": 0.5, CONTENT: 0.85}
ON_A_THING = 0.65  # content, beside a product
OTHER = 0.8  # of a tag that the starter model does not have
# What the lists and `worker.lexicon.tagged` say.
LISTED = word_set("brand model color material size quantity price gender age condition excluded")
# What the lists lack of these in ordinary words, "full length", says what the thing is like.
UNLISTED = {"color": 0.8, "material": 0.5, "quantity": 0.5, "size": 0.5}
NAMES = frozenset({"brand", "model", CONTENT})  # are no part of a product's name
# Words that lead to what is meant and say nothing of it: "for my mom", "with a zip".
_BEFORE = word_set("a an and containing for made my of or our the their to with your")
_BEFORE_OF = {CONTENT: word_set("by for"), "origin": _BEFORE | {"in"}}
_BEHIND = word_set("a an and but except for in of or the with")
_EMPTY = word_set("""
    color colored colour coloured it kind no non not on style type without compare comparing
    comparison versus vs better difference or nor
""")

_place = attrgetter("start", "end")


def described(
    tags: Sequence[Tag],
    found: Sequence[Word],
    attributes: Sequence[Attribute],
    excluded: Sequence[tuple[int, int]],
    nothings: Sequence[tuple[int, int]],
    is_term: Callable[[str], bool],
    name_of: Callable[[str], str],
    is_ordinary: Callable[[str], bool],
) -> list[Attribute]:
    """What tags say beside the attributes that are known, in order.

    Args:
        found: the query's words.
        excluded: start and end of what is not wanted.
        nothings: first and one past the last word of what is no thing: the "tool only" of a drill.
        is_term: whether a key is one of a term.
        name_of: the attribute of which a key is a value; the lists tell whether it is a condition.
        is_ordinary: whether a word is one of the language.
    """
    names = [_place(a) for a in attributes if a.name in NAMES]
    known = [*map(_place, attributes), *excluded]
    nothing = [(found[i].start, found[j - 1].end) for i, j in nothings]
    thing = any(tag.name == PRODUCT and tag.probability >= LEAST[PRODUCT] for tag in tags)
    kept = []
    for tag in tags:
        least = UNLISTED.get(tag.name) or LEAST.get(tag.name, OTHER)
        if tag.name == CONTENT and thing:
            least = ON_A_THING
        if tag.probability < least or (tag.name in LISTED and tag.name not in UNLISTED):
            continue
        first, last = covered(found, tag.start, tag.end)
        words, others = found[first:last], known
        if tag.name in UNLISTED:
            one = _unlisted(tag.name, words, known, name_of, is_ordinary)
            if one and (thing or one.name == "color"):
                kept.append(one)
            continue
        if tag.name == PRODUCT:
            others = [*names, *_worded(attributes, found, tag.start), *excluded, *nothing]
            if first and found[first - 1].key in FIRST_NAMES and not is_term(_value(words)):
                continue  # "nora roberts"
        one = named_by(tag.name, words, others)
        if one and name_of(one.value) != "condition":
            kept.append(one)
    return kept


def _worded(
    attributes: Sequence[Attribute], found: Sequence[Word], end: int
) -> list[tuple[int, int]]:
    """Start and end of the amounts in words that begin before an offset: their unit may be tagged
    as the thing, the "foot" of "fifty foot hose"."""
    amounts = [a for a in attributes if isinstance(a, Amount) and a.start < end]
    return [_place(a) for a in amounts if found[covered(found, a.start, a.end)[0]].key.isalpha()]


def _unlisted(
    name: str,
    words: Sequence[Word],
    known: Sequence[tuple[int, int]],
    name_of: Callable[[str], str],
    is_ordinary: Callable[[str], bool],
) -> Attribute | None:
    """What a tag says of which the lists know no value: a colour, or else a style."""
    if any(meets(word, known) for word in words):
        return None
    one = named_by(name, [word for word in words if word.key not in _EMPTY], known)
    said = one.value.split() if one else ()
    if not one or name_of(one.value) or not all(map(is_ordinary, said)):
        return None
    if not NUMBERS.isdisjoint(said) or (name == "quantity" and not LIKE.issuperset(said)):
        return None
    return one if name == "color" else replace(one, name="style")


def named_by(
    name: str, found: Sequence[Word], others: Sequence[tuple[int, int]]
) -> Attribute | None:
    """An attribute whose value some words are; None where nothing is left of them.

    Args:
        others: start and end of what is no part of it. What such a span cuts in two is nothing.
    """
    before = _BEFORE_OF.get(name, _BEFORE)
    words = list(found)
    named = False
    while words and (words[0].key in before or meets(words[0], others)):
        named = meets(words.pop(0), others) or named
    while named and words and _is_version(words[0].key):  # "airpods pro 2 case"
        del words[0]
    while words and (words[-1].key in _BEHIND or meets(words[-1], others)):
        del words[-1]
    if not words or any(meets(word, others) for word in words):
        return None
    value = _value(words)
    number = value.replace(" ", "").isdigit()  # the year of a car
    if len(value) == 1 or number or (name != CONTENT and _EMPTY.issuperset(value.split())):
        return None
    return Attribute(name, value, words[0].start, words[-1].end)


def _value(words: Sequence[Word]) -> str:
    return " ".join(word.key for word in words)


def _is_version(word: str) -> bool:
    """Whether it only says which of a line it is."""
    return word in VERSIONS or word == "one" or DIGIT.search(word) is not None
