"""The figures of a matching model that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation import figures, folds, statistics
from triton_models.evaluation.dev import judged_pairs, of_all
from triton_models.evaluation.evaluate import Report, served
from triton_models.query_text import normal_form


def cross_fitted(scores: np.ndarray, matches: np.ndarray, queries: Sequence[str]) -> np.ndarray:
    """Which pairs are found, each fold of the queries at the threshold of the others: [pairs]."""
    found = np.zeros(len(scores), dtype=bool)
    for mine, rest in folds.parts(list(map(normal_form, queries))):
        found[mine] = scores[mine] >= figures.best_threshold(
            scores[rest], matches[rest], figures.BETA
        )
    return found


def summary(
    folder: Path, devs: Sequence[Given], data: Path | None = None, outside: str | None = None
) -> Report:
    """Figures of a matching model on judged pairs, at the threshold of its contract."""
    model, network = served(folder, "matching")
    rows, threshold = of_all(judged_pairs, devs), model.threshold
    scores = network.run([r["query"] for r in rows], [r["term"] for r in rows])[:, 0]
    matches = np.array([r["match"] for r in rows])
    found = scores >= threshold
    return {
        "pairs": len(rows),
        "threshold": threshold,
        "accuracy": float((found == (matches > 0)).mean()),
        "f1": figures.f_measure(found, matches),
        "average_precision": figures.average_precision(scores, matches),
        "errors": [
            f"{r['query']} / {r['term']} ({r['match']}): {score:.2f}"
            for r, score, yes in zip(rows, scores, found, strict=True)
            if yes != (r["match"] > 0)
        ],
    }


def measured(folder: Path, dev: Path, run: Report) -> Report:
    """The figures of the card, on the dev side of the run: F is of each fold of the queries at the
    threshold of the others, since the model's own was fitted on all of them.
    """
    _, network = served(folder, "matching")
    rows = judged_pairs(dev)
    queries = [row["query"] for row in rows]
    scores = network.run(queries, [row["term"] for row in rows])[:, 0]
    matches = np.array([row["match"] for row in rows])
    found = cross_fitted(scores, matches, queries)
    judged = {
        "auc_roc": statistics.value(statistics.auc(scores, matches), len(rows)),
        "average_precision": figures.average_precision(scores, matches),
        "f0.5": figures.f_measure(found, matches, figures.BETA),
        "f1": figures.f_measure(found, matches),
    }
    return {"dev": judged}
