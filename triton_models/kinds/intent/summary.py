"""The figures of an intent model that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.contract import ModelContract
from triton_models.data.named import Given
from triton_models.evaluation import figures, statistics
from triton_models.evaluation.dev import labelled_queries, of_all
from triton_models.evaluation.evaluate import Report, served
from triton_models.evaluation.perturb import PERTURBATIONS, perturbed
from triton_models.query_text import normal_form
from triton_models.serving.served import ServedModel
from triton_models.settings import UsageError

TYPOS = ("one typo", "two typos")  # perturbations that the short report tells of


def summary(
    folder: Path, devs: Sequence[Given], data: Path | None = None, outside: str | None = None
) -> Report:
    """Figures of an intent model on labelled queries, by label and style.

    Rows of the label `outside`, which the model need not know, are left out if it does not.
    """
    model, network = served(folder, "intent")
    rows = scoped(devs, model.labels, outside)
    rows = [row for row in rows if row["intent"] in model.labels]
    answers = network.run([r["query"] for r in rows], heads=True)
    report = figures_of(rows, answers[:, : len(model.labels)], model.labels)
    if found := sentiment_figures(model, rows, answers):
        report["sentiment"] = found
    errors = report.pop("errors")
    return report | {"typos": typo_drops(rows, network, model.labels)} | {"errors": errors}


def measured(folder: Path, dev: Path) -> dict[str, float]:
    """The figures of the card, on the dev side of the run: the calibration error is of each fold
    at the temperature that the others ask for, since the model's own was fitted on all of them.
    """
    model, network = served(folder, "intent")
    rows = labelled_queries(dev, model.labels)
    answers = network.run([row["query"] for row in rows])
    wanted = np.array([model.labels.index(row["intent"]) for row in rows])
    groups = [normal_form(row["query"]) for row in rows]
    report = figures_of(rows, statistics.cross_fitted(answers, wanted, groups), model.labels)
    return {name: report[name] for name in ("accuracy", "macro_f1", "calibration_error")}


def sentiment_figures(
    model: ModelContract, rows: Sequence[dict], answers: np.ndarray
) -> dict[str, float]:
    """Figures of the second head on the rows that have a sentiment; {} without either."""
    heads = [head for head in model.heads if head.name == "sentiment"]
    mine = [i for i, row in enumerate(rows) if row["sentiment"]]
    if not heads or not mine:
        return {}
    labels = heads[0].labels  # the only further head
    best = answers[mine, len(model.labels) :].argmax(axis=1)
    found, wanted = [labels[i] for i in best], [rows[i]["sentiment"] for i in mine]
    return {
        "queries": len(mine),
        "accuracy": float(np.mean([a == b for a, b in zip(found, wanted, strict=True)])),
        "macro_f1": figures.macro_f1(wanted, found, labels),
    }


def typo_drops(
    rows: Sequence[dict], network: ServedModel, labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Macro-F1 when every query is misspelled, and how much lower that is, by number of slips."""
    texts, wanted = [r["query"] for r in rows], [r["intent"] for r in rows]

    def judged(queries: list[str]) -> float:
        found = [labels[i] for i in network.run(queries).argmax(axis=1)]
        return figures.macro_f1(wanted, found, labels)

    clean, found = judged(texts), {}
    for name in TYPOS:
        f1 = judged(perturbed(texts, name, PERTURBATIONS[name]))
        found[name] = {"macro_f1": f1, "drop": clean - f1}
    return found


def scoped(devs: Sequence[Given], labels: Sequence[str], outside: str | None) -> list[dict]:
    """Labelled queries of a model's labels and the label `outside`, if there is one.

    Raises:
        UsageError: a row is wrong, or none has a label of the model, or none is outside.
    """
    known = tuple(labels) if outside is None else tuple(dict.fromkeys((*labels, outside)))
    rows = of_all(lambda path: labelled_queries(path, known), devs)
    given = {row["intent"] for row in rows}
    if outside and outside not in given:
        raise UsageError(f"--out-of-scope {outside}: no dev query has this label; give another")
    if not given & set(labels):
        raise UsageError("no dev query has a label that the model knows; give other --dev files")
    return rows


def figures_of(rows: Sequence[dict], probabilities: np.ndarray, labels: Sequence[str]) -> Report:
    """Figures of probabilities [queries, labels]."""
    wanted = [r["intent"] for r in rows]
    found = [labels[i] for i in probabilities.argmax(axis=1)]
    right = np.array([w == f for w, f in zip(wanted, found, strict=True)])
    styles = {}
    for style in dict.fromkeys(r["style"] for r in rows if r["style"]):
        mine = [i for i, r in enumerate(rows) if r["style"] == style]
        styles[style] = {
            "macro_f1": figures.macro_f1(
                [wanted[i] for i in mine], [found[i] for i in mine], labels
            ),
            "accuracy": float(right[mine].mean()),
        }
    return {
        "queries": len(rows),
        "macro_f1": figures.macro_f1(wanted, found, labels),
        "accuracy": float(right.mean()),
        "calibration_error": figures.calibration_error(
            probabilities, np.array([labels.index(w) for w in wanted])
        ),
        "labels": figures.label_table(wanted, found, labels),
        "styles": styles,
        "errors": [
            f"{r['query']} ({r['intent']}): {f} {p:.2f}"
            for r, f, p in zip(rows, found, probabilities.max(axis=1), strict=True)
            if f != r["intent"]
        ],
    }
