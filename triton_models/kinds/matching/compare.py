"""Two matching models on the same judged pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation import answers, by_label, statistics
from triton_models.evaluation.dev import judged_pairs, of_all
from triton_models.evaluation.sides import Side, Sides, names
from triton_models.serving.served import ServedModel

PREDICTED = ("query", "term", "score", "match")  # what a line of `predict` has
WORDS = ("decision", "score")
MATCH = {True: "match", False: "no match"}


def asked(network: ServedModel, rows: Sequence[dict]) -> np.ndarray:
    """Scores, and whether each counts as a match: [rows, 2]."""
    scores = network.run([r["query"] for r in rows], [r["term"] for r in rows])[:, 0]
    return np.stack([scores, scores >= network.contract.threshold], axis=1).astype(float)


def read(lines: Sequence[dict]) -> np.ndarray:
    """The same from lines that `predict` wrote."""
    return np.array([[line["score"], bool(line["match"])] for line in lines], dtype=float)


def sides(one: Path, other: Path, devs: Sequence[Given]) -> Sides:
    """The rows and both sides, each at its own threshold."""
    both = [answers.of(path, "matching") for path in (one, other)]
    rows = of_all(judged_pairs, devs)
    rows = [row | {"wanted": MATCH[row["match"] > 0]} for row in rows]
    matches = np.array([row["match"] > 0 for row in rows])
    sides = []
    for side, name in zip(both, names(one, other), strict=True):
        scores, found = side.of(rows).T
        found = found > 0
        measures = {
            "auc_roc": statistics.auc(scores, matches),
            "average_precision": statistics.average_precision(scores, matches),
            "f1": statistics.f1(found, matches),
            "accuracy": statistics.mean(found == matches),
        }
        told = [f"{MATCH[bool(f)]} {s:.2f}" for f, s in zip(found, scores, strict=True)]
        labels = [MATCH[False], MATCH[True]]
        counts = by_label.counts(matches.astype(int), found.astype(int), 2)
        sides.append(Side(name, measures, found == matches, told, labels, counts, found, scores))
    return Sides(rows, *sides)
