"""Words that are values only where they stand next to a thing of some departments: "tan boots"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# What may stand between a thing and what describes it: "boots in tan", "shirt in a large".
LINKS = {"", "and", "in", "in a", "in size", "in color", "in colour", "made of", "made from"}


def next_to_terms(hits: Sequence[Any], terms: Sequence[Any], form: str) -> list[Any]:
    """Without those that would have to stand next to a term and do not.

    Another attribute that surely is one may stand between: "chocolate leather sofa".
    """
    sure = [(hit.start, hit.end) for hit in hits if hit.rule is None]
    if len(sure) == len(hits):
        return list(hits)

    def counts(hit: Any) -> bool:
        if hit.rule is None:
            return True
        only, departments = hit.rule
        fit = [t for t in terms if (t.department in departments) == only]
        if fit and hit.name in ("size", "color", "material") and _at_edge(hit, fit, form):
            return True
        places = sure + [(term.start, term.end) for term in fit]
        return bool(fit) and any(_touch(hit, *place, form) for place in places)

    return [hit for hit in hits if counts(hit)]


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


def _touch(hit: Any, start: int, end: int, form: str) -> bool:
    """Whether a hit is what stands at `start` to `end`, or follows or precedes it."""
    if hit.start < end and start < hit.end:
        return (hit.start, hit.end) == (start, end)
    if end <= hit.start:
        return form[end : hit.start].strip(" -,") in LINKS
    return form[hit.end : start] in (" ", "-")
