"""What the report of a matching model measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation import statistics
from triton_models.evaluation.cells import number, table
from triton_models.evaluation.coverage import TARGETS, coverage
from triton_models.evaluation.dev import judged_pairs, of_all
from triton_models.evaluation.evaluate import served
from triton_models.evaluation.perturb import Change
from triton_models.evaluation.report_parts import Report, groups, head, latency, slices
from triton_models.evaluation.robustness import robustness
from triton_models.query_text import normal_form

MOST_ERRORS = 30
SLICES = "An interval of no width means few rows, not certainty."
THRESHOLDS = np.round(np.arange(0.05, 1.0, 0.05), 2)


def report(
    folder: Path,
    devs: Sequence[Given],
    changes: Mapping[str, Change],
    outside: str | None = None,
    targets: Sequence[float] = TARGETS,
) -> Report:
    """Everything about a matching model on judged pairs."""
    model, network = served(folder, "matching")
    rows = of_all(judged_pairs, devs)
    queries, terms = ([r[name] for r in rows] for name in ("query", "term"))

    def answer(texts: list[str]) -> np.ndarray:
        return network.run(texts, terms)[:, 0].astype(float)

    scores = answer(queries)
    matches = np.array([r["match"] > 0 for r in rows])

    def judged(mine: np.ndarray) -> Report:
        measures = pair_measures(scores[mine], matches[mine], model.threshold)
        return statistics.intervals(measures, len(mine))

    return head(model, devs, len(rows)) | {
        "threshold": model.threshold,
        "matches": int(matches.sum()),
        "figures": judged(np.arange(len(rows))),
        "thresholds": threshold_table(scores, matches, model.threshold),
        "curve": precision_recall(scores, matches),
        "scores": histogram(scores, matches),
        "coverage": coverage(
            sure(scores, model.threshold),
            (scores >= model.threshold) == matches,
            [normal_form(query) for query in queries],
            targets,
        ),
        "slices": slices(groups(rows), judged),
        "robustness": robustness(
            queries, lambda texts: statistics.auc(answer(texts), matches), "auc_roc", changes
        ),
        "errors": pair_errors(rows, scores, matches, model.threshold),
        "latency_ms": latency(folder),
    }


def sure(scores: np.ndarray, threshold: float) -> np.ndarray:
    """How sure each decision is: 0.5 at the threshold, 1 at a score of 0 or 1."""
    below = 1 - scores / (2 * max(threshold, 1e-9))
    above = 1 - (1 - scores) / (2 * max(1 - threshold, 1e-9))
    return np.where(scores < threshold, below, above)


def pair_measures(
    scores: np.ndarray, matches: np.ndarray, threshold: float
) -> dict[str, statistics.Statistic]:
    """AUC and average precision, whatever the threshold, and F1 and accuracy at it."""
    found = scores >= threshold
    return {
        "auc_roc": statistics.auc(scores, matches),
        "average_precision": statistics.average_precision(scores, matches),
        "f1": statistics.f1(found, matches),
        "accuracy": statistics.mean(found == matches),
    }


def threshold_table(scores: np.ndarray, matches: np.ndarray, chosen: float) -> list[Report]:
    """Precision, recall and F1 of other thresholds, to choose by."""
    steps = np.unique(np.append(THRESHOLDS, round(chosen, 4)))
    found = scores >= steps[:, None]
    hits, given = found[:, matches].sum(axis=1), found.sum(axis=1)
    return [
        {
            "threshold": float(step),
            "precision": float(h / g) if g else float("nan"),
            "recall": float(h / matches.sum()) if matches.any() else float("nan"),
            "f1": float(2 * h / (g + matches.sum())) if g + matches.sum() else float("nan"),
        }
        for step, h, g in zip(steps, hits, given, strict=True)
    ]


def precision_recall(scores: np.ndarray, matches: np.ndarray, most: int = 400) -> Report:
    """The precision-recall curve from its strictest threshold on, thinned for drawing."""
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(matches[order])
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(order) - 1)  # ties are taken together
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, most).astype(int))]
    return {
        "threshold": ordered[ends].tolist(),
        "precision": (hits[ends] / (ends + 1)).tolist(),
        "recall": (hits[ends] / max(1, hits[-1])).tolist(),
    }


def histogram(scores: np.ndarray, matches: np.ndarray) -> Report:
    """How many pairs score in each twentieth, matches and others."""
    edges = np.linspace(0, 1, 21)
    parts = {"matches": scores[matches], "others": scores[~matches]}
    return {"from": edges[:-1].tolist()} | {
        name: np.histogram(np.clip(part, 0, 1), edges)[0].tolist() for name, part in parts.items()
    }


def pair_errors(
    rows: Sequence[dict], scores: np.ndarray, matches: np.ndarray, threshold: float
) -> list[Report]:
    """Wrong pairs, those farthest on the wrong side of the threshold first."""
    wrong = np.flatnonzero((scores >= threshold) != matches)
    wrong = wrong[np.argsort(-np.abs(scores[wrong] - threshold))][:MOST_ERRORS]
    return [
        {"query": rows[i]["query"], "term": rows[i]["term"], "match": bool(matches[i])}
        | {"score": float(scores[i])}
        for i in wrong
    ]


def errors_table(rows: Sequence[Report]) -> str:
    """The errors as a table."""
    lines = [
        (r["query"], r["term"], "yes" if r["match"] else "no", number(r["score"])) for r in rows
    ]
    return table(("query", "term", "match", "score"), lines)
