"""Gives each term its category: the shop's own, whatever the starter calls it.

The starter has categories too. Where a shop brings none, they stand. Where it does, they only say
which terms are alike: a term of the starter that the shop's titles and taxonomy do not place gets
what its nearest terms of the same category of the starter have in the shop; and a category that is
called like a term but has another sense ("Donuts" below "Pet Beds") gives way to that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

import numpy as np

from triton_models.query_text import normal_form
from worker.lexicon.building.corpus import Corpus
from worker.lexicon.building.drafts import SOURCE, Draft, Drafts
from worker.lexicon.building.together import Together
from worker.lexicon.shelves import BETWEEN, department
from worker.lexicon.vectors import Vectors

Vector = Callable[[int], np.ndarray]  # of the term of a number
MAJORITY = 0.5  # share of a term's titles in the category that is its own
# Of a term of the starter besides: so many titles; and that it is like the other terms of their
# category, by its cosine with these, or stands alone: nearly all its titles are there, and few of
# them name a term that is surely of the category. "Laptops", "sockets" and "fans" stand in titles
# of processors, "vest" and "parka" in their own. Of 170 terms of a catalogue of appliances, read by
# one person, nearly all that are left were right.
FEWEST_TITLES, ALIKE = 3, 0.64
ALONE, BESIDE = 0.8, 0.3
LIKE_IT = "terms like it"
NEAREST = 5  # terms of one category of the starter that are asked
FEWEST = 2  # that must be there
AGREED = 0.6  # share of them that must have a path, weighed by their cosines
# Cosine of the nearest, and that from which a term is of the same kind: a less near one gets the
# level above. In Shopify's taxonomy 9 in 10 terms that it names would get a part of their own path.
NEAR, SAME = 0.4, 0.65
# That a category of a term's name, in another department than they have, has another sense: the
# log-odds by the nearest's cosine, the levels of its path, and the cosine with the name of the
# level above it. Fitted on 174 of Shopify's, read by two hands: from OTHER_SENSE 80 of 93 had one.
_BASE, _NEAREST, _LEVELS, _ABOVE = -6.49, 8.44, 0.86, -4.86
OTHER_SENSE = 0.4


def give_categories(
    corpus: Corpus, drafts: Drafts, together: Together, vectors: Vectors, least: float
) -> None:
    """Give each term its category, as far as anything tells it.

    Args:
        together: the titles of each term.
        vectors: of the terms.
        least: weight from which a name is used.
    """
    vector = cache(vectors.get)
    _by_titles(corpus, drafts.all, together, vector)
    if len({draft.category for draft in drafts} - {""}) > 1:
        alike = _Alike(drafts, vector)
        alike.mend()
        _from_above(drafts)
        alike.complete()
    else:
        for draft in drafts:  # one category says nothing
            draft.place(draft.sense, "the starter")
    _from_above(drafts)
    for draft in drafts:
        if not draft.category:
            draft.place(_of_equals(draft, least, drafts), "another term of its names")
        draft.placed = draft.placed or _by_its_own(draft)


def _by_its_own(draft: Draft) -> str:
    """What gave a term its category before any other told it."""
    if draft.paths:
        return (
            "a category of its name" if draft.category in draft.paths else "categories of its name"
        )
    return "its source" if SOURCE in draft.origins else "a rule"


def _by_titles(corpus: Corpus, drafts: Sequence[Draft], together: Together, vector: Vector) -> None:
    """Give each term the category of most of its titles, unless it has one."""
    paths = [BETWEEN.join(path) for path in corpus.categories]
    best: dict[int, tuple[int, str, int]] = {}
    for n, category, titles in zip(*(c.tolist() for c in together.categories), strict=True):
        if titles >= MAJORITY * together.titles[n]:
            item = -titles, paths[category], category
            best[n] = min(best.get(n, item), item)
    sums: dict[int, np.ndarray] = {}
    for n, (titles, _, category) in best.items():
        sums[category] = sums.get(category, 0) - titles * vector(n)
    own, sure = np.full((2, len(drafts)), -1)
    for n, (titles, path, category) in best.items():
        own[n] = category
        others = sums[category] + titles * vector(n)
        fits = not drafts[n].sense or _is_like(-titles, vector(n), others)
        if fits or path in drafts[n].paths:
            sure[n] = category
    beside = _beside(together.pairs, own, sure)
    for n, (titles, path, _) in best.items():
        draft, enough = drafts[n], -titles >= max(FEWEST_TITLES, ALONE * together.titles[n])
        alone = enough and beside[n] <= BESIDE * together.titles[n]
        if not draft.category and (sure[n] >= 0 or alone):
            draft.place(path, f"{-titles:,} of {together.titles[n]:,} titles")


def _is_like(titles: int, vector: np.ndarray, others: np.ndarray) -> bool:
    """Whether a term of the starter is like the terms of a category, by its titles there and the
    sum of the others' vectors."""
    length = float(np.linalg.norm(others))
    return titles >= FEWEST_TITLES and float(vector @ others) >= ALIKE * length > 0


