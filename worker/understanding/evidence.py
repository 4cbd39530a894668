"""How sure a link of the lexicon is before the matching model has its say.

A synonym or a category is wrong mostly where a short term means something else in the query: "tank"
in "fish tank". So it counts whether the term has several words, whether the query says more than
the term and attributes, how many of the terms that are nearest to the query are of the same
department, and whether the tagging model takes it for the thing that is asked for. The weights are
fitted on synonyms and categories of random real queries, judged by reading.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import Enum, auto
from math import exp
from operator import attrgetter

from worker.lexicon.attributes import Attribute
from worker.lexicon.reading import Mention, Reading
from worker.lexicon.tagged import Thing
from worker.lexicon.words import meets, word_set

NEAREST = 8  # terms that are asked for their department
AGREE_IF_UNKNOWN = 4  # half of NEAREST


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds))


# By whether the term has several words, whether the query says nothing else, and how many of the
# nearest terms agree; with a score of the matching model that says nothing.
_SYNONYM = [
    [[_probability(1.75 + 1.0 * several + 0.65 * alone + 0.2 * n) for n in range(NEAREST + 1)]
     for alone in (False, True)]
    for several in (False, True)
]  # fmt: skip
# Where it stands behind a term of another department: the "pillow" of "dog pillow".
_BEHIND_ANOTHER = [_probability(0.75 + 0.2 * n) for n in range(NEAREST + 1)]
# Of a category where no term in the query tells.
FALLBACK_PRIOR = 0.8


def of_synonym(several: bool, nothing_else: bool, agree: int, whole: bool) -> float:
    """Probability that the synonyms of a term in the query are right.

    Args:
        several: whether the term has several words.
        nothing_else: whether the query says nothing but its terms and attributes.
        agree: how many of the nearest terms are of the term's department, 0 to NEAREST.
        whole: whether the term does not stand behind one of another department.
    """
    return _SYNONYM[several][nothing_else][agree] if whole else _BEHIND_ANOTHER[agree]


class _Tagged(Enum):
    """How a term stands to the thing that the tagging model tells."""

    UNKNOWN = auto()  # it tells none
    ELSEWHERE = auto()
    IS = auto()  # the thing is the term, or its end
    ENDS = auto()  # the thing ends as the term does, and is longer
    INSIDE = auto()  # the thing goes on behind the term
    OVERLAPS = auto()


def _relation(term: Mention, things: Sequence[Thing]) -> _Tagged:
    span = [(term.start, term.end)]
    meeting = [thing for thing in things if meets(thing, span)]
    if not meeting:
        return _Tagged.ELSEWHERE if things else _Tagged.UNKNOWN
    thing = max(meeting, key=attrgetter("probability"))
    if thing.end == term.end:
        return _Tagged.IS if thing.start >= term.start else _Tagged.ENDS
    within = thing.start <= term.start and term.end <= thing.end
    return _Tagged.INSIDE if within else _Tagged.OVERLAPS


# What is added to the log-odds of a term's synonyms where the tagging model tells of a thing.
_SYNONYM_TAGGED = {
    _Tagged.UNKNOWN: 0.0,
    _Tagged.ELSEWHERE: -1.0,
    _Tagged.IS: 0.9,
    _Tagged.ENDS: 0.0,
    _Tagged.INSIDE: -0.7,
    _Tagged.OVERLAPS: 0.5,
}
SURE = 0.95  # prior from which a thing elsewhere takes nothing


def with_tags(prior: float, term: Mention, things: Sequence[Thing]) -> float:
    """The probability `of_synonym`, with what the tagging model says."""
    relation = _relation(term, things)
    if relation is _Tagged.ELSEWHERE and prior >= SURE:
        return prior
    odds = prior / (1 - prior) * exp(_SYNONYM_TAGGED[relation])
    return odds / (1 + odds)


# The log-odds that the category of a term in the query is the query's, and what is added: for each
# of the nearest terms of that category; for a term of several words; for one that is all that the
# query says, or stands at its end, where it more often means something else, as the "stickers" of
# "do not park stickers"; for a whole department, where the query says no more than the term and
# attributes, and where it does; where the query's brand sells things of that category, or none of
# its department.
_CATEGORY, _ALIKE, _SEVERAL, _ALONE, _LAST = -0.3, 0.46, 0.3, 0.7, -0.3
_GENERAL, _GENERAL_FOR_MORE = 0.7, -0.1
_SOLD, _NOT_SOLD = 0.5, -0.7
_CATEGORY_TAGGED = {
    _Tagged.UNKNOWN: 0.0,
    _Tagged.ELSEWHERE: -0.45,
    _Tagged.IS: 1.0,
    _Tagged.ENDS: -0.1,
    _Tagged.INSIDE: 0.55,
    _Tagged.OVERLAPS: 0.4,
}


def of_category(
    read: Reading,
    term: Mention,
    names_a_product: bool,
    path: str,
    alike: int,
    sold: Collection[str],
) -> float:
    """Probability that the category of a term in the query is the query's.

    Args:
        names_a_product: whether the query names a thing and no more, see the function.
        path: the category.
        alike: how many of the nearest terms are of that category, 0 to NEAREST.
        sold: categories of what the query's brand sells, empty where that is not known.
    """
    log_odds = _CATEGORY + _ALIKE * alike + _CATEGORY_TAGGED[_relation(term, read.things)]
    log_odds += _SEVERAL * (" " in term.surface)
    if term.surface == read.form:
        log_odds += _ALONE
    elif term.end == len(read.form):
        log_odds += _LAST
    department, inside, _ = path.partition(" > ")
    if not inside:
        log_odds += _GENERAL if names_a_product else _GENERAL_FOR_MORE
    if path in sold:
        log_odds += _SOLD
    elif sold and not any(other.partition(" > ")[0] == department for other in sold):
        log_odds += _NOT_SOLD
    return _probability(log_odds)


# What may stand beside a thing and its properties in a query that only names them.
_LINKS = word_set("""
    and or with for in of the a an to brand color colour on set not without free except non
""")


def names_a_product(read: Reading, heads: Sequence[Mention]) -> bool:
    """Whether a query names a thing and what it is to be like, and says no more, so that it is no
    question, complaint or small talk. "No" does: "hoover no suction"."""
    if not heads or "@" in read.form:
        return False
    spans = [(item.start, item.end) for item in (*read.mentions, *heads)]
    spans += [(item.start, item.end) for item in (*read.attributes, *read.exclusions)]
    return all(word.key in _LINKS or meets(word, spans) for word in read.words)


# Departments of one gender, by their first word: the value of their gender, and whose they are not.
_SMALL = {"baby", "toddler", "kids"}
_WHOSE = {
    "Women's": ("women", {"men", "boys", *_SMALL}),
    "Men's": ("men", {"women", "girls", *_SMALL}),
}


def is_for(path: str, attributes: Iterable[Attribute]) -> bool:
    """Whether a category may hold things for whom the query names: no men in "Women's Clothing"."""
    gender, others = _WHOSE.get(path.split(" ", 1)[0], ("", frozenset()))
    named = {a.value for a in attributes if a.name in ("gender", "age")} if gender else set()
    return gender in named or named.isdisjoint(others)
