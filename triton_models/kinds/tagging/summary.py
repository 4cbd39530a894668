"""The figures of a tagging model that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation.evaluate import Asked, Report, served
from triton_models.kinds.tagging import KIND, calibration, entities
from triton_models.kinds.tagging.answers import decoded, decoder_of, word_chances
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
    """The figures of the card, on the dev side of the run: the calibration error of spans is of
    each fold at the temperature that the others ask for, since the model's own was fitted on all.
    """
    model, network = served(folder, KIND.name)
    rows, decoder = read_all([dev]), decoder_of(model.labels)
    chances = word_answers(network, [one.text for one in rows])
    found = [one.spans for one in calibration.decode(chances, rows, decoder)]
    tags = tags_of_both(model.labels, rows)
    table, right = entities.judged([one.spans for one in rows], found, tags)
    spans = calibration.cross_fitted(calibration.at_temperatures(chances, rows, decoder), rows)
    figures = entities.figures(table, right) | {"calibration_error": calibration.error(spans)}
    return {"dev": figures, "tags": {"labels": entities.by_tag(table, tags)}}


def answers(network: Asked, texts: Sequence[str]) -> list[Found]:
    """The spans that a model finds in each query."""
    return [decoded(network, t, a) for t, a in zip(texts, network.run(texts), strict=True)]


def word_answers(network: Asked, texts: Sequence[str]) -> list[np.ndarray]:
    """Probabilities of the words of each query: [words, labels]."""
    return [word_chances(network, t, a) for t, a in zip(texts, network.run(texts), strict=True)]


def tags_of_both(labels: Sequence[str], rows: Sequence[Tagged]) -> tuple[str, ...]:
    """The tags of a model and of the rows; what the model does not know counts as missed."""
    known = {name[2:] for name in labels if name[1:2] == "-"}
    return tuple(sorted(known | set(tags_of(rows))))
