"""Two encoders on the same judged queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation import answers, ranking, statistics
from triton_models.evaluation.dev import judged_queries, of_all
from triton_models.evaluation.evaluate import Asked
from triton_models.evaluation.sides import Side, Sides, names

PREDICTED = ("vector",)  # what a line of `predict` has, besides the query or the document


def asked(network: Asked, rows: Sequence[dict]) -> np.ndarray:
    """Vectors [rows, width], of queries or of documents."""
    if "document" in rows[0]:
        return network.run([row["document"] for row in rows], documents=True)
    return network.run([row["query"] for row in rows])


def read(lines: Sequence[dict]) -> np.ndarray:
    """The same from lines that `predict` wrote."""
    return np.array([line["vector"] for line in lines], dtype=float)


def sides(one: Path, other: Path, devs: Sequence[Given]) -> Sides:
    """The judged queries and both sides' rankings of all their relevant texts."""
    rows = of_all(judged_queries, devs)
    rows = [row | {"wanted": row["relevant"][0]} for row in rows]
    candidates, grades = ranking.pool(rows)
    sides = []
    for path, name in zip((one, other), names(one, other), strict=True):
        side = answers.of(path, "encoder")
        vectors = side.of(rows), side.of([{"document": text} for text in candidates])
        found = ranking.ranked(*vectors, grades)
        measures = {n: statistics.mean(values) for n, values in found.figures.items()}
        told = [
            f"rank {rank}, first {candidates[first]}"
            for rank, first in zip(found.rank, found.first, strict=True)
        ]
        sides.append(Side(name, measures, found.figures["ndcg@10"], told))
    return Sides(rows, *sides)
