"""Two tagging models on the same tagged queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation import answers
from triton_models.evaluation.coverage import aurc
from triton_models.evaluation.evaluate import Asked
from triton_models.evaluation.sides import Side, Sides, names
from triton_models.kinds.tagging import KIND, entities, summary
from triton_models.kinds.tagging.data import Tagged, read_all
from triton_models.kinds.tagging.words import Span

Said = tuple[list[Span], float]  # the spans of a query, and how sure a model is of all of them

PREDICTED = ("query", "spans", "confidence")  # what a line of `predict` has
WORDS = ("spans", "confidence")


def asked(network: Asked, rows: Sequence[dict]) -> list[Said]:
    """What a model says of each row."""
    found = summary.answers(network, [row["query"] for row in rows])
    return [(one.spans, one.whole) for one in found]


def read(lines: Sequence[dict]) -> list[Said]:
    """The same from lines that `predict` wrote."""
    return [
        ([Span(s["start"], s["end"], s["tag"]) for s in x["spans"]], float(x["confidence"]))
        for x in lines
    ]


def sides(one: Path, other: Path, devs: Sequence[Given]) -> Sides:
    """The rows and both sides; a query is right when all its spans are."""
    found = read_all(devs)
    rows = [{"query": row.text, "wanted": shown(row.text, row.spans)} for row in found]
    said = [answers.of(path, KIND.name).of(rows) for path in (one, other)]
    spans = [*(row.spans for row in found), *(mine for side in said for mine, _ in side)]
    tags = sorted({span.tag for mine in spans for span in mine})
    both = zip(names(one, other), said, strict=True)
    return Sides(rows, *(side(name, mine, found, tags) for name, mine in both))


def side(name: str, answered: Sequence[Said], wanted: Sequence[Tagged], tags: list[str]) -> Side:
    """What one model, or a file that `predict` wrote, says of the rows."""
    said, sure = zip(*answered, strict=True)
    table, right = entities.judged([one.spans for one in wanted], said, tags)
    told = [shown(one.text, spans) for one, spans in zip(wanted, said, strict=True)]
    measures = entities.measures(table, right)
    measures["aurc"] = aurc(np.array(sure), right)
    return Side(name, measures, right, told, tags, table, np.array(told), np.array(sure))


def shown(text: str, spans: Sequence[Span]) -> str:
    """Spans in words, such as "red: color, shoes: product"."""
    return ", ".join(f"{text[s.start : s.end]}: {s.tag}" for s in sorted(spans)) or "no span"
