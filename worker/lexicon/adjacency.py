"""Words that are values only where they stand next to a thing of some departments: "tan boots"."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

# What may stand between a thing and what describes it: "boots in tan", "shirt in a large".
LINKS = {"", "and", "in", "in a", "in size", "in color", "in colour", "made of", "made from"}
_BEDS = frozenset({"single", "double"})  # of which there are small ones
_JOINTS = {"", ",", "/", "&", "or", "and", ", or", ", and"}


_AT_EDGES = frozenset({"size", "color", "material", "pattern", "shape"})
WITHIN = frozenset({"pattern", "shape"})  # anywhere in a term, and no thing by themselves
_OPENING = frozenset({"size", "material", "age"})  # also as the first word of a term


def next_to_terms(hits: Sequence[Any], terms: Sequence[Any], form: str, inside: bool) -> list[Any]:
    """Without those that would have to stand next to a term and do not.

    Another attribute that surely is one may stand between: "chocolate leather sofa".

    Args:
        inside: whether those count that a term's own name holds, as in "glass kettle".
    """
    sure = [(hit.start, hit.end) for hit in hits if hit.rule is None]
    if len(sure) == len(hits):
        return list(hits)

    def counts(hit: Any) -> bool:
        if hit.rule is None:
            return True
        fit = _fitting(hit, terms)
        if fit and hit.name in _AT_EDGES and _at_edge(hit, fit, form):
            return True
        places = sure + [(term.start, term.end) for term in fit]
        return bool(fit) and any(_touch(hit, *place, form, inside) for place in places)

    counted = list(map(counts, hits))
    for order in (range(1, len(hits)), range(len(hits) - 2, -1, -1)):  # "shirt s, m or l"
        for n in order:
            other = n - 1 if order.step > 0 else n + 1
            if counted[other] and not counted[n] and _is_listed(hits[n], hits[other], form):
                counted[n] = bool(_fitting(hits[n], terms))
    return _of_beds([hit for hit, counting in zip(hits, counted, strict=True) if counting], form)


def _of_beds(hits: list[Any], form: str) -> list[Any]:
    """The hits, those of "small double" as one: there, too, "double" is the size of a bed."""
    for n in range(len(hits) - 1, 0, -1):
        one, other = hits[n - 1 : n + 1]
        if one.value == "small" and other.value in _BEDS and form[one.end : other.start] == " ":
            hits[n - 1 : n + 1] = [one._replace(value=f"{one.value} {other.value}", end=other.end)]
    return hits


def _is_listed(one: Any, other: Any, form: str) -> bool:
    """Whether two are values of one attribute and nothing but a joint is between."""
    first, second = sorted([one, other], key=attrgetter("start"))
    return one.name == other.name and form[first.end : second.start].strip() in _JOINTS


def _fitting(hit: Any, terms: Sequence[Any]) -> list[Any]:
    """The terms beside which a hit counts."""
    only, departments = hit.rule
    return [term for term in terms if (term.department in departments) == only]


def _at_edge(hit: Any, terms: Sequence[Any], form: str) -> bool:
    """Whether it opens the query before a term, or a size or colour closes it behind one.

    A size of few departments, such as "queen", may stand anywhere before their terms.
    """
    before = any(hit.end < term.start for term in terms)
    if hit.start == 0:
        return before
    if before and hit.rule[0] and hit.end - hit.start > 2 and hit.name == "size":
        return True  # "queen tufted bed"
    closes = hit.end == len(form) and hit.name != "material"
    return closes and any(term.end < hit.start for term in terms)


def _touch(hit: Any, start: int, end: int, form: str, inside: bool) -> bool:
    """Whether a hit follows or precedes what stands at `start` to `end`, or describes it within:
    "floral dress", "glass kettle", but not "fold down desk"."""
    if hit.start < end and start < hit.end:
        if hit.end == end:
            return hit.start == start and hit.name not in WITHIN
        if hit.start < start and hit.name == "size":
            return True  # "king single bed"
        opens = hit.start == start and hit.name in _OPENING and hit.end - start > 1
        return hit.name in WITHIN or (opens and inside)
    if end <= hit.start:
        return form[end : hit.start].strip(" -,") in LINKS
    return form[hit.end : start] in (" ", "-")
