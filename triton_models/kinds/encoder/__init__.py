"""Texts to unit vectors: near ones mean similar things."""

from __future__ import annotations

from typing import Any

from triton_models.kinds.kind import IDS, Demand, Kind, Prompts, nothing

POOLINGS = ("cls", "mean", "max")  # what becomes of the token vectors


def own(fields: dict[str, Any], demand: Demand) -> dict[str, Any]:
    """`pooling`, and the `prompts` that stand before a query and before a document."""
    nothing(fields, demand)
    pooling, prompts = fields.get("pooling", "mean"), fields.get("prompts", {})
    demand(pooling in POOLINGS, "pooling", "cls, mean or max")
    texts = isinstance(prompts, dict) and all(isinstance(x, str) for x in prompts.values())
    fits = texts and prompts.keys() <= {"query", "document"}
    demand(fits, "prompts", "a text for query and one for document")
    return {"pooling": pooling, "prompts": Prompts(**prompts)}


KIND = Kind(
    __name__,
    inputs=IDS,
    output="vector",
    own=own,
    documents=True,
    evaluates=("--data",),
)
