"""Other names of a term among those whose vectors are near, if the matching model confirms them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from worker.lexicon.building.cache import Answers
from worker.lexicon.building.drafts import SOURCE, Draft, Link, make_synonyms
from worker.lexicon.building.links import CATEGORY
from worker.lexicon.words import key, stems

EMBEDDING = "embedding"
NEAREST = 6  # terms that are looked at for each
LEAST_COSINE = 0.6
LEAST_MATCH = 0.9  # of the matching model, both ways
MOST_PAIRS = 10_000  # that the matching model scores, the nearest first
CONFIRMED = 0.4  # by a first look at the best of them: fewer than half were right


class Pair(NamedTuple):
    """Two terms by position, the first before the second, and the cosine of their vectors."""

    first: int
    second: int
    cosine: float


def pairs(
    drafts: Sequence[Draft],
    near: Sequence[Sequence[tuple[int, float]]],
    described: Collection[str],
) -> list[Pair]:
    """The pairs that the matching model is asked about, the nearest first.

    Args:
        near: of each term, the positions of those nearest, and their cosines.
        described: words of attributes; two names of one thing have the same ones.
    """
    found: dict[tuple[int, int], float] = {}
    for n, others in enumerate(near):
        for other, cosine in others:
            if other != n and cosine >= LEAST_COSINE:
                found.setdefault((min(n, other), max(n, other)), round(cosine, 4))
    words = [stems(key(draft.name)) for draft in drafts]
    nearest = sorted(
        (Pair(a, b, cosine) for (a, b), cosine in found.items()),
        key=lambda pair: (-pair.cosine, pair.first, pair.second),
    )
    kept = (
        pair
        for pair in nearest
        if _are_other_words(words[pair.first], words[pair.second], described)
        and _may_be_one(drafts[pair.first], drafts[pair.second])
    )
    return list(islice(kept, MOST_PAIRS))


def _are_other_words(one: set[str], other: set[str], described: Collection[str]) -> bool:
    """Whether neither name holds the other, and they differ in no number and no value."""
    if one <= other or other <= one:
        return False
    return not any(word in described or any(map(str.isdigit, word)) for word in one ^ other)


def _may_be_one(one: Draft, other: Draft) -> bool:
    """Whether two terms may be names of one thing: neither is a kind of the other."""
    if {*one.origins} == {*other.origins} == {SOURCE}:  # whoever wrote both knew
        return False
    if one in other.above() or other in one.above() or key(other.name) in map(key, one.synonyms):
        return False
    parents = [draft.parent for draft in (one, other) if draft.parent]
    above = [wider for wider, link in parents if link.kind == CATEGORY]
    if len(above) == 2 and above[0] is above[1]:  # the shop tells them apart
        return False
    return not (one.category and other.category and _department(one) != _department(other))


def _department(draft: Draft) -> str:
    return draft.category.partition(" > ")[0]


def confirm(
    drafts: Sequence[Draft],
    asked: Sequence[Pair],
    match: Callable[[str, str], np.ndarray],
    cache: Answers,
    done: Callable[[int], object],
) -> None:
    """Add as names those of which the matching model says, both ways, that one is the other."""
    texts = [
        f"{drafts[one].name}\n{drafts[other].name}"
        for pair in asked
        for one, other in ((pair.first, pair.second), (pair.second, pair.first))
    ]
    scores = cache.rows(texts, lambda text: match(*text.split("\n")), done).reshape(-1, 2)
    for pair, both in zip(asked, scores, strict=True):
        least = float(both.min())
        if least >= LEAST_MATCH:
            counts = {"cosine": pair.cosine, "match": round(least, 3)}
            link = Link(EMBEDDING, CONFIRMED, counts)
            make_synonyms(drafts[pair.first], drafts[pair.second], link)
