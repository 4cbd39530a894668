"""The figures of a tagging model that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from triton_models.data.named import Given
from triton_models.evaluation.evaluate import Asked, Report, served
from triton_models.kinds.tagging import KIND, entities
from triton_models.kinds.tagging.answers import decoded
from triton_models.kinds.tagging.data import Tagged, read_all, tags_of
from triton_models.kinds.tagging.decode import Found


def summary(
    folder: Path, devs: Sequence[Given], data: Path | None = None, outside: str | None = None
) -> Report:
    """Figures of spans, all and by tag."""
    model, network = served(folder, KIND.name)
    rows = read_all(devs)
    found = answers(network, [one.text for one in rows])
    tags = tags_of_both(model.labels, rows)
    wanted, said = [one.spans for one in rows], [one.spans for one in found]
    table, right = entities.judged(wanted, said, tags)
    return {
        "queries": len(rows),
        "spans": int(table[:, :, 2].sum()),
        **entities.figures(table, right),
        "tags": entities.by_tag(table, tags),
    }


def measured(folder: Path, dev: Path, run: Report) -> Report:
    """The figures of the card, on the dev side of the run."""
    found = summary(folder, [dev])
    figures = {name: value for name, value in found.items() if isinstance(value, float)}
    return {"dev": figures, "tags": {"labels": found["tags"]}}


def answers(network: Asked, texts: Sequence[str]) -> list[Found]:
    """The spans that a model finds in each query."""
    return [decoded(network, t, a) for t, a in zip(texts, network.run(texts), strict=True)]


def tags_of_both(labels: Sequence[str], rows: Sequence[Tagged]) -> tuple[str, ...]:
    """The tags of a model and of the rows; what the model does not know counts as missed."""
    known = {name[2:] for name in labels if name[1:2] == "-"}
    return tuple(sorted(known | set(tags_of(rows))))
