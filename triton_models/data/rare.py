"""Rare labels of a manifest: keys that their hash puts on the development side go back to training
where a label would have too few rows left to learn from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from triton_models.data.graded import BELONGS
from triton_models.data.manifest import SEPARATOR
from triton_models.data.rows import DataSet, Judged, Query, Row, TaggedQuery
from triton_models.data.split import Held, given_back


def stratified(data: DataSet) -> DataSet:
    """The same, with such keys learned from in every source. A key that a source of split `dev`
    has stays, and so does every other: the sides hang on keys and labels, not on the rows' order.
    """
    by_key = {source.name for source in data.manifest.sources if source.split == "by_key"}
    fixed = {row.key for row in data.rows if row.dev and row.source not in by_key}
    # The training rows of what is on the dev side will be left out: see `DataSet.apart`.
    held, forms = data.dev_side() if data.manifest.leaks == "drop" else (set(), set())
    found = (
        Held(row.key, example, label, row.dev or row.key in held)
        for row in sorted(data.rows, key=lambda row: row.key)
        if not (row.key in fixed and (row.dev or row.key in held))
        for example, label in learned_of(row)
        if row.dev or row.key in held or row.form not in forms
    )
    if not (back := given_back(found)):
        return data

    def moved(rows: list) -> list:
        return [replace(row, dev=False) if row.key in back else row for row in rows]

    return data.with_rows(moved)


def learned_of(row: Row) -> Iterator[tuple[str, tuple[str, str]]]:
    """What a row is an example of: its text, and each label with what it is a label of."""
    if isinstance(row, Query):
        yield from ((row.form, ("intent", name)) for name in row.intent.split(SEPARATOR) if name)
    elif isinstance(row, TaggedQuery):
        yield from ((row.form, ("tag", tag)) for _, _, tag in row.spans)
    elif isinstance(row, Judged):
        yield f"{row.form}\t{row.term}", ("match", str(row.grade >= BELONGS))
