"""Training text written by us: queries with intents, judged titles, queries by kind of product.

Tab-separated files in text/, a row a line; nothing of it comes from another set.
"""

from __future__ import annotations

from pathlib import Path

from triton_models.data.split import Labelled

TEXT = Path(__file__).parent / "text"


def queries() -> list[Labelled]:
    """text/queries.tsv: intent, style, query."""
    return [Labelled(query, intent, "written") for intent, _, query in _rows("queries.tsv")]


def titles() -> list[tuple[str, str, str]]:
    """text/titles.tsv: (query, product title, grade).

    Grades are those of product search: E exact, S substitute, C complement, I irrelevant.
    """
    return [(query, title, grade) for query, title, grade in _rows("titles.tsv")]


def kinds() -> list[tuple[str, str]]:
    """text/kinds.tsv: (query, kind of product it looks for)."""
    return [(query, kind) for query, kind in _rows("kinds.tsv")]


def _rows(name: str) -> list[list[str]]:
    lines = (TEXT / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]
