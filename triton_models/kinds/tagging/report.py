"""What the report of a tagging model measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation import by_label, statistics
from triton_models.evaluation.coverage import TARGETS, coverage
from triton_models.evaluation.evaluate import served
from triton_models.evaluation.perturb import Change
from triton_models.evaluation.report_parts import (
    Report,
    confusions,
    confusions_table,
    groups,
    head,
    latency,
    slices,
)
from triton_models.kinds.tagging import KIND, calibration, entities
from triton_models.kinds.tagging.answers import decoder_of
from triton_models.kinds.tagging.calibration import Judged
from triton_models.kinds.tagging.data import Tagged, read_all
from triton_models.kinds.tagging.decode import Found
from triton_models.kinds.tagging.entities import BOUNDS, NOTHING
from triton_models.kinds.tagging.robustness import withstood
from triton_models.kinds.tagging.summary import tags_of_both, word_answers

SLICES = "An interval of no width means few rows, not certainty."
KINDS_SHOWN, EXAMPLES = 20, 3


def report(
    folder: Path,
    devs: Sequence[Given],
    changes: Mapping[str, Change],
    outside: str | None = None,
    targets: Sequence[float] = TARGETS,
) -> Report:
    """Everything about a tagging model on tagged queries."""
    model, network = served(folder, KIND.name)
    rows = read_all(devs)
    chances, decoder = word_answers(network, [one.text for one in rows]), decoder_of(model.labels)
    found = calibration.decode(chances, rows, decoder)
    tags = tags_of_both(model.labels, rows)
    wanted, said = [one.spans for one in rows], [one.spans for one in found]
    table, right = entities.judged(wanted, said, tags)

    def figures(mine: np.ndarray) -> Report:
        return statistics.intervals(entities.measures(table[mine], right[mine]), len(mine))

    parts = groups([{"query": one.text} | one.about for one in rows])
    return head(model, devs, len(rows)) | {
        "figures": figures(np.arange(len(rows))),
        "labels": by_label.table(tags, table),
        "confusion": {
            "labels": [*tags, BOUNDS, NOTHING],
            "counts": entities.confusion(wanted, said, tags).tolist(),
        },
        "probabilities": probabilities(calibration.at_temperatures(chances, rows, decoder), rows),
        "coverage": coverage(
            np.array([one.whole for one in found]), right, [one.text for one in rows], targets
        ),
        "slices": slices(parts, figures),
        "robustness": withstood(rows, network, tags, changes),
        "errors": typical_errors(rows, found),
        "latency_ms": latency(folder),
    }


def probabilities(found: Mapping[float, Judged], rows: Sequence[Tagged]) -> Report:
    """How often spans are right, by the probability that the model gives them: as it is, and at
    temperatures fitted on the other folds of the same queries. {} where no span was found.

    `found` are the spans at each temperature.
    """
    parts = {"before": found[1.0], "after": calibration.cross_fitted(found, rows)}
    if not len(found[1.0].sure):
        return {}
    return {"temperature": calibration.best(found)} | {
        name: {
            "ece": calibration.error(spans),
            "bins": statistics.reliability(spans.sure, spans.right),
        }
        for name, spans in parts.items()
    }


def typical_errors(rows: Sequence[Tagged], found: Sequence[Found]) -> list[Report]:
    """Confusions by how often they come, each with its surest examples."""
    wrong: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for one, mine in zip(rows, found, strict=True):
        for span, chance in zip(mine.spans, mine.probabilities, strict=True):
            if span not in one.spans:
                pair = entities.partner(span, one.spans), span.tag
                wrong[pair].append(_example(one, span, chance))
        for span in one.spans:
            if entities.partner(span, mine.spans) == NOTHING:
                wrong[span.tag, NOTHING].append(_example(one, span, 0.0))
    for examples in wrong.values():
        examples.sort(key=lambda row: -row["probability"])
    return confusions(wrong, KINDS_SHOWN, EXAMPLES)


def _example(one: Tagged, span: entities.Span, chance: float) -> Report:
    words = f"{one.text[: span.start]}[{one.text[span.start : span.end]}]{one.text[span.end :]}"
    return {"query": words, "probability": chance}


def errors_table(rows: Sequence[Report]) -> str:
    """The errors as a table."""
    return confusions_table(rows, "spans", "probability")
