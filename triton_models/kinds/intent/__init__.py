"""Queries to labels: purchase, browse, inquiry, complaint, other, or labels of your own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from triton_models.kinds import tagging
from triton_models.kinds.kind import IDS, Demand, Head, Kind


def own(fields: dict[str, Any], demand: Demand) -> dict[str, Any]:
    """`heads`: further outputs of a query; `tags`: one of its tokens; `label_counts`: how many
    examples of each label it learned from.
    """
    demand(not fields.get("multi"), "multi", "nothing: a query has one label")
    return {
        "heads": tuple(heads(fields.get("heads", {}), demand)),
        "tags": tags(fields.get("tags"), demand),
        "label_counts": counts(fields.get("label_counts"), fields["labels"], demand),
    }


def counts(found: Any, labels: list[str], demand: Demand) -> tuple[int, ...]:
    """The examples of each label, as `{LABEL: COUNT, …}`; () where they are not known."""
    if found is None:
        return ()
    fits = isinstance(found, dict) and set(found) == set(labels)
    demand(
        fits and all(type(count) is int and count >= 0 for count in found.values()),
        "label_counts",
        "a whole number for each label",
    )
    return tuple(found[label] for label in labels)


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


def tags(found: Any, demand: Demand) -> Head | None:
    """The output that the kind tagging has, as `{"output": NAME, "labels": ["O", …]}`."""
    if found is None:
        return None
    demand(isinstance(found, dict) and isinstance(found.get("output"), str), "tags", "an output")
    labels = found.get("labels")
    fits = isinstance(labels, list) and all(isinstance(x, str) for x in labels)
    demand(fits and tagging.is_complete(labels), "tags", f"as labels {tagging.EXPECTED}")
    return Head("tags", found["output"], tuple(labels))


KIND = Kind(
    __name__,
    inputs=IDS,
    output="probabilities",
    own=own,
    labels=True,
    explained=True,
    dev="dev_intent.jsonl",
    evaluates=("--out-of-scope", "--language", "--confusions"),
)
