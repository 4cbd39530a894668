"""What is told of how a thing is sold.

Whether words for a condition say that the thing that is wanted is used: "used sofa", "iphone in
good condition"; not "i used this", "keep paint in good condition", "used nappies bin" or "watch
with a second hand"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from worker.lexicon.words import Word, covered, word_set

_HAS = re.compile(r"(?<!\S)(?:with|has|have) (?:an? |the )?(?:sweep(?:ing)? |red |center )?$")
# Before "used": somebody does it, or it is done.
_DOES = word_set("""
    i ive you we they he she it who which people is are was were be been being get gets got has have
    had never ever also this that these those them when
""")
_HOW = word_set("gently lightly slightly barely hardly previously rarely seldom only")
# Behind "used": what is done, and to what.
_DONE = word_set("""
    it this that these those them me us you him her my his our their the a an once twice daily when
    outside inside every
""")
# Before "in good condition": it is to become so, or somebody tells of it.
_TELLS = word_set("""
    keep keeps keeping kept maintain maintains maintaining maintained preserve preserves preserving
    stay stays remain remains restore restores arrive arrives arrived arriving come comes came was
    were wasnt werent not isnt arent received sent returned
""")
_IN = word_set("in a an very used still all")
_RELATIVE = word_set("that which")
# Behind a thing: it is sold without what belongs to it.
_ALONE = frozenset({
    ("bare", "tool"), ("bare", "unit"), ("tool", "only"), ("body", "only"), ("handset", "only"),
})  # fmt: skip
# What "safe" stands behind where it is no safe to lock: "dishwasher safe".
_SAFE_FOR = word_set("""
    dishwasher microwave oven freezer fridge machine food child pet dog cat bird fish animal septic
    skin reef color colour eye
""")
_FUNCTION = word_set("for with without and or in on to of from under")
# What used things are put in.
_FOR_WASTE = word_set("""
    bin bins caddy container containers disposal planter planters bucket buckets holder holders box
    boxes
""")


def naming_nothing(
    form: str, found: Sequence[Word], terms: Sequence[tuple[int, int, str]]
) -> list[tuple[int, int]]:
    """First and one past the last word of what looks like a condition or a thing and is none: the
    "second hand" that a watch has, the "tool only" or "bare tool" behind another thing, and what is
    "dishwasher safe".

    Args:
        terms: first and one past the last word of each, and its key, also of those that overlap.
    """
    if not ("safe" in form or "second hand" in form or "bare " in form or " only" in form):
        return []
    spans = []
    for i in range(len(found) - 1):
        keys = found[i].key, found[i + 1].key
        is_safe = keys[1] == "safe" and keys[0] in _SAFE_FOR
        has = keys == ("second", "hand") and _HAS.search(form, 0, found[i].start)
        # not of a "multi tool only"
        alone = i and keys in _ALONE and not any(a < i < b for a, b, _ in terms)
        if is_safe or has or alone:
            spans.append((i, i + 2))
    return spans


def is_elsewhere(hit: Any, form: str, found: Sequence[Word], terms: Sequence[Any]) -> bool:
    """Whether words that may say "used" say it of no thing that is wanted.

    Args:
        hit: has `start` and `end` of these words in `form`.
        found: the words of `form`.
        terms: have `start` and `end` of the terms in it.
    """
    first, last = covered(found, hit.start, hit.end)
    before = [word.key for word in found[:first]]
    if found[last - 1].key == "condition":
        return _is_told(before)
    if last - first > 1 or found[first].key != "used":
        return False
    behind = found[last].key if last < len(found) else ""
    prior = before[-1] if before else ""
    if prior in _DOES or behind in _DONE or (prior.endswith("ly") and prior not in _HOW):
        return True
    return _is_kept_in(found, last, terms)


def _is_told(before: Sequence[str]) -> bool:
    if not _TELLS.isdisjoint(before):
        return True
    rest = list(before)
    while rest and rest[-1] in _IN:
        rest.pop()
    return rest[-1:] in (["is"], ["are"]) and _RELATIVE.isdisjoint(rest[-2:-1])


def _is_kept_in(found: Sequence[Word], first: int, terms: Sequence[Any]) -> bool:
    """Whether the words from `first` name what something used is put in: "used needle container",
    unlike a used "storage bin"."""
    last = first
    while last < len(found) and found[last].key not in _FUNCTION:
        last += 1
    if last - first < 2 or found[last - 1].key not in _FOR_WASTE:
        return False
    holder = found[last - 1]
    return not any(t.start < holder.start and t.end == holder.end for t in terms)
