"""Two intent models on the same labelled queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation import answers, by_label, statistics
from triton_models.evaluation.coverage import aurc
from triton_models.evaluation.dev import labelled_queries, of_all
from triton_models.evaluation.sides import Side, names
from triton_models.serving.served import ServedModel

PREDICTED = ("query", "label", "scores")  # what a line of `predict` has
WORDS = ("label", "probability")


def asked(network: ServedModel, rows: Sequence[dict]) -> np.ndarray:
    """Probabilities [rows, labels]."""
    return network.run([row["query"] for row in rows])


def read(lines: Sequence[dict]) -> np.ndarray:
    """The same from lines that `predict` wrote."""
    return np.array([list(line["scores"].values()) for line in lines], dtype=float)


def sides(one: Path, other: Path, devs: Sequence[Given]) -> tuple[list[dict], list[Side]]:
    """The rows and both sides; a label that one side lacks has probability 0 there."""
    both = [answers.of(path, "intent") for path in (one, other)]
    labels = list(dict.fromkeys(label for side in both for label in side.labels))
    rows = of_all(lambda path: labelled_queries(path, labels), devs)
    rows = [row | {"wanted": row["intent"]} for row in rows]
    wanted = np.array([labels.index(row["intent"]) for row in rows])
    sides = []
    for side, name in zip(both, names(one, other), strict=True):
        p = np.zeros((len(rows), len(labels)))
        p[:, [labels.index(label) for label in side.labels]] = side.of(rows)
        found, sure = p.argmax(axis=1), p.max(axis=1)
        measures = {
            "macro_f1": statistics.macro_f1(wanted, found, len(labels)),
            "accuracy": statistics.mean(found == wanted),
            "auc_roc": statistics.macro_auc(p, wanted),
            "ece": statistics.CalibrationError(sure, found == wanted),
            "aurc": aurc(sure, found == wanted),
        }
        told = [f"{labels[f]} {c:.2f}" for f, c in zip(found, sure, strict=True)]
        counts = by_label.counts(wanted, found, len(labels))
        sides.append(Side(name, measures, found == wanted, told, labels, counts, found, p))
    return rows, sides
