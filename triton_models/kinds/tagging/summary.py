"""The figures of a tagging model that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.evaluation.evaluate import Asked, Report, served
from triton_models.kinds.tagging import KIND, entities
from triton_models.kinds.tagging.answers import decoded
from triton_models.kinds.tagging.data import Tagged, read_all, tags_of
from triton_models.kinds.tagging.decode import Found


def summary(
    folder: Path, devs: Sequence[Path], data: Path | None = None, outside: str | None = None
) -> Report:
    """Figures of spans, all and by tag."""
    model, network = served(folder, KIND.name)
    rows = read_all(devs)
    found, tags = answers(network, rows), tags_of_both(model.labels, rows)
    table, right = judged(rows, found, tags)
    return {
        "queries": len(rows),
        "spans": int(table[:, :, 2].sum()),
        **entities.figures(table, right),
        "tags": entities.by_tag(table, tags),
    }


def answers(network: Asked, rows: Sequence[Tagged]) -> list[Found]:
    """The spans that a model finds in each query."""
    texts = [one.text for one in rows]
    return [decoded(network, t, a) for t, a in zip(texts, network.run(texts), strict=True)]


def tags_of_both(labels: Sequence[str], rows: Sequence[Tagged]) -> tuple[str, ...]:
    """The tags of a model and of the rows; what the model does not know counts as missed."""
    known = {name[2:] for name in labels if name[1:2] == "-"}
    return tuple(sorted(known | set(tags_of(rows))))


def judged(
    rows: Sequence[Tagged], found: Sequence[Found], tags: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Counts as `entities.counts`, and whether all spans of each query are right."""
    wanted, said = [one.spans for one in rows], [one.spans for one in found]
    right = np.array([set(a) == set(b) for a, b in zip(wanted, said, strict=True)])
    return entities.counts(wanted, said, tags), right
