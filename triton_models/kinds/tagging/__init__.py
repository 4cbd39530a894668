"""Queries to spans with tags, such as brand, color or size: a tag for each token, in BIO."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from triton_models.kinds.kind import IDS, Demand, Kind

OUTSIDE = "O"


EXPECTED = "O, B-tag and I-tag of each"


def own(fields: dict[str, Any], demand: Demand) -> dict[str, Any]:
    """The labels are `O`, and `B-tag` and `I-tag` for each tag."""
    demand(is_complete(fields["labels"]), "labels", EXPECTED)
    return {}


def is_complete(labels: Collection[str]) -> bool:
    """Whether labels are `O`, and `B-tag` and `I-tag` of at least one tag, each once."""
    tags = {name[2:] for name in labels if name != OUTSIDE}
    wanted = {OUTSIDE} | {f"{part}-{tag}" for tag in tags for part in "BI"}
    return bool(tags) and wanted == set(labels) and len(labels) == len(wanted)


KIND = Kind(
    __name__,
    inputs=IDS,
    output="tag_probabilities",
    own=own,
    by_token=True,
    labels=True,
    explained=True,
)
