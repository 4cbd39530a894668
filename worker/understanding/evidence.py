"""How sure a link of the lexicon is before the matching model has its say.

A synonym or a category is wrong mostly where a short term means something else in the query: "tank"
in "fish tank". So it counts whether the term has several words, whether the query says more than
the term and attributes, how many of the terms that are nearest to the query are of the same
department, and whether the tagging model takes it for the thing that is asked for. The weights are
fitted on real queries, read by hand. The matching model is not asked about categories.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum, auto
from math import exp
from operator import attrgetter
from typing import NamedTuple

from worker.lexicon.head_words import LIKE
from worker.lexicon.negations import with_negation
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


class Nearest(NamedTuple):
    """What the terms that are nearest to a query say of a category.

    Attributes:
        alike: how many of them are of it, 0 to NEAREST.
        akin: how many are of its department.
        first: whether the nearest is of it.
        similarity: cosine of the nearest.
    """

    alike: int
    akin: int
    first: bool
    similarity: float


# The log-odds that a category is the query's, fitted on what 10,105 real queries ask for, read by
# hand (`triton_models/starter/labels/categories.tsv`). By the nearest terms: the nearer they are,
# the more it says how many are alike. A query that is a term is its own nearest, so a cosine above
# _NEAR says nothing more.
_CATEGORY, _SIMILARITY, _FIRST, _ALIKE, _FAR, _NEAR = 1.97, -4.1, 0.8, 0.89, 0.5, 0.9
_UNKNOWN_NEAREST = 1.3  # all that on average, where the encoder was away
# For a term in the query: for each near term of its department; times the probability of the thing
# that the tagging model takes it for; where it finds no thing; for a term of several words; for one
# that is all of the query; where the query says no more than the term and attributes; where it
# excludes something, which draws the nearest terms away; for a whole department where it says more.
_TERM, _AKIN, _THING, _UNTAGGED = -0.68, 0.09, 2.36, 1.1
_SEVERAL, _WHOLE, _ALONE, _EXCLUDES, _GENERAL = 0.5, 0.4, 0.3, 0.4, -0.83
# Where the query's brand sells things of that category, above all if no term tells, or none of its
# department.
_SOLD, _SOLD_FIRST, _NOT_SOLD = 0.78, 1.17, -1.2
_NAMED = 2.5  # where a maker's line or a title in the query names it


def of_category(
    read: Reading,
    term: Mention,
    names_a_product: bool,
    path: str,
    nearest: Nearest | None,
    sold: Collection[str],
) -> float:
    """Probability that the category of a term in the query is the query's.

    Args:
        names_a_product: whether the query names a thing and no more, see the function.
        path: the category.
        nearest: what the nearest terms say of it; None if the encoder was away.
        sold: categories of what the query's brand sells, empty where that is not known.
    """
    log_odds = _TERM + _by_nearest(nearest) + _AKIN * (nearest.akin if nearest else 0)
    log_odds += _SEVERAL * (" " in term.surface) + _WHOLE * (term.surface == read.form)
    log_odds += _ALONE * names_a_product + _EXCLUDES * bool(read.exclusions)
    if not read.things:
        log_odds += _UNTAGGED
    elif meeting := [t for t in read.things if meets(t, [(term.start, term.end)])]:
        log_odds += _THING * max(thing.probability for thing in meeting)
    department, inside, _ = path.partition(" > ")
    if not inside and not names_a_product:
        log_odds += _GENERAL
    if path in sold:
        log_odds += _SOLD
    elif sold and not any(other.partition(" > ")[0] == department for other in sold):
        log_odds += _NOT_SOLD
    return _probability(log_odds)


def of_fallback(
    path: str, nearest: Nearest | None, sold: Sequence[str], is_named: bool = False
) -> float:
    """Probability that a category is the query's which no term in the query has.

    Args:
        path: the category.
        nearest, sold: as `of_category` takes them; what the brand mainly sells comes first.
        is_named: whether the query names it by a maker's line or a title.
    """
    first = bool(sold) and path == sold[0]
    log_odds = _by_nearest(nearest) + _SOLD * (path in sold) + _SOLD_FIRST * first
    return _probability(log_odds + _NAMED * is_named)


def _by_nearest(nearest: Nearest | None) -> float:
    if nearest is None:
        return _UNKNOWN_NEAREST
    similarity = min(nearest.similarity, _NEAR)
    alike = nearest.alike * max(similarity - _FAR, 0.0)
    return _CATEGORY + _SIMILARITY * similarity + _ALIKE * alike + _FIRST * nearest.first


# What a thing that works gives, so that "no" before it complains.
_FAILS = word_set("""
    suction power sound picture signal display heat heating light response charge service connection
    water spark reception pressure vacuum internet spin hot
""")
# What may stand beside a thing and its properties in a query that only names them.
_LINKS = word_set("""
    and or nor with for in of the a an to brand color colour on set not without free except non
    about around equivalent
""")


_OF_ALL = word_set("all one brands")  # "all in one", "all brands"


def names_a_product(read: Reading, heads: Sequence[Mention], brand: bool = False) -> bool:
    """Whether a query names a thing or a brand and what it is to be like, and says no more, so that
    it is no question, complaint or small talk. "No" does before what fails: "hoover no suction",
    unlike "curtains no grommets".

    Args:
        brand: whether it names a brand of the lexicon.
    """
    if not (heads or brand) or "@" in read.form:
        return False
    spans = [(item.start, item.end) for item in (*read.mentions, *heads)]
    spans += [(item.start, item.end) for item in (*read.attributes, *read.exclusions)]
    spans += read.kept_negations
    negated = _negations(read) if read.exclusions else []
    spans += negated
    # "tv 4k not samsung", but "one left shoe no right shoe"
    loose = bool(negated) and all(word.key != "no" for word in read.words)
    return all(
        word.key in _LINKS
        or meets(word, spans)
        or (loose and (word.key in LIKE or word.key in _OF_ALL or word.key[0].isdigit()))
        for word in read.words
    )


def _negations(read: Reading) -> list[tuple[int, int]]:
    """Start and end of the words that say what is not wanted, but of what a thing fails to do."""
    spans = []
    for x in read.exclusions:
        first, end = with_negation(read.words, x.start, x.end)
        start, last = read.words[first], read.words[end - 1]
        if start.end <= x.start and (start.key != "no" or x.term not in _FAILS):
            spans.append((start.start, x.start))
        if last.start >= x.end:
            spans.append((x.end, last.end))
    return spans
