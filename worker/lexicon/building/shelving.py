"""Gives each term its category: the shop's own, whatever the starter calls it.

The starter has categories too. Where a shop brings none, they stand. Where it does, they only say
which terms are alike: a term of the starter that the shop's titles and taxonomy do not place gets
what its nearest terms of the same category of the starter have in the shop.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from worker.lexicon.building.corpus import Corpus
from worker.lexicon.building.drafts import Draft, Drafts
from worker.lexicon.building.together import Together
from worker.lexicon.vectors import Vectors

BETWEEN = " > "  # the levels of a path
MAJORITY = 0.5  # share of a term's titles in the category that is its own
# Of a term of the starter besides: so many titles, and a cosine with the other terms of the
# category's titles, as "blackberries" stand in titles of phones. Of 170 such terms of a catalogue
# of appliances, read by one person, nearly all above 0.64 were right, and few below.
FEWEST_TITLES, ALIKE = 3, 0.64
NEAREST = 5  # terms of one category of the starter that are asked
FEWEST = 2  # that must be there
AGREED = 0.6  # share of them that must have a path, weighed by their cosines
# Cosine of the nearest, and that from which a term is of the same kind: a less near one gets the
# level above. In Shopify's taxonomy 9 in 10 terms that it names would get a part of their own path.
NEAR, SAME = 0.4, 0.65


def give_categories(
    corpus: Corpus, drafts: Drafts, together: Together, vectors: Vectors, least: float
) -> None:
    """Give each term its category, as far as anything tells it.

    Args:
        together: the titles of each term.
        vectors: of the terms.
        least: weight from which a name is used.
    """
    _by_titles(corpus, drafts.all, together, vectors)
    if any(draft.category for draft in drafts):
        _from_above(drafts)
        _by_the_starter(drafts.all, vectors)
    else:
        for draft in drafts:
            draft.category = draft.shelf
    _from_above(drafts)
    for draft in drafts:
        draft.category = draft.category or _of_equals(draft, least, drafts)


def _by_titles(
    corpus: Corpus, drafts: Sequence[Draft], together: Together, vectors: Vectors
) -> None:
    """Give each term the category of most of its titles, unless it has one."""
    paths = [BETWEEN.join(path) for path in corpus.categories]
    best: dict[int, tuple[int, str, int]] = {}
    for n, category, titles in zip(*(c.tolist() for c in together.categories), strict=True):
        if titles >= MAJORITY * together.titles[n]:
            item = -titles, paths[category], category
            best[n] = min(best.get(n, item), item)
    sums: dict[int, np.ndarray] = {}
    for n, (titles, _, category) in best.items():
        sums[category] = sums.get(category, 0) - titles * vectors.get(n)
    for n, (titles, path, category) in best.items():
        draft = drafts[n]
        others = sums[category] + titles * vectors.get(n)
        if not draft.category and (not draft.shelf or _fits(-titles, vectors.get(n), others)):
            draft.category = path


def _fits(titles: int, vector: np.ndarray, others: np.ndarray) -> bool:
    """Whether a term of the starter is one of a category, by its titles there and the sum of the
    others' vectors."""
    length = float(np.linalg.norm(others))
    return titles >= FEWEST_TITLES and float(vector @ others) >= ALIKE * length > 0


def _from_above(drafts: Drafts) -> None:
    """A term without a category has that of the term above it, if there is one."""
    for draft in drafts:
        chain = [draft]
        while not chain[-1].category and chain[-1].parent is not None:
            chain.append(chain[-1].parent[0])
        for narrower in chain:
            narrower.category = chain[-1].category


def _of_equals(draft: Draft, least: float, drafts: Drafts) -> str:
    """The category of another term of the same names, "" if none has one."""
    others = filter(None, map(drafts.get, draft.synonyms))
    return next((o.category for o in others if o.category and draft.is_called(o, least)), "")


def _by_the_starter(drafts: Sequence[Draft], vectors: Vectors) -> None:
    """Give terms of the starter what the nearest of the same category there have in the shop."""
    alike: dict[str, list[int]] = defaultdict(list)
    for n, draft in enumerate(drafts):
        if draft.shelf:
            alike[draft.shelf].append(n)
    for numbers in alike.values():
        known = [n for n in numbers if drafts[n].category]
        if len(known) < FEWEST:
            continue
        paths = [drafts[n].category for n in known]
        of_known = np.array([vectors.get(n) for n in known])
        for n in numbers:
            if not drafts[n].category:
                cosines = of_known @ vectors.get(n)
                nearest = np.argsort(-cosines, kind="stable")[:NEAREST].tolist()
                votes = [(paths[at], float(cosines[at])) for at in nearest]
                path, similarity = _agreed(votes), votes[0][1]
                if similarity < SAME:
                    path = path.rpartition(BETWEEN)[0]
                drafts[n].category = path if similarity >= NEAR else ""


def _agreed(votes: Iterable[tuple[str, float]]) -> str:
    """The longest beginning of paths that most votes have, each with its weight; "" for none."""
    weights: Counter[str] = Counter()
    total = 0.0
    for path, weight in votes:
        levels = path.split(BETWEEN)
        total += weight
        for n in range(len(levels)):
            weights[BETWEEN.join(levels[: n + 1])] += weight
    enough = [path for path, weight in weights.items() if weight >= AGREED * total]
    return max(enough, key=lambda path: path.count(BETWEEN), default="")
