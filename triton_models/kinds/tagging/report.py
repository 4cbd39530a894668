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
from triton_models.kinds.tagging import KIND, entities
from triton_models.kinds.tagging.data import Tagged, read_all
from triton_models.kinds.tagging.decode import Found
from triton_models.kinds.tagging.entities import BOUNDS, NOTHING
from triton_models.kinds.tagging.summary import answers, tags_of_both

SLICES = "An interval of no width means few rows, not certainty."
KINDS_SHOWN, EXAMPLES = 20, 3


def report(
    folder: Path,
    devs: Sequence[Given],
    changes: Mapping[str, Change],
    outside: str | None = None,
    targets: Sequence[float] = TARGETS,
) -> Report:
    """Everything about a tagging model on tagged queries.

    A changed query has other characters and other words, so there is no robustness here.
    """
    model, network = served(folder, KIND.name)
    rows = read_all(devs)
    found = answers(network, [one.text for one in rows])
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
        "probabilities": probabilities(rows, found),
        "coverage": coverage(
            np.array([one.whole for one in found]), right, [one.text for one in rows], targets
        ),
        "slices": slices(parts, figures),
        "errors": typical_errors(rows, found),
        "latency_ms": latency(folder),
    }


def probabilities(rows: Sequence[Tagged], found: Sequence[Found]) -> Report:
    """How often spans are right, by the probability that the model gives them."""
    pairs = [
        (chance, span in one.spans)
        for one, mine in zip(rows, found, strict=True)
        for span, chance in zip(mine.spans, mine.probabilities, strict=True)
    ]
    sure = np.array([chance for chance, _ in pairs])
    right = np.array([good for _, good in pairs], dtype=bool)
    if not len(sure):
        return {}
    error = statistics.CalibrationError(sure, right)
    return {
        "ece": statistics.value(error, len(sure)),
        "bins": statistics.reliability(sure, right),
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
