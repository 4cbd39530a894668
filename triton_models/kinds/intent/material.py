"""What an intent model learns from and is judged on, and what was left out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from triton_models.data import noticed
from triton_models.data.manifest import SENTIMENTS
from triton_models.data.noticed import Noticed
from triton_models.data.rows import Query, Row
from triton_models.kinds.intent import examples
from triton_models.kinds.intent.examples import Example
from triton_models.query_text import normal_form
from triton_models.settings import DEV, UsageError, listed


@dataclass(frozen=True)
class Material:
    """The examples, disjoint, and their labels."""

    learned: list[Example]
    dev: list[Example]
    labels: tuple[str, ...]
    noticed: Noticed = Noticed()

    @property
    def judged(self) -> list[Example]:
        """The queries of dev whose intent is known."""
        return [e for e in self.dev if e.labelled]

    @property
    def sentiments(self) -> tuple[str, ...]:
        """The labels of a second head; () where no query has one."""
        return SENTIMENTS if any(e.sentiment for e in self.learned) else ()

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of a further head; () where no query has one."""
        return examples.tag_names(self.learned)

    def about(self) -> dict:
        counts = {
            "sentiments": sum(bool(e.sentiment) for e in self.learned),
            "tagged": sum(bool(e.tags) for e in self.learned),
        }
        return {name: count for name, count in counts.items() if count} | {
            "learned": len(self.learned),
            "dev": len(self.dev),
            "labels": len(self.labels),
            **examples.counts(self.learned),
            "learned_sha256": examples.digest(self.learned),
            "dev_sha256": examples.digest(self.dev),
        }

    def dev_rows(self) -> list[dict]:
        """The dev side as `evaluate --dev` reads it."""
        return [
            {"query": e.text, "intent": "".join(e.labels), "source": e.source}
            | ({"sentiment": e.sentiment} if e.sentiment else {})
            for e in self.dev
            if e.labels or e.sentiment  # text that was only distilled on has neither
        ]

    def dev_files(self) -> dict[str, list[dict]]:
        return {DEV: self.dev_rows(), examples.TAGGED: self.tagged_rows()}

    def tagged_rows(self) -> list[dict]:
        """The tagged queries of the dev side, as `evaluate tagging --dev` reads them."""
        return [
            {"query": e.text, "spans": [span._asdict() for span in e.spans], "source": e.source}
            for e in self.dev
            if e.tags
        ]

    def told(self) -> str:
        return (
            f"{len(self.learned)} queries to learn from, {len(self.dev)} of dev,"
            f" {len(self.labels)} labels"
        )

    def units(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(e.text, e.labels + (e.sentiment,) * bool(e.sentiment)) for e in self.learned]

    def part(self, rows: Sequence[int]) -> Material:
        return replace(self, learned=[self.learned[i] for i in rows])


def labelled(row: Row) -> bool:
    """Whether a row of a manifest is one to learn from: see `dataset.load_labelled`."""
    return isinstance(row, Query) and bool(row.intent or row.sentiment)


def material(
    learned: list[Example], dev: list[Example], place: str, repeated: int = 0, dropped: int = 0
) -> Material:
    """Two sides that were given; UsageError for a dev label that is not learned.

    `repeated` rows and `dropped` ones of dev queries are left out already.
    """
    left = examples.without(learned, dev)
    labels = examples.label_names(left or learned)
    for what, of in (("labels", examples.label_names), ("tags", examples.tag_names)):
        if strange := set(of(dev)) - set(of(left or learned)):
            told = f"{what} without a query to learn from: {listed(sorted(strange), 5)}"
            raise UsageError(f"{place}: {told}")
    said = [(normal_form(e.text), e.labels) for e in (*left, *dev) if e.labels]
    names = (*labels, *examples.tag_names(left))
    gone = dropped + len(learned) - len(left)
    found = Noticed(gone, repeated, noticed.conflicting(said), noticed.case(names))
    return Material(left, dev, labels, found)
