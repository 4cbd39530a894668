"""Queries to spans with tags, such as brand, color or size: a tag for each token, in BIO."""

from __future__ import annotations

from typing import Any

from triton_models.kinds.kind import IDS, Demand, Kind

OUTSIDE = "O"


def own(fields: dict[str, Any], demand: Demand) -> dict[str, Any]:
    """The labels are `O`, and `B-tag` and `I-tag` for each tag."""
    tags = {name[2:] for name in fields["labels"] if name != OUTSIDE}
    wanted = {OUTSIDE} | {f"{part}-{tag}" for tag in tags for part in "BI"}
    demand(bool(tags) and wanted == set(fields["labels"]), "labels", "O, B-tag and I-tag of each")
    return {}


KIND = Kind(
    "tagging",
    inputs=IDS,
    output="tag_probabilities",
    own=own,
    by_token=True,
    labels=True,
)
