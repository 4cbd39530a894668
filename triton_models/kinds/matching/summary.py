"""The figures of a matching model that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.evaluation import figures
from triton_models.evaluation.dev import judged_pairs, of_all
from triton_models.evaluation.evaluate import Report, served


def summary(
    folder: Path, devs: Sequence[Path], data: Path | None = None, outside: str | None = None
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
