"""Two intent models on the same labelled queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from triton_models.data.manifest import SENTIMENTS
from triton_models.data.named import Given
from triton_models.evaluation import answers, by_label, statistics
from triton_models.evaluation.coverage import aurc
from triton_models.evaluation.dev import labelled_queries, of_all, with_intent
from triton_models.evaluation.evaluate import Asked
from triton_models.evaluation.sides import Side, Sides, names
from triton_models.kinds.intent import outputs
from triton_models.kinds.intent.examples import SENTIMENT
from triton_models.settings import UsageError, listed

PREDICTED = ("query", "label", "scores")  # what a line of `predict` has
WORDS = ("label", "probability")


class Said(NamedTuple):
    """What a model, or a file that `predict` wrote, says of queries.

    Attributes:
        intents: probabilities, [rows, labels].
        sentiments: the likeliest of each row, and its probability; None without the second head.
    """

    intents: np.ndarray
    sentiments: tuple[list[str], np.ndarray] | None


def asked(network: Asked, rows: Sequence[dict]) -> Said:
    """What a model says of each row."""
    found = network.run([row["query"] for row in rows], heads=True)
    intents = found[:, : len(network.contract.labels)]
    if (moods := outputs.of_head(network.contract, found)) is None:
        return Said(intents, None)
    labels = outputs.head_of(network.contract).labels
    return Said(intents, ([labels[i] for i in moods.argmax(axis=1)], moods.max(axis=1)))


def read(lines: Sequence[dict]) -> Said:
    """The same from lines that `predict` wrote."""
    intents = np.array([list(line["scores"].values()) for line in lines], dtype=float)
    found = [line[SENTIMENT] for line in lines if SENTIMENT in line]
    if len(found) < len(lines):
        return Said(intents, None)
    sure = np.array([one["confidence"] for one in found], dtype=float)
    return Said(intents, ([one["label"] for one in found], sure))


def sides(one: Path, other: Path, devs: Sequence[Given]) -> Sides:
    """The rows and both sides; a label that one side lacks has probability 0 there."""
    both = [answers.of(path, "intent") for path in (one, other)]
    labels = list(dict.fromkeys(label for side in both for label in side.labels))
    rows = of_all(lambda path: labelled_queries(path, labels), devs)
    wished = {row["intent"] for row in rows} - {""}
    for side, path in zip(both, (one, other), strict=True):
        if wished and not wished & set(side.labels):
            raise UsageError(
                f"{path}: its labels are {listed(side.labels)}, and those of --dev"
                f" {listed(sorted(wished))}; compare models whose labels the dev queries have"
            )
    said, called = [side.of(rows) for side in both], names(one, other)
    known = [row | {"wanted": row["intent"]} for row in with_intent(rows)]
    mine = [i for i, row in enumerate(rows) if row["intent"]]
    wanted = np.array([labels.index(row["intent"]) for row in known])
    found = []
    for side, name, answer in zip(both, called, said, strict=True):
        p = np.zeros((len(known), len(labels)))
        p[:, [labels.index(label) for label in side.labels]] = answer.intents[mine]
        found.append(_side(name, labels, wanted, p.argmax(axis=1), p.max(axis=1), p))
    return Sides(known, *found, of_sentiment(rows, said, called))


def of_sentiment(rows: Sequence[dict], said: Sequence[Said], called: Sequence[str]) -> Sides | None:
    """Both sides' sentiments of the rows that have one; None where there are none to compare."""
    mine = [i for i, row in enumerate(rows) if row[SENTIMENT]]
    if not mine or any(one.sentiments is None for one in said):
        return None
    known = [rows[i] | {"wanted": rows[i][SENTIMENT]} for i in mine]
    every = [one.sentiments[0] for one in said]
    labels = list(dict.fromkeys((*SENTIMENTS, *every[0], *every[1])))
    wanted = np.array([labels.index(row[SENTIMENT]) for row in known])
    found = []
    for name, one in zip(called, said, strict=True):
        best = np.array([labels.index(one.sentiments[0][i]) for i in mine])
        found.append(_side(name, labels, wanted, best, one.sentiments[1][mine]))
    return Sides(known, *found)


def _side(
    name: str,
    labels: Sequence[str],
    wanted: np.ndarray,
    found: np.ndarray,
    sure: np.ndarray,
    p: np.ndarray | None = None,
) -> Side:
    """One side, by label indices and the probability of what is found: [rows]; `p` has those of all
    labels, [rows, labels].
    """
    measures = {
        "macro_f1": statistics.macro_f1(wanted, found, len(labels)),
        "accuracy": statistics.mean(found == wanted),
        **({} if p is None else {"auc_roc": statistics.macro_auc(p, wanted)}),
        "ece": statistics.CalibrationError(sure, found == wanted),
        "aurc": aurc(sure, found == wanted),
    }
    told = [f"{labels[f]} {c:.2f}" for f, c in zip(found, sure, strict=True)]
    counts = by_label.counts(wanted, found, len(labels))
    numbers = sure if p is None else p
    return Side(name, measures, found == wanted, told, labels, counts, found, numbers)
