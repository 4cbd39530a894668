"""Pairs of a query and a term or title to a score from 0 to 1."""

from __future__ import annotations

from typing import Any

from triton_models.kinds.kind import PAIRS, Demand, Kind, nothing


def own(fields: dict[str, Any], demand: Demand) -> dict[str, Any]:
    """`threshold`: the score from which a pair is a match."""
    nothing(fields, demand)
    threshold = fields.get("threshold")
    number = type(threshold) in (int, float) and 0 <= threshold <= 1
    demand(number, "threshold", "a number from 0 to 1")
    return {"threshold": float(threshold)}


KIND = Kind(
    __name__,
    inputs=PAIRS,
    output="score",
    own=own,
    pair=True,
    documents=True,
    explained=True,
    dev="dev_matching.jsonl",
)
