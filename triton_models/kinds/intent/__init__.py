"""Queries to labels: purchase, browse, inquiry, complaint, other, or labels of your own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from triton_models.kinds.kind import IDS, Demand, Head, Kind


def own(fields: dict[str, Any], demand: Demand) -> dict[str, Any]:
    """`heads`: further outputs."""
    demand(not fields.get("multi"), "multi", "nothing: a query has one label")
    return {"heads": tuple(heads(fields.get("heads", {}), demand))}


def heads(found: Any, demand: Demand) -> Iterator[Head]:
    """The further outputs, as `{"sentiment": {"output": NAME, "labels": [NAME, …]}}`."""
    expected = "an output and at least two labels for each name"
    demand(isinstance(found, dict), "heads", expected)
    for name, about in found.items():
        demand(isinstance(about, dict) and isinstance(about.get("output"), str), "heads", expected)
        labels = about.get("labels")
        several = isinstance(labels, list) and len(set(map(str, labels))) == len(labels) > 1
        demand(several and all(isinstance(x, str) and x for x in labels), "heads", expected)
        yield Head(name, about["output"], tuple(labels))


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
