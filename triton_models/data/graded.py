"""Pairs out of a click log and out of a catalogue.

Click log, with impressions: the click rate of (query, item) is smoothed towards that of the whole
log, r: rate = (clicks + 10 r) / (impressions + 10). Its grade is that over the rate of the query's
most clicked item, or over r where even that one is clicked less than usual. Rows with fewer than
`min_impressions` are left out. Positions are not looked at: what stands at the top is clicked
more, so bring a log whose ranking was shuffled at the top, or was not this model's own.
Without impressions, an item with `min_clicks` belongs (1), the rest is left
out, and each is set against an item that was clicked for other queries only (0).

Catalogue: title and last level of the category (1) against a near category (0); two titles of one
product (1) against a title of another product of the category (0).
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from triton_models.data.manifest import Source
from triton_models.data.rows import Click, Judged, Product

STRENGTH = 10  # impressions that the smoothing is worth
BELONGS = 0.5  # the grade from which a pair counts as a match
LEVEL = " > "  # between the levels of a category path
SEED = 31
TRIES = 10  # draws for an item that does not belong


@dataclass(frozen=True)
class Pair:
    """A judged pair. `key` decides on which side of the split it falls."""

    query: str
    term: str
    match: int
    source: str
    key: str


@dataclass(frozen=True)
class GradedPair(Pair):
    """A pair with the grade behind its `match`, from 0, does not belong, to 1."""

    grade: float = 0.0


def graded(source: str, query: str, term: str, grade: float, key: str) -> GradedPair:
    return GradedPair(query, term, int(grade >= BELONGS), source, key, grade)


def judged(rows: Iterable[Judged]) -> Iterator[GradedPair]:
    """Judged pairs as they are."""
    for row in rows:
        yield graded(row.source, row.query, row.term, row.grade, row.key[1])


def clicked(rows: Sequence[Click], source: Source, usual: float) -> Iterator[GradedPair]:
    """Pairs of one side of a click log; rows of one query and item are added up.

    Args:
        usual: the click rate of the whole log.
    """
    clicks: Counter[tuple[str, str]] = Counter()
    shown: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], Click] = {}
    for row in rows:
        place = (row.form, row.item)
        first.setdefault(place, row)
        clicks[place] += row.clicks
        shown[place] += row.impressions or 0
    if any(row.impressions is not None for row in rows):
        yield from _by_rate(first, clicks, shown, source, usual)
    else:
        yield from _by_count(first, clicks, source)


def usual_rate(rows: Sequence[Click]) -> float:
    """Clicks for each impression of a log, 0 where it has none."""
    return sum(r.clicks for r in rows) / max(sum(r.impressions or 0 for r in rows), 1)


def _by_rate(
    first: dict, clicks: Counter, shown: Counter, source: Source, usual: float
) -> Iterator[GradedPair]:
    enough = [place for place in first if shown[place] >= source.min_impressions]
    rate = {p: (clicks[p] + STRENGTH * usual) / (shown[p] + STRENGTH) for p in enough}
    best: dict[str, float] = defaultdict(lambda: usual)
    for form, item in enough:
        best[form] = max(best[form], rate[form, item])
    for place in enough if usual > 0 else []:
        row, grade = first[place], rate[place] / best[place[0]]
        yield graded(row.source, row.query, row.item, grade, row.key[1])


def _by_count(first: dict, clicks: Counter, source: Source) -> Iterator[GradedPair]:
    rng = random.Random(SEED)
    items = sorted({item for _, item in first})
    for place, row in first.items():
        if clicks[place] >= source.min_clicks:
            yield graded(row.source, row.query, row.item, 1.0, row.key[1])
            for other in (rng.choice(items) for _ in range(TRIES)):
                if (row.form, other) not in first:
                    yield graded(row.source, row.query, other, 0.0, row.key[1])
                    break


def of_catalogue(rows: Sequence[Product]) -> Iterator[GradedPair]:
    """Pairs of one catalogue's rows, all of one side."""
    rng = random.Random(SEED)
    yield from _categories(rows, rng)
    yield from _titles(rows, rng)


def _categories(rows: Sequence[Product], rng: random.Random) -> Iterator[GradedPair]:
    paths = sorted({row.category for row in rows if row.category})
    own: dict[str, set[str]] = defaultdict(set)  # names that belong to a title, by its form
    for row in rows:
        own[row.form].update(name.casefold() for name in row.category.split(LEVEL))
    beside: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        beside[path.rpartition(LEVEL)[0]].append(path)
    for row in rows:
        if row.category:
            above, _, name = row.category.rpartition(LEVEL)
            yield graded(row.source, row.title, name, 1.0, row.key[1])
            near = beside[above] if len(beside[above]) > 1 else paths
            other = rng.choice(near).rpartition(LEVEL)[2]
            if other.casefold() not in own[row.form]:
                yield graded(row.source, row.title, other, 0.0, row.key[1])


def _titles(rows: Sequence[Product], rng: random.Random) -> Iterator[GradedPair]:
    same: dict[str, list[Product]] = defaultdict(list)
    category: dict[str, list[Product]] = defaultdict(list)
    for row in rows:
        category[row.category].append(row)
        if row.product:
            same[row.product].append(row)
    for product, found in same.items():
        for row, twin in zip(found, found[1:], strict=False):
            if row.form == twin.form:
                continue
            yield graded(row.source, row.title, twin.text, 1.0, row.key[1])
            for other in (rng.choice(category[row.category]) for _ in range(TRIES)):
                if other.product != product:
                    yield graded(row.source, row.title, other.text, 0.0, row.key[1])
                    break
