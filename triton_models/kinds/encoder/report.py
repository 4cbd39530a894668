"""What the report of an encoder measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from triton_models.data.named import Given
from triton_models.evaluation import ranking, statistics
from triton_models.evaluation.cells import table
from triton_models.evaluation.coverage import TARGETS, coverage
from triton_models.evaluation.dev import judged_queries, of_all
from triton_models.evaluation.evaluate import served
from triton_models.evaluation.perturb import Change
from triton_models.evaluation.report_parts import Report, groups, head, latency, slices
from triton_models.evaluation.robustness import robustness
from triton_models.query_text import normal_form

MOST_ERRORS = 30
SLICES = "An interval of no width means few rows, not certainty."
NDCG = "ndcg@10"
RANKS = {"1": 1, "2": 2, "3": 3, "4 or 5": 5, "6 to 10": 10, "11 to 100": 100, "later": 10**12}


def report(
    folder: Path,
    devs: Sequence[Given],
    changes: Mapping[str, Change],
    outside: str | None = None,
    targets: Sequence[float] = TARGETS,
) -> Report:
    """Everything about an encoder on judged queries."""
    model, network = served(folder, "encoder")
    rows = of_all(judged_queries, devs)
    candidates, grades = ranking.pool(rows)
    queries, places = [row["query"] for row in rows], network.run(candidates, documents=True)

    def answer(texts: list[str]) -> ranking.Ranked:
        return ranking.ranked(network.run(texts), places, grades)

    found = answer(queries)

    def judged(mine: np.ndarray) -> Report:
        measures = {name: statistics.mean(v[mine]) for name, v in found.figures.items()}
        return statistics.intervals(measures, len(mine))

    return head(model, devs, len(rows)) | {
        "candidates": len(candidates),
        "figures": judged(np.arange(len(rows))),
        "ranks": rank_counts(found.rank),
        "coverage": coverage(
            found.score, found.rank == 1, [normal_form(query) for query in queries], targets
        ),
        "slices": slices(groups(rows), judged),
        "robustness": robustness(
            queries, lambda texts: statistics.mean(answer(texts).figures[NDCG]), NDCG, changes
        ),
        "errors": ranking_errors(rows, candidates, found),
        "latency_ms": latency(folder),
    }


def rank_counts(rank: np.ndarray) -> dict[str, int]:
    """How many queries find their first right answer where."""
    which = np.searchsorted(list(RANKS.values()), rank)
    return dict(zip(RANKS, np.bincount(which, minlength=len(RANKS)).tolist(), strict=True))


def ranking_errors(
    rows: Sequence[dict], candidates: Sequence[str], found: ranking.Ranked
) -> list[Report]:
    """Queries whose first right answer stands lowest."""
    worst = np.argsort(-found.rank, kind="stable")[:MOST_ERRORS]
    return [
        {
            "query": rows[i]["query"],
            "wanted": rows[i]["relevant"][0],
            "rank": int(found.rank[i]),
            "first": candidates[found.first[i]],
        }
        for i in worst
        if found.rank[i] > 1
    ]


def errors_table(rows: Sequence[Report]) -> str:
    """The errors as a table."""
    lines = [(r["query"], r["wanted"], r["rank"], r["first"]) for r in rows]
    return table(("query", "wanted", "its rank", "came first"), lines)
