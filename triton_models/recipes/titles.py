"""Pairs of a query and a product title: exact, or one thing aside.

Titles judged by hand say it in other words than the query; in a shop's real results a title that
holds the query's words is more often right than not. So there are also titles composed from
queries, and queries made of a title's words, where a missing or exchanged word decides.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from triton_models.data import sources
from triton_models.data.graded import Pair
from triton_models.recipes import generate, written

LONGEST = 24  # words of a title that are read
WORDED = 3000  # queries made of a title's words
EXCHANGED = ("colour", "material", "brand", "person", "size")  # slots whose values exclude others


def judged(rng: random.Random) -> Iterator[Pair]:
    """Our own judged titles: exact ones against the others, and against those of other queries."""
    rows = written.titles()
    for query, title, grade in rows:
        yield Pair(query, title, int(grade == "E"), "titles", query)
        if grade == "E" and (other := rng.choice(rows))[0] != query:
            yield Pair(query, other[1], 0, "titles", query)


def composed(rng: random.Random) -> Iterator[Pair]:
    """Titles composed from our queries: of the query itself, of one like it, of one changed."""
    composer = Composer(rng)
    queries = list(
        dict.fromkeys([q for q, _, _ in written.titles()] + [q for q, _ in written.kinds()])
    )
    by_word: dict[str, list[str]] = defaultdict(list)
    for query in queries:
        for word in set(query.split()):
            by_word[word].append(query)
    for query in queries:
        yield Pair(query, composer.title(query), 1, "composed", query)
        near = [
            q
            for word in query.split()
            for q in rng.sample(by_word[word], min(3, len(by_word[word])))
        ]
        others = [q for q in near if set(query.split()) - set(q.split())]
        if others:
            yield Pair(query, composer.title(rng.choice(others)), 0, "composed", query)
        if changed := composer.changed(query):
            yield Pair(query, composer.title(changed), 0, "composed", query)


class Composer:
    """Makes titles as shops write them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.slots = rng, generate.read_slots()

    def title(self, query: str) -> str:
        """A title that holds all words of a query: brand, features, the words, and a tail."""
        rng, words = self.rng, query.split()
        if rng.random() < 0.3:
            at = rng.randrange(len(words))
            words = words[at:] + words[:at]
        if rng.random() < 0.4:
            words.insert(rng.randrange(len(words) + 1), self.drawn("{feature}"))
        if rng.random() < 0.5:
            words.insert(0, self.drawn("{brand}"))
        tail = [self.drawn("{tail}") for _ in range(rng.choice((0, 1, 1, 2, 3)))]
        return ", ".join([" ".join(words), *tail]).title()

    def changed(self, query: str) -> str | None:
        """The query with one value that excludes it: another colour, number, with for without."""
        words = query.split()
        for i, word in enumerate(words):
            if word in ("without", "no") and i + 1 < len(words):
                return " ".join([*words[:i], "with", *words[i + 1 :]])
            if word.isdecimal():
                return " ".join(
                    [*words[:i], str(int(word) + self.rng.choice((1, 2, 4, 10))), *words[i + 1 :]]
                )
            for slot in EXCHANGED:
                if word in self.slots[slot]:
                    other = self.rng.choice([v for v in self.slots[slot] if v != word])
                    return " ".join([*words[:i], other, *words[i + 1 :]])
        return None

    def drawn(self, template: str) -> str:
        return generate.expand(template, self.slots, self.rng)


def worded(data: Path, rng: random.Random) -> Iterator[Pair]:
    """Some words of a product's title, with that title and with one like it that lacks a word."""
    by_category: dict[str, list[str]] = defaultdict(list)
    for row in sources.read_csv(data, "pricerunner/products.csv"):
        by_category[row["Category Label"]].append(row["Product Title"].lower())
    for product in sources.catalogue(data):
        by_category[product.get("attr_t_type") or product["supplier"]].append(product["title"])
    categories = [titles for titles in by_category.values() if len(titles) > 20]
    for _ in range(WORDED):
        titles = rng.choice(categories)
        title = short(rng.choice(titles))
        words = [word for word in title.lower().split() if len(word) > 1]
        kept = sorted(rng.sample(range(len(words)), min(len(words), rng.randint(2, 4))))
        query = " ".join(words[i] for i in kept)
        other = short(max(rng.sample(titles, 8), key=lambda t: shared(query, t) % len(kept)))
        yield Pair(query, title, 1, "worded", title)
        if shared(query, other) < len(kept):
            yield Pair(query, other, 0, "worded", title)


def shared(query: str, title: str) -> int:
    """How many words of a query a title holds."""
    return len(set(query.split()) & set(short(title).lower().split()))


def short(title: str) -> str:
    """The first words of a title."""
    return " ".join(title.split()[:LONGEST])
