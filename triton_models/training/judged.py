"""Judged pairs of your own, of a manifest or of files: what encoder and matching learn from."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from triton_models.data import dataset, named
from triton_models.data.graded import GradedPair
from triton_models.data.manifest import Manifest, Source
from triton_models.data.noticed import Noticed, conflicting
from triton_models.data.rows import DataSet, Judged
from triton_models.query_text import normal_form
from triton_models.settings import DEV

GRADED = ("pair", "pairs", "grade, of which the first counts")


@dataclass(frozen=True)
class Pairs:
    """Graded pairs, each query and document once a side, no key on both.

    Attributes:
        weights: how much a pair of each source counts in the loss; 1 where it is not named.
        documents: further ones, among which an encoder's dev queries look for their own.
        product_text: the template by which products were composed, "" for none.
        noticed: what was left out of the judged pairs.
    """

    learned: list[GradedPair]
    dev: list[GradedPair]
    weights: Mapping[str, float] = field(default_factory=dict)
    documents: Sequence[str] = ()
    product_text: str = ""
    noticed: Noticed = Noticed()

    @cached_property
    def positives(self) -> list[GradedPair]:
        """The pairs to learn from that are a match."""
        return [pair for pair in self.learned if pair.match]

    @cached_property
    def grades(self) -> dict[str, dict[str, float]]:
        """The judgements to learn from: the grade of each document, by query, in normal form.

        Of several the highest: what anybody judged to belong is no negative.
        """
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for pair in self.learned:
            mine, term = found[normal_form(pair.query)], normal_form(pair.term)
            mine[term] = max(pair.grade, mine.get(term, 0.0))
        return dict(found)

    def weight(self, pair: GradedPair) -> float:
        return self.weights.get(pair.source, 1.0)

    def about(self) -> dict:
        return {
            "learned": len(self.learned),
            "learned_matches": len(self.positives),
            "dev": len(self.dev),
            "dev_matches": sum(pair.match for pair in self.dev),
            "learned_sha256": digest(self.learned),
            "dev_sha256": digest(self.dev),
            "weights": {source: weight for source, weight in self.weights.items() if weight != 1},
        } | ({"product_text": self.product_text} if self.product_text else {})

    def dev_files(self) -> dict[str, list[dict]]:
        rows = [
            {"query": p.query, "term": p.term, "match": p.match, "grade": p.grade}
            | {"source": p.source}
            for p in self.dev
        ]
        return {DEV: rows}

    def units(self) -> list[tuple[str, tuple[str, ...]]]:
        """The pairs of a query are drawn together; a query with a match is another label."""
        matched = {normal_form(pair.query) for pair in self.positives}
        queries = [normal_form(pair.query) for pair in self.learned]
        return [(query, ("match" if query in matched else "none",)) for query in queries]

    def part(self, rows: Sequence[int]) -> Pairs:
        left = tuple(dict.fromkeys((*(pair.term for pair in self.learned), *self.documents)))
        return replace(self, learned=[self.learned[i] for i in rows], documents=left)

    def told(self) -> str:
        found = self.about()
        return (
            f"{found['learned']} pairs to learn from ({found['learned_matches']} match),"
            f" {found['dev']} of dev ({found['dev_matches']})"
        )


def gather(args: argparse.Namespace) -> Pairs:
    """Read the sources; of files without --dev, 15 % are kept for it by the hash of the query."""
    data = dataset.load(args.manifest or of_files(args.pairs, args.dev, args.no_dev, args.columns))
    sides = dataset.load_pairs(data)
    manifest, learned = data.manifest, once(sides.train)
    return Pairs(
        learned,
        once(sides.dev),
        manifest.weights,
        product_text=manifest.product_text,
        noticed=left_out(data, learned),
    )


def left_out(data: DataSet, learned: Iterable[GradedPair]) -> Noticed:
    """The judged pairs that are not learned from. A pair of dev may have another key there."""
    rows = [(row.query, row.term, row.grade) for row in data.pairs if not row.dev]
    different = {(query, term) for query, term, _ in rows if query != term}
    held_out = different - {(pair.query, pair.term) for pair in learned}
    dropped = sum(isinstance(row, Judged) for row in data.dropped)
    judged = ((row.form, normal_form(row.term)) for row in data.pairs)
    several = conflicting(zip(judged, (row.grade for row in data.pairs), strict=True))
    return Noticed(dropped + len(held_out), len(rows) - len(set(rows)), several, told_of=GRADED)


def of_files(
    places: Sequence[str], dev: str | None, no_dev: bool, columns: Sequence[str] = ()
) -> Manifest:
    """The manifest that names these files; what is in the dev file too is not learned from."""
    names = named.given_of("pairs", columns)
    split = "train" if dev or no_dev else "by_key"
    given = [(place, split) for place in places] + ([(dev, "dev")] if dev else [])
    sources = tuple(Source(place, Path(place), "pairs", "", side, names) for place, side in given)
    return Manifest(Path(places[0]), sources, leaks="drop")


def once(pairs: Iterable[GradedPair]) -> list[GradedPair]:
    """The first judgement of each query and document."""
    return list({(p.query, p.term): p for p in reversed(list(pairs))}.values())[::-1]


def by_query(pairs: Iterable[GradedPair]) -> dict[str, list[int]]:
    """The indices of each query's pairs, by its normal form."""
    found: dict[str, list[int]] = defaultdict(list)
    for i, pair in enumerate(pairs):
        found[normal_form(pair.query)].append(i)
    return found


def digest(pairs: Iterable[GradedPair]) -> str:
    """The SHA-256 of pairs in their order."""
    rows = (json.dumps([p.query, p.term, p.grade], ensure_ascii=False) for p in pairs)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
