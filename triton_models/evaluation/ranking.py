"""Rankings of candidates by unit vectors: every query against every candidate, figures a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triton_models.evaluation import figures

DEPTHS = (1, 5, 10)
AT_ONCE = 256  # queries, so that the scores of a large pool fit in memory


@dataclass(frozen=True)
class Ranked:
    """How each query's candidates stand, [queries].

    Attributes:
        figures: NDCG@10, MRR (1 / rank of the first right one) and recall@1, 5, 10 by name.
        rank: of the first right candidate, from 1.
        first: index of the candidate that came first.
    """

    figures: dict[str, np.ndarray]
    rank: np.ndarray
    first: np.ndarray


def pool(rows: Sequence[dict]) -> tuple[list[str], list[dict[int, float]]]:
    """All different texts that were judged for the rows, and each row's grades by their indices."""
    judged = ([*row["relevant"], *row.get("others", ())] for row in rows)
    texts = list(dict.fromkeys(text for texts in judged for text in texts))
    place = {text: i for i, text in enumerate(texts)}
    grades = [
        {
            place[text]: grade
            for text, grade in zip(
                row["relevant"], row["grades"] or [1] * len(row["relevant"]), strict=True
            )
        }
        for row in rows
    ]
    return texts, grades


def ranked(
    queries: np.ndarray, candidates: np.ndarray, grades: Sequence[dict[int, float]]
) -> Ranked:
    """Rank all candidates for each query.

    Args:
        queries, candidates: unit vectors, [queries, dimension] and [candidates, dimension].
        grades: of each query, by candidate; what is not there counts 0.
    """
    parts = [
        rank_part(queries[start : start + AT_ONCE] @ candidates.T, grades[start : start + AT_ONCE])
        for start in range(0, len(queries), AT_ONCE)
    ]
    return Ranked(
        {name: np.concatenate([p.figures[name] for p in parts]) for name in parts[0].figures},
        np.concatenate([p.rank for p in parts]),
        np.concatenate([p.first for p in parts]),
    )


def rank_part(scores: np.ndarray, grades: Sequence[dict[int, float]]) -> Ranked:
    """Figures of scores [queries, candidates]."""
    graded = np.zeros(scores.shape)
    for row, of_row in enumerate(grades):
        graded[row, list(of_row)] = list(of_row.values())
    depth = min(max(DEPTHS), scores.shape[1])
    top = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    seen = np.take_along_axis(graded, top, axis=1)
    ideal = -np.sort(-graded, axis=1)[:, :depth]
    best = np.where(graded > 0, scores, -np.inf).max(axis=1)
    rank = 1 + (scores > best[:, None]).sum(axis=1)
    every = (graded > 0).sum(axis=1)
    found = {"ndcg@10": figures.gain(seen) / figures.gain(ideal), "mrr": 1 / rank}
    found |= {f"recall@{k}": (seen[:, :k] > 0).sum(axis=1) / every for k in DEPTHS}
    return Ranked(found, rank, top[:, 0])


def means(found: Ranked) -> dict[str, float]:
    """The mean of each figure over the queries."""
    return {name: float(values.mean()) for name, values in found.figures.items()}
