"""Queries to labels: purchase, browse, inquiry, complaint, other, or labels of your own."""

from __future__ import annotations

from typing import Any

from triton_models.kinds.kind import IDS, Demand, Kind


def own(fields: dict[str, Any], demand: Demand) -> dict[str, Any]:
    """`multi`: whether a query may have several labels."""
    multi = fields.get("multi", False)
    demand(type(multi) is bool, "multi", "true or false")
    return {"multi": multi}


KIND = Kind(
    "intent",
    inputs=IDS,
    output="probabilities",
    own=own,
    labels=True,
    explained=True,
    dev="dev_intent.jsonl",
    evaluates=("--out-of-scope",),
)
