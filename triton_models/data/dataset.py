"""What the trainers take from a manifest: labelled queries, pairs and texts, by side.

    learned, held_out = load_labelled("manifest.toml")

No key is on both sides: `leaks` of the manifest says whether that is refused or mended.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from triton_models.data import graded, manifest_file, reading
from triton_models.data.graded import GradedPair
from triton_models.data.manifest import Manifest
from triton_models.data.rows import DataSet, Query, Row, TaggedQuery
from triton_models.query_text import normal_form

T = TypeVar("T")
Q = TypeVar("Q", Query, TaggedQuery)


class Sides(NamedTuple, Generic[T]):
    """The two sides of the split."""

    train: list[T]
    dev: list[T]


def load(manifest: Path | str | Manifest) -> DataSet:
    """Everything that a manifest names, with no key on both sides.

    Raises:
        UsageError: lists every fault, or the keys on both sides.
    """
    if not isinstance(manifest, Manifest):
        manifest = manifest_file.read(Path(manifest))
    return reading.read(manifest).apart()


def load_labelled(manifest: Path | str | Manifest | DataSet) -> Sides[Query]:
    """The queries with an intent or a sentiment: to learn from, each normal form once with each of
    its labels; on dev with the first.

    Several labels of one query are joined by "|". Raises UsageError as `load` does.
    """
    rows = [row for row in _data(manifest).queries if row.intent or row.sentiment]
    return _once(rows, lambda row: (row.form, row.intent))


def load_tagged(manifest: Path | str | Manifest | DataSet) -> Sides[TaggedQuery]:
    """The tagged queries: to learn from, each normal form once with all that is said of it; on dev
    with the first. Raises UsageError as `load` does."""
    return _once(_data(manifest).tagged, lambda row: (row.form, tuple(row.spans)))


def _once(rows: Sequence[Q], name: Callable[[Q], Hashable]) -> Sides[Q]:
    """The rows by side, of those with one name the first. Of a query that is labelled in several
    ways, as by two hands, dev has the first: no answer is right by all."""
    learned: dict[Hashable, Q] = {}
    dev: dict[Hashable, Q] = {}
    for row in rows:
        if row.dev:
            dev.setdefault(row.form, row)
        else:
            learned.setdefault(name(row), row)
    return Sides(list(learned.values()), list(dev.values()))


def load_pairs(manifest: Path | str | Manifest | DataSet) -> Sides[GradedPair]:
    """Graded pairs: the judged ones, those of click logs and those of catalogues.

    `match` of a pair is 1 from a grade of 0.5; of several grades the first counts. What dev has is
    not learned from, though its key (a customer, a product) is another. Raises UsageError as
    `load` does.
    """
    learned, dev = pairs_by_side(_data(manifest))
    held_out = {_forms(pair) for pair in dev}
    return Sides([pair for pair in learned if _forms(pair) not in held_out], dev)


def _forms(pair: GradedPair) -> tuple[str, str]:
    return normal_form(pair.query), normal_form(pair.term)


def pairs_by_side(data: DataSet) -> Sides[GradedPair]:
    """The same of data as they are; on each side only its own rows make pairs."""

    logs = {s.name: [] for s in data.manifest.sources if s.format == "clicks"}
    for row in data.clicks:
        logs[row.source].append(row)

    def side(dev: bool) -> list[GradedPair]:
        found = list(graded.judged(row for row in data.pairs if row.dev == dev))
        for source in data.manifest.sources:
            if log := logs.get(source.name):
                mine = [row for row in log if row.dev == dev]
                found += graded.clicked(mine, source, graded.usual_rate(log))
            elif source.format == "catalogue":
                products = (row for row in data.products if row.source == source.name)
                found += graded.of_catalogue([row for row in products if row.dev == dev])
        first: dict[tuple[str, str, str], GradedPair] = {}
        for pair in found:
            if pair.query != pair.term:
                first.setdefault((pair.query, pair.term, pair.source), pair)
        return list(first.values())

    return Sides(side(False), side(True))


def load_texts(manifest: Path | str | Manifest | DataSet) -> Sides[str]:
    """Every text once, for pretraining: queries, terms, titles and descriptions.

    A text that rows of both sides have, as a title that many queries are judged against, is
    learned from, and not held out.
    """
    data = _data(manifest)

    def texts(row: Row) -> Iterable[str]:
        names = ("query", "term", "title", "description")
        return (text for name in names if (text := getattr(row, name, "")))

    def side(dev: bool) -> list[str]:
        return list(dict.fromkeys(t for row in data.rows if row.dev == dev for t in texts(row)))

    learned = side(False)
    seen = set(map(normal_form, learned))
    return Sides(learned, [text for text in side(True) if normal_form(text) not in seen])


def _data(given: Path | str | Manifest | DataSet) -> DataSet:
    return given.apart() if isinstance(given, DataSet) else load(given)
