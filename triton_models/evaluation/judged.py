"""A catalogue and the queries that were judged on it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triton_models.data import named, records

TEXT = ("title", "name", "brand", "supplier", "category", "description", "short_description")
COLUMNS = ("query", "docid", "rating")
RELEVANT = 2.0  # the grade from which a product is relevant


@dataclass(frozen=True)
class Judged:
    """Judged queries, those alone that have a relevant product.

    Attributes:
        queries: their texts.
        grades: of each, grade by index of the product.
    """

    queries: list[str]
    grades: list[dict[int, float]]


def relevant(grades: Mapping[int, float]) -> set[int]:
    """The relevant products of a query's grades."""
    return {product for product, grade in grades.items() if grade >= RELEVANT}


def products(file: Path, fields: Sequence[str] = TEXT) -> tuple[list[str], list[str]]:
    """Ids and texts of a catalogue, in any format that `records` reads.

    Args:
        fields: those whose texts are searched; an object or list gives the texts in it.

    Raises:
        UsageError: a line is no product; names file, line and remedy.
    """
    blame, ids, texts = records.refusing(file), [], []
    for line, product in records.read(file, "", blame):
        product = named.ours(product, {})
        if "id" not in product:
            blame(line, 'no product; write {"id": …, "title": …}')
        ids.append(str(product["id"]))
        texts.append(" ".join(t for f in fields for t in _texts(product.get(f))))
    if not any(texts):
        blame(0, f"no product has one of {', '.join(fields)}; name them by --text")
    return ids, texts


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def judgements(file: Path, ids: Sequence[str]) -> Judged:
    """The judged queries of a file with the columns query, docid, rating.

    Products that the catalogue lacks are left out.

    Raises:
        UsageError: it is no such file, or no query has a relevant product.
    """
    places, blame = {id_: i for i, id_ in enumerate(ids)}, records.refusing(file)
    grades: dict[str, dict[int, float]] = {}
    for line, row in records.read(file, "", blame):
        row = named.ours(row, {})
        query, product, rating = (row.get(column) for column in COLUMNS)
        if not query or product in (None, "") or rating is None:
            blame(line, f"expected the columns {', '.join(COLUMNS)}; name them in the first line")
        if (grade := _number(rating)) is None:
            blame(line, f"rating: found {rating!r:.60}, expected a number; fix the line")
        if (product := str(product)) in places:
            grades.setdefault(str(query), {})[places[product]] = grade
    kept = {query: of for query, of in grades.items() if max(of.values()) >= RELEVANT}
    if not kept:
        told = f"no query has a product of the catalogue rated {RELEVANT:g} or more"
        blame(0, f"{told}; docid must be an id of --products")
    return Judged(list(kept), list(kept.values()))


def _number(value: Any) -> float | None:
    """A number that is finite; None for what is none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
