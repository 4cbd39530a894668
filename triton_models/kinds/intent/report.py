"""What the report of an intent model measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation import by_label, figures, statistics
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
from triton_models.evaluation.robustness import robustness
from triton_models.kinds.intent import outputs
from triton_models.kinds.intent.examples import SENTIMENT
from triton_models.kinds.intent.outputs import Answers
from triton_models.kinds.intent.summary import scoped
from triton_models.query_text import normal_form
from triton_models.serving.served import ServedModel

THRESHOLDS = np.round(np.arange(0, 1.0, 0.01), 2)
OUT_OF_SCOPE = "other"
SLICES = "Intervals of accuracy are Wilson's; macro-F1 is of the labels in the slice."
RARE = 0.5  # of the mean count of a label, below which it is rare


def report(
    folder: Path,
    devs: Sequence[Given],
    changes: Mapping[str, Change],
    outside: str | None = None,
    targets: Sequence[float] = TARGETS,
) -> Report:
    """Everything about an intent model on labelled queries.

    `outside` is the label of what is out of scope; the model need not know it, then the rows
    that have it count for the out-of-scope figures only.
    """
    model, network = served(folder, "intent")
    rows = scoped(devs, model.labels, outside)
    said = network.run([row["query"] for row in rows], heads=True)
    answers, moods = (of(model, rows, said) for of in (outputs.intents, outputs.sentiments))
    known = [i for i, row in enumerate(rows) if row["intent"]]
    probabilities = said[known, : len(model.labels)]
    labelled = [rows[i] for i in known]
    scope = out_of_scope(labelled, probabilities, model.labels, outside or OUT_OF_SCOPE)
    return (
        head(model, devs, len(rows))
        | judged(answers, np.array(model.label_counts) if model.label_counts else None)
        | ({SENTIMENT: of_sentiment(moods)} if moods else {})
        | {"coverage": answered(answers, targets)}
        | {"robustness": withstood(answers, network, changes)}
        | ({"out_of_scope": scope} if scope else {})
        | {"errors": typical_errors(answers), "latency_ms": latency(folder)}
    )


def judged(answers: Answers, seen: np.ndarray | None = None) -> Report:
    """Figures that need no further answer of the model; `seen` as in `rare_rows`."""
    labels, rows = answers.labels, answers.rows
    found = [labels[i] for i in answers.found]
    wanted = [row["intent"] for row in rows]
    parts = groups(rows)
    if rare := rare_rows(answers.wanted, seen):
        parts["labels rare here" if seen is None else "labels rare in training"] = rare
    return {
        "figures": statistics.intervals(measures(answers), len(rows)),
        "labels": by_label.table(
            labels, by_label.counts(answers.wanted, answers.found, len(labels))
        ),
        "confusion": {
            "labels": list(labels),
            "counts": figures.confusion(wanted, found, labels).tolist(),
        },
        "calibration": calibration(answers),
        "slices": slices(parts, lambda mine: slice_figures(answers, mine)),
    }


def of_sentiment(answers: Answers) -> Report:
    """Figures of the second head, on the rows that have a sentiment."""
    counts = by_label.counts(answers.wanted, answers.found, len(answers.labels))
    return {
        "rows": len(answers.rows),
        "figures": statistics.intervals(measures(answers), len(answers.rows)),
        "labels": by_label.table(answers.labels, counts),
    }


def measures(answers: Answers) -> dict[str, statistics.Statistic]:
    """The three figures that carry intervals."""
    return {
        "macro_f1": statistics.macro_f1(answers.wanted, answers.found, len(answers.labels)),
        "accuracy": statistics.mean(answers.right),
        "auc_roc": statistics.macro_auc(answers.probabilities, answers.wanted),
    }


def slice_figures(answers: Answers, mine: np.ndarray) -> Report:
    """Accuracy with Wilson's interval, as slices are small, and macro-F1 of the labels in it."""
    right = answers.right[mine]
    f1 = statistics.macro_f1(answers.wanted[mine], answers.found[mine], len(answers.labels))
    return {
        "accuracy": statistics.wilson(right),
        "macro_f1": statistics.value(f1, len(mine)),
    }


