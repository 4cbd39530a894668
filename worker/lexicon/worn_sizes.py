"""Sizes of what is worn that are a number alone: "womens nike sneakers 8.5", "asics womens 8",
"cargo shorts men 36"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from worker.lexicon import alternatives
from worker.lexicon.number_bounds import AT_LEAST_ALONE, AT_MOST_ALONE
from worker.lexicon.words import meets, words

_SHOE = r"(?:[4-9]|1[0-6])(?:\.5)?"
_LAST = re.compile(
    r"(?<=[a-z] )(?<!\d to )"
    rf"(?:(?P<shoe>{_SHOE})(?=$| (?:wide|narrow|medium)\b)|(?P<waist>[2-5][02468])$)"
)
_BOUNDED = re.compile(rf"\b(?:{AT_MOST_ALONE}|{AT_LEAST_ALONE}) $")
_FOR_WHOM = re.compile(r"(?<!for )\b(?:(?:wo)?men(?:['’]?s)?|ladies)\b")


class _Term(Protocol):
    """A term in a query: offset of its end, and the first level of its category."""

    end: int
    department: str


def may_stand(form: str) -> bool:
    """Whether the last number of a normal form looks like such a size."""
    return _LAST.search(form) is not None


def sizes(
    form: str, terms: Sequence[_Term], said: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Where they stand: behind shoes, or behind for whom the thing is, which nothing says to be
    other than worn; of two digits, behind clothes for men or women alone.

    Args:
        terms: those in the form.
        said: start and end of its brands, models and values: other words may be a title's, as in
            "little women 8".
    """
    match = _LAST.search(form)
    if match is None or _BOUNDED.search(form, 0, match.start()):
        return []
    places = [(start, end) for _, start, end in alternatives.before(form, match.start())]
    places.append(match.span())
    start = places[0][0]
    before = [term for term in terms if term.end <= start]
    shoes = any(term.department == "Shoes" for term in before)
    worn = [term for term in before if _is_worn(term, form)]
    whose = _FOR_WHOM.search(form, 0, start)
    behind = whose is not None and whose.end() + 1 == start  # "men 10"
    if match["waist"]:  # or the number of a player
        beside = behind or any(term.end + 1 == start for term in worn)
        return places if worn and whose and beside and "jersey" not in form else []
    if behind and not before:
        behind = all(meets(word, said) for word in words(form[: whose.start()]))
        return places if behind else []
    return places if shoes or (behind and worn) else []


def _is_worn(term: _Term, form: str) -> bool:
    belt = form.endswith((" belt", " belts"), 0, term.end)
    return "Clothing" in term.department or (belt and term.department == "Bags & Accessories")
