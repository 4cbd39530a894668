"""The rows behind a manifest, and which of them stand on both sides of the split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from triton_models.data.manifest import Manifest
from triton_models.settings import UsageError

NAMED = 5  # keys of a message


@dataclass(frozen=True, slots=True)
class Row:
    """What every row has.

    Attributes:
        key: (name space, normal form); decides on the side, and is on one side only.
        form: normal form of the query, or of a product's title.
    """

    source: str
    line: int
    key: tuple[str, str]
    dev: bool
    form: str


@dataclass(frozen=True, slots=True)
class Query(Row):
    """A query with its label, "" for none, several joined by "|"; style is given or by rule.

    A category, "" for none, is that of what is looked for. A query may have a sentiment, "" for
    none, and then no label.
    """

    query: str
    intent: str
    style: str
    category: str = ""
    sentiment: str = ""


@dataclass(frozen=True, slots=True)
class TaggedQuery(Row):
    """A query whose spans have tags: characters [start, end) of its normal form, and a tag."""

    query: str
    spans: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Judged(Row):
    """A query and a term or title with a grade from 0, does not belong, to 1."""

    query: str
    term: str
    grade: float


@dataclass(frozen=True, slots=True)
class Product(Row):
    """A row of a catalogue. Rows of one `product` are titles of the same thing.

    Attributes:
        text: how a model reads it: its title, or what the manifest composes.
    """

    id: str
    title: str
    category: str
    product: str
    brand: str
    description: str
    text: str


@dataclass(frozen=True, slots=True)
class Click(Row):
    """What became of an item shown for a query; None impressions where the log has none."""

    query: str
    item: str
    clicks: int
    impressions: int | None


@dataclass
class DataSet:
    """Everything that a manifest names.

    Attributes:
        left_out: rows that are not used, by source: a label mapped to "", an item that is in no
            catalogue any more.
        dropped: the training rows that `apart` has left out.
    """

    manifest: Manifest
    queries: list[Query] = field(default_factory=list)
    tagged: list[TaggedQuery] = field(default_factory=list)
    pairs: list[Judged] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    clicks: list[Click] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    dropped: list[Row] = field(default_factory=list)

    @property
    def asked(self) -> list[Query | TaggedQuery | Judged | Click]:
        """Every row that has a query."""
        return [*self.queries, *self.tagged, *self.pairs, *self.clicks]

    @property
    def rows(self) -> list[Row]:
        return [*self.asked, *self.products]

    def place(self, row: Row) -> str:
        """The file and the line of a row."""
        source = next(s for s in self.manifest.sources if s.name == row.source)
        return f"{source.path}:{row.line}"

    def both_sides(self) -> list[tuple[Row, Row]]:
        """(training row, dev row) for every key that is on both sides, one pair a key."""
        dev = {row.key: row for row in self.rows if row.dev}
        found = {row.key: row for row in self.rows if not row.dev and row.key in dev}
        return [(row, dev[key]) for key, row in found.items()]

    def apart(self) -> DataSet:
        """The same with no key on both sides.

        Raises:
            UsageError: there is one, and the manifest says `leaks = "refuse"`. With "drop" the
                training rows go whose key, or whose very query, is on the dev side too.
        """
        if self.manifest.leaks == "drop":
            return self._dropped()
        if found := self.both_sides():
            named = "".join(
                f"\n  {mine.key[1]!r}: {self.place(mine)} (train), {self.place(theirs)} (dev)"
                for mine, theirs in found[:NAMED]
            )
            more = f"\n  … and {len(found) - NAMED} more" if len(found) > NAMED else ""
            raise UsageError(
                f"{self.manifest.path}: {len(found)} key(s) on both sides of the split; give the"
                ' sources split = "by_key" with one dev_share, or write leaks = "drop" to leave'
                f" the training rows out{named}{more}"
            )
        return self

    def dev_side(self) -> tuple[set[tuple[str, str]], set[str]]:
        """The keys of the dev side and the normal forms of its queries."""
        keys = {row.key for row in self.rows if row.dev}
        return keys, {row.form for row in self.asked if row.dev}

    def with_rows(self, change: Callable[[list], list]) -> DataSet:
        """The same with each of its lists of rows changed."""
        return replace(
            self,
            queries=change(self.queries),
            tagged=change(self.tagged),
            pairs=change(self.pairs),
            products=change(self.products),
            clicks=change(self.clicks),
        )

    def _dropped(self) -> DataSet:
        keys, forms = self.dev_side()

        def leaks(row: Row) -> bool:
            again = row.key in keys or (not isinstance(row, Product) and row.form in forms)
            return again and not row.dev

        found = self.with_rows(lambda rows: [row for row in rows if not leaks(row)])
        return replace(found, dropped=[*self.dropped, *filter(leaks, self.rows)])
