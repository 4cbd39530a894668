"""Pairs (query, term or title) for the matching model, with the answer: does it belong?

Positives are synonyms, the more general term, wanted titles; negatives are as near as we can
find them: terms of the same category, terms that share a word, offers of another product.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from triton_models.data import sources
from triton_models.data.graded import Pair
from triton_models.data.lexicon_terms import Term, read_terms
from triton_models.data.typos import misspell
from triton_models.recipes import generate, titles, wordnet, written
from triton_models.recipes.titles import short

SHAPES = (
    "{colour} %s",
    "%s for {person}",
    "%s for {use}",
    "cheap %s",
    "{brand} %s",
    "%s {size}",
    "{style} %s",
    "%s {price}",
    "{material} %s",
    "best %s",
)


def all_pairs(data: Path, typos: dict[str, list[str]]) -> list[Pair]:
    """Every pair of every source."""
    rng = random.Random(23)
    found = [*lexicon_pairs(rng, typos), *synonyms(data, rng), *rated(data)]
    found += [*offers(data, rng), *goals(data, rng), *classes(data, rng)]
    found += [*titles.judged(rng), *titles.composed(rng), *titles.worded(data, rng), *kinds(rng)]
    return [p for p in found if p.query != p.term]


class Lexicon:
    """The terms with the relations among them."""

    def __init__(self, terms: list[Term]) -> None:
        self.terms = terms
        self.by_name = {t.name: t for t in terms}
        self.by_category: dict[str, list[Term]] = defaultdict(list)
        self.by_word: dict[str, list[Term]] = defaultdict(list)
        for term in terms:
            self.by_category[term.category].append(term)
            for word in {word for name in term.names for word in name.split()}:
                self.by_word[word].append(term)

    def ancestors(self, term: Term) -> set[str]:
        """The names of the more general terms, nearest first, without loops."""
        found: dict[str, None] = {}
        while term.parent in self.by_name and term.parent not in found:
            found[term.parent] = None
            term = self.by_name[term.parent]
        return set(found)

    def apart(self, a: Term, b: Term) -> bool:
        """Whether two terms are different things, neither more general than the other."""
        if a is b or set(a.names) & set(b.names):
            return False
        return a.name not in self.ancestors(b) and b.name not in self.ancestors(a)

    def strangers(self, term: Term, rng: random.Random) -> list[Term]:
        """Different things that are easily confused with it, and one that is not."""
        near = self.by_category[term.category]
        sharing = [t for word in term.name.split() for t in self.by_word[word]]
        chosen = [*pick(near, 3, rng), *pick(sharing, 4, rng), *pick(self.terms, 1, rng)]
        return [other for other in chosen if self.apart(term, other)]


def pick(items: list, count: int, rng: random.Random) -> list:
    """At most `count` of the items, at random."""
    return rng.sample(items, min(count, len(items)))


def lexicon_pairs(rng: random.Random, typos: dict[str, list[str]]) -> Iterator[Pair]:
    """Pairs of our own lexicon, the query plain, in a phrase, or misspelled."""
    lexicon, slots = Lexicon(read_terms()), generate.read_slots()

    def phrase(name: str) -> str:
        text = name
        if rng.random() < 0.6:
            text = generate.expand(rng.choice(SHAPES).replace("%s", name), slots, rng)
        return misspell(text, typos, rng) if rng.random() < 0.15 else text

    for term in lexicon.terms:
        good = [pair for s in term.synonyms for pair in ((term.name, s), (s, term.name))]
        good = pick(good, 3, rng)
        if parent := lexicon.by_name.get(term.parent):
            good.append((rng.choice(term.names), parent.name))
        for query, name in good:
            yield Pair(phrase(query), name, 1, "lexicon", term.name)
        for other in lexicon.strangers(term, rng):
            query, name = rng.choice(term.names), rng.choice(other.names)
            yield Pair(phrase(query), name, 0, "lexicon", term.name)


def synonyms(data: Path, rng: random.Random) -> Iterator[Pair]:
    """Words of one meaning, against words that share the more general meaning."""
    synsets = wordnet.read_synsets(data)
    children: dict[str, list[str]] = defaultdict(list)
    parents: dict[str, str] = {}
    for synset in synsets.values():
        for above in synset.hypernyms[:1]:
            children[above] += synset.members
            parents.update(dict.fromkeys(synset.members, above))
    for a, b in wordnet.synonym_pairs(data)[:2500]:
        yield Pair(a, b, 1, "wordnet", a)
        sibling = rng.choice(children[parents[a]]) if a in parents else b
        if sibling not in (a, b):
            yield Pair(a, sibling, 0, "wordnet", a)


def rated(data: Path) -> Iterator[Pair]:
    """Graded products of a catalogue: 3 belongs, 0 and 1 do not, 2 is left out."""
    products = {p["id"]: short(p["title"]) for p in sources.catalogue(data)}
    for row in sources.read_csv(data, "chorus_icecat/ratings.csv"):
        if row["docid"] in products and row["rating"] != "2":
            match = int(row["rating"] == "3")
            yield Pair(row["query"], products[row["docid"]], match, "icecat", row["query"])


def kinds(rng: random.Random) -> Iterator[Pair]:
    """Our own queries with their kind of product, against another kind."""
    rows = written.kinds()
    for query, kind in rows:
        yield Pair(query, kind.lower(), 1, "kinds", query)
        if (other := rng.choice(rows)[1]) != kind:
            yield Pair(query, other.lower(), 0, "kinds", query)


def offers(data: Path, rng: random.Random) -> Iterator[Pair]:
    """A product's name and an offer of it, against an offer of its neighbour in the list."""
    rows = sources.offers(data)
    for i in rng.sample(range(30, len(rows) - 30), 900):
        title, cluster, label = rows[i]
        yield Pair(label.lower(), short(title), 1, "pricerunner", cluster)
        other = rows[i + rng.choice((-25, -15, 15, 25))]
        if other[1] != cluster:
            yield Pair(label.lower(), short(other[0]), 0, "pricerunner", cluster)


def goals(data: Path, rng: random.Random) -> Iterator[Pair]:
    """A shopping goal and its keywords or wanted title, against those of another goal."""
    found = [
        (goal, query)
        for goal, queries in sources.read_json(data, "webshop/goal_query_map.json").items()
        for query in queries[:1]
        if len(goal) < 110
    ]
    wanted = [(q, short(title)) for q, title in sources.shopping_requests(data) if len(q) < 110]
    for source, rows in (("webshop", pick(found, 900, rng)), ("shoppingbench", wanted)):
        for goal, term in rows:
            yield Pair(goal, term, 1, source, goal)
            yield Pair(goal, rng.choice(rows)[1], 0, source, goal)


def classes(data: Path, rng: random.Random) -> Iterator[Pair]:
    """Furniture queries and their product class, against another class."""
    rows = sources.read_csv(data, "wands/query.csv", "\t")
    rows = [row for row in rows if row["query_class"]]
    for row in rows:
        wanted, other = row["query_class"].lower(), rng.choice(rows)["query_class"].lower()
        yield Pair(row["query"], wanted, 1, "wands", row["query"])
        if other != wanted:
            yield Pair(row["query"], other, 0, "wands", row["query"])
