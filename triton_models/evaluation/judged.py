"""A catalogue and the queries that were judged on it."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triton_models.settings import UsageError

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
    """Ids and texts of a catalogue: JSON lines, also compressed by gzip.

    Args:
        fields: those whose texts are searched; an object or list gives the texts in it.

    Raises:
        UsageError: a line is no product; names file, line and remedy.
    """
    ids, texts = [], []
    try:
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                product = _product(line, f"{file}:{number}")
                ids.append(str(product["id"]))
                texts.append(" ".join(t for f in fields for t in _texts(product.get(f))))
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise UsageError(f"{file}: {error}; give JSON lines in UTF-8, or such a .gz") from None
    if not any(texts):
        raise UsageError(f"{file}: no product has one of {', '.join(fields)}; name them by --text")
    return ids, texts


def _product(line: str, place: str) -> dict[str, Any]:
    try:
        product = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{place}: not JSON ({error}); write one product a line") from None
    if not isinstance(product, dict) or "id" not in product:
        raise UsageError(f'{place}: no product; write {{"id": …, "title": …}}')
    return product


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def judgements(file: Path, ids: Sequence[str]) -> Judged:
    """The judged queries of a CSV file with the columns query, docid, rating.

    Products that the catalogue lacks are left out.

    Raises:
        UsageError: it is no such file, or no query has a relevant product.
    """
    places = {id_: i for i, id_ in enumerate(ids)}
    grades: dict[str, dict[int, float]] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:  # as Excel writes it
            for number, row in enumerate(csv.DictReader(lines), 2):
                query, product, rating = (row.get(column) for column in COLUMNS)
                if not query or not product or _number(rating) is None:
                    wanted = f"expected the columns {', '.join(COLUMNS)}, the last a number"
                    remedy = "name them so in the first line, commas between"
                    raise UsageError(f"{file}:{number}: {wanted}; {remedy}")
                if product in places:
                    grades.setdefault(query, {})[places[product]] = float(rating)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: {error}; give a CSV file in UTF-8") from None
    kept = {query: of for query, of in grades.items() if max(of.values()) >= RELEVANT}
    if not kept:
        raise UsageError(
            f"{file}: no query has a product of the catalogue rated {RELEVANT:g} or more; "
            "docid must be an id of --products"
        )
    return Judged(list(kept), list(kept.values()))


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