def rare_rows(wanted: np.ndarray, seen: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Rows of labels with less than half the mean count, and the others; {} without any.

    Counted are the examples that the model learned from, [labels], if they are known; else the
    rows themselves, which says less.
    """
    counts = np.bincount(wanted) if seen is None else seen
    rare = counts[wanted] < RARE * counts[counts > 0].mean()
    return {"rare": np.flatnonzero(rare), "others": np.flatnonzero(~rare)} if rare.any() else {}


def calibration(answers: Answers) -> Report:
    """Reliability as it is, and at temperatures fitted on the other folds of the same rows."""
    groups = [normal_form(row["query"]) for row in answers.rows]
    after = statistics.cross_fitted(answers.probabilities, answers.wanted, groups)
    parts = {"before": answers.probabilities, "after": after}
    temperature = statistics.fit_temperature(answers.probabilities, answers.wanted)
    found: Report = {"temperature": temperature}
    for name, probabilities in parts.items():
        sure = probabilities.max(axis=1).astype(float)
        error = statistics.CalibrationError(sure, answers.right)
        found[name] = {
            "ece": statistics.value(error, len(sure)),
            "bins": statistics.reliability(sure, answers.right),
        }
    return found


def answered(answers: Answers, targets: Sequence[float] = TARGETS) -> Report:
    """What answering the surest queries alone costs and buys."""
    groups = [normal_form(row["query"]) for row in answers.rows]
    return coverage(answers.confidence, answers.right, groups, targets)


def withstood(answers: Answers, network: ServedModel, changes: Mapping[str, Change]) -> Report:
    """Macro-F1 under each perturbation."""

    def judge(texts: list[str]) -> statistics.Statistic:
        found = network.run(texts).argmax(axis=1)
        return statistics.macro_f1(answers.wanted, found, len(answers.labels))

    return robustness([row["query"] for row in answers.rows], judge, "macro_f1", changes)


def out_of_scope(
    rows: Sequence[dict], probabilities: np.ndarray, labels: Sequence[str], outside: str
) -> Report:
    """Recall of what is out of scope against accuracy in scope, by threshold.

    A query is held to be out of scope when the model says so, or when its highest probability is
    below the threshold. {} when the rows hold one side only.
    """
    out = np.array([row["intent"] == outside for row in rows])
    if out.all() or not out.any():
        return {}
    said = np.array([labels[i] for i in probabilities.argmax(axis=1)])
    right = said == np.array([row["intent"] for row in rows])
    refused = (said == outside) | (probabilities.max(axis=1) < THRESHOLDS[:, None])
    curve = {
        "threshold": THRESHOLDS.tolist(),
        "recall": refused[:, out].mean(axis=1).tolist(),
        "precision": ratio(refused[:, out].sum(axis=1), refused.sum(axis=1)).tolist(),
        "in_scope_accuracy": (right & ~refused)[:, ~out].mean(axis=1).tolist(),
    }
    both = np.add(curve["recall"], curve["in_scope_accuracy"])
    return {
        "label": outside,
        "rows": int(out.sum()),
        "in_scope_rows": int((~out).sum()),
        "best_threshold": float(THRESHOLDS[both.argmax()]),
        "curve": curve,
    }


def ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Elementwise, NaN where there is nothing to divide by."""
    return np.divide(over, under, out=np.full(len(over), np.nan), where=under > 0)


def typical_errors(answers: Answers, pairs: int = 12, each: int = 3) -> list[Report]:
    """The confusions by how often they come, each with its surest examples."""
    wrong: dict[tuple[str, str], list[Report]] = {}
    for i in sorted(np.flatnonzero(~answers.right), key=lambda i: -answers.confidence[i]):
        pair = (answers.rows[i]["intent"], answers.labels[answers.found[i]])
        example = {"query": answers.rows[i]["query"], "confidence": float(answers.confidence[i])}
        wrong.setdefault(pair, []).append(example)
    return confusions(wrong, pairs, each)


def errors_table(rows: Sequence[Report]) -> str:
    """The errors as a table."""
    return confusions_table(rows, "rows", "confidence")
