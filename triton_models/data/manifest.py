"""The manifest: one TOML file that names what a model is trained on.

    intents = ["purchase", "browse"]      # optional: the only labels allowed
    leaks = "refuse"                      # or "drop": what to do with keys on both sides
    product_text = "{title}[ by {brand}]" # optional: how encoder and matching read a product

    [[source]]
    name = "support"
    path = "support.csv"                  # relative to the manifest
    format = "queries"                    # queries | tagged | pairs | catalogue | clicks
    licence = "CC-BY-4.0"
    split = "by_key"                      # train | dev | by_key
    key = "customer"                      # by_key: a column, by default the query (catalogue: id)
    dev_share = 15                        # by_key: percent of the keys
    columns = { query = "text", intent = "topic" }        # ours = theirs
    labels = { refund = "complaint", spam = "", "*" = "other" }  # theirs = ours, "" leaves out

Read by `manifest_file.read`, which lists every fault by file and line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from triton_models.data import records
from triton_models.data.split import DEV_SHARE

FORMATS = ("queries", "tagged", "pairs", "catalogue", "clicks")
SPLITS = ("train", "dev", "by_key")
LEAKS = ("refuse", "drop")
SEPARATOR = "|"  # between the labels of a query that has several
SENTIMENTS = ("positive", "neutral", "negative")
NO_LISTS = "a table has no lists; give JSON lines with tokens and tags, or spans"
REST = "*"  # in `labels`: every label that is not named


@dataclass(frozen=True)
class Source:
    """One file and how it is read.

    Attributes:
        columns: our name of a column to theirs.
        labels: their label, tag or grade to ours, "" leaves the row (of a tag the span) out;
            empty: as they are.
        label: queries only: the label of every row; None where a column has it.
        key: their name of the column that decides on the side, "" for the format's own.
        weight: how much an example of it counts in the loss.
        catalogue: clicks only: the source whose `id` the items are, "" where items are titles.
        min_impressions: clicks only: rows with fewer say too little and are left out.
        min_clicks: clicks without impressions: rows with fewer are left out.
        line: of its [[source]] in the manifest.
    """

    name: str
    path: Path
    format: str
    licence: str
    split: str
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str | float] = field(default_factory=dict)
    label: str | None = None
    key: str = ""
    dev_share: int = DEV_SHARE
    weight: float = 1.0
    delimiter: str = ""
    catalogue: str = ""
    min_impressions: int = 20
    min_clicks: int = 3
    line: int = 0

    @property
    def plain(self) -> bool:
        """Whether it is plain text: a query a line, without columns."""
        return records.kind(self.path) == ".txt"


@dataclass(frozen=True)
class Manifest:
    """A manifest that was read and is free of faults.

    Attributes:
        intents: the labels allowed, empty for any.
        leaks: what becomes of training rows whose key is on the dev side too.
        product_text: the template of products (`triton_models.product_text`), "" for the title.
    """

    path: Path
    sources: tuple[Source, ...]
    intents: tuple[str, ...] = ()
    leaks: str = "refuse"
    product_text: str = ""

    @property
    def weights(self) -> dict[str, float]:
        """Each source's weight in the loss, by name."""
        return {source.name: source.weight for source in self.sources}

    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of the manifest and its files: the data hash of a run."""
        found = hashlib.sha256(self.path.read_bytes())
        for source in self.sources:
            with source.path.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
        return found.hexdigest()