def _beside(
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray], own: np.ndarray, sure: np.ndarray
) -> np.ndarray:
    """How often each term stands in titles beside others that are surely of its category.

    Args:
        pairs: two terms, and how many titles have both.
        own: the category of most of each term's titles, or -1.
        sure: the same of those that are surely of it, else -1.
    """
    found = np.zeros(len(own))
    for one, other in (pairs[:2], pairs[1::-1]):
        alike = (own[one] >= 0) & (own[one] == sure[other])
        found += np.bincount(one[alike], pairs[2][alike], len(own))
    return found


def _from_above(drafts: Drafts) -> None:
    """A term without a category has that of the term above it, if there is one; one of the starter
    as far as these are of its department there."""
    for draft in drafts:
        above = (wider for wider in draft.above() if wider.category)
        wider = None if draft.category else next(above, None)
        if wider and (not draft.sense or department(draft.sense) == department(wider.sense)):
            draft.place(wider.category, f"the broader term {wider.name}")


def _of_equals(draft: Draft, least: float, drafts: Drafts) -> str:
    """The category of another term of the same names, "" if none has one."""
    others = filter(None, map(drafts.get, draft.synonyms))
    return next((o.category for o in others if o.category and draft.is_called(o, least)), "")


class _Alike:
    """Terms of one category of the starter, by which each other's category in the shop is told."""

    def __init__(self, drafts: Drafts, vector: Vector) -> None:
        self._drafts, self._all = drafts, drafts.all
        self._number = {draft: n for n, draft in enumerate(drafts)}
        self._vector = vector
        self._groups: dict[str, list[int]] = defaultdict(list)
        for n, draft in enumerate(drafts):
            if draft.sense:
                self._groups[draft.sense].append(n)

    def complete(self) -> None:
        """Give terms that have no category what the nearest have."""
        for n, near in self._near(lambda draft: not draft.category):
            similarity, path = near[0][1], _agreed(near)
            if similarity < SAME:
                path = path.rpartition(BETWEEN)[0]
            self._all[n].place(path if similarity >= NEAR else "", LIKE_IT)

    def mend(self) -> None:
        """Choose among categories of one name; leave those of another sense than the nearest."""
        chosen = {}
        for n, near in self._near(lambda draft: draft.category in draft.paths):
            weights, path = _weights(near), _agreed(near)
            named = {department(one): one for one in reversed(self._all[n].paths)}
            named[department(self._all[n].category)] = self._all[n].category
            own = max(named.values(), key=lambda one: sum(weights[part] for part in _parts(one)))
            if (
                path
                and department(own) != department(path)
                and self._is_another(n, own, near[0][1])
            ):
                own = path
            chosen[n] = own
        for n, path in chosen.items():
            if path != self._all[n].category:
                self._all[n].place(path, LIKE_IT)

    def _is_another(self, n: int, path: str, similarity: float) -> bool:
        """Whether a category of a term's name has another sense, by the nearest's cosine."""
        above = self._drafts.get(normal_form(path.split(BETWEEN)[-2])) if BETWEEN in path else None
        if above is None:
            return False
        beside = float(self._vector(n) @ self._vector(self._number[above]))
        levels = len(_parts(path))
        return _BASE + _NEAREST * similarity + _LEVELS * levels + _ABOVE * beside >= OTHER_SENSE

    def _near(
        self, asked: Callable[[Draft], bool]
    ) -> Iterator[tuple[int, list[tuple[str, float]]]]:
        """Of each term of which `asked` holds, the categories of the nearest others with their
        cosines, the nearest first."""
        for numbers in self._groups.values():
            known = [n for n in numbers if self._all[n].category]
            paths = [self._all[n].category for n in known]
            of_known = np.array([self._vector(n) for n in known])
            for n in filter(lambda n: asked(self._all[n]), numbers):
                if len(known) - bool(self._all[n].category) < FEWEST:
                    continue
                cosines = of_known @ self._vector(n)
                order = np.argsort(-cosines, kind="stable").tolist()
                others = [at for at in order[: NEAREST + 1] if known[at] != n][:NEAREST]
                yield n, [(paths[at], float(cosines[at])) for at in others]


def _parts(path: str) -> list[str]:
    """A path's levels, each with those above it."""
    levels = path.split(BETWEEN)
    return [BETWEEN.join(levels[: n + 1]) for n in range(len(levels))]


def _weights(votes: Iterable[tuple[str, float]]) -> Counter[str]:
    """How much votes for paths, each with its weight, say for each part of these."""
    weights: Counter[str] = Counter()
    for path, weight in votes:
        for part in _parts(path):
            weights[part] += weight
    return weights


def _agreed(votes: Sequence[tuple[str, float]]) -> str:
    """The longest beginning of paths that most votes have, each with its weight; "" for none."""
    total = sum(weight for _, weight in votes)
    enough = [path for path, weight in _weights(votes).items() if weight >= AGREED * total]
    return max(enough, key=lambda path: path.count(BETWEEN), default="")
