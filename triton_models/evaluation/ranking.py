"""Rankings of candidates by unit vectors: every query against every candidate, figures a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triton_models.evaluation import figures

DEPTHS = (1, 5, 10)
CELLS = 16_000_000  # scores that are held at once


@dataclass(frozen=True)
class Ranked:
    """How each query's candidates stand, [queries].

    Attributes:
        figures: NDCG@10, MRR (1 / rank of the first right one) and recall@1, 5, 10 by name.
        rank: of the first right candidate, from 1.
        first: index of the candidate that came first, and `score` its score.
    """

    figures: dict[str, np.ndarray]
    rank: np.ndarray
    first: np.ndarray
    score: np.ndarray


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
    queries: np.ndarray,
    candidates: np.ndarray,
    grades: Sequence[dict[int, float]],
    without: Sequence[Sequence[int]] = (),
) -> Ranked:
    """Rank all candidates for each query, with the scores of so many queries in memory that they
    fit `CELLS`.

    Args:
        queries, candidates: unit vectors, [queries, dimension] and [candidates, dimension].
        grades: of each query, by candidate; what is not there counts 0.
        without: candidates that are none for a query; () leaves none out.
    """
    parts, at_once = [], max(1, CELLS // max(1, len(candidates)))
    for start in range(0, len(queries), at_once):
        scores = queries[start : start + at_once] @ candidates.T
        for row, places in enumerate(without[start : start + at_once]):
            scores[row, places] = -np.inf
        parts.append(rank_part(scores, grades[start : start + at_once]))
    return Ranked(
        {name: np.concatenate([p.figures[name] for p in parts]) for name in parts[0].figures},
        np.concatenate([p.rank for p in parts]),
        np.concatenate([p.first for p in parts]),
        np.concatenate([p.score for p in parts]),
    )


def rank_part(scores: np.ndarray, grades: Sequence[dict[int, float]]) -> Ranked:
    """Figures of scores [queries, candidates]."""
    depth = min(max(DEPTHS), scores.shape[1])
    top = highest(scores, depth)
    seen, ideal = np.zeros(top.shape), np.zeros(top.shape)
    best, every = np.full(len(scores), -np.inf), np.zeros(len(scores))
    for row, of_row in enumerate(grades):
        seen[row] = [of_row.get(place, 0.0) for place in top[row].tolist()]
        good = sorted((grade for grade in of_row.values() if grade > 0), reverse=True)
        ideal[row, : len(good)], every[row] = good[:depth], len(good)
        places = [place for place, grade in of_row.items() if grade > 0]
        best[row] = scores[row, places].max(initial=-np.inf)
    rank = 1 + (scores > best[:, None]).sum(axis=1)
    found = {"ndcg@10": figures.gain(seen) / figures.gain(ideal), "mrr": 1 / rank}
    found |= {f"recall@{k}": (seen[:, :k] > 0).sum(axis=1) / every for k in DEPTHS}
    return Ranked(found, rank, top[:, 0], scores.max(axis=1))


def highest(scores: np.ndarray, depth: int) -> np.ndarray:
    """The places of the highest scores of each row, in their order, of equal ones the first:
    [queries, depth]."""
    if depth == scores.shape[1]:
        return np.argsort(-scores, axis=1, kind="stable")
    least = np.partition(scores, -depth, axis=1)[:, -depth]
    top = np.empty((len(scores), depth), dtype=int)
    for row, (mine, low) in enumerate(zip(scores, least, strict=True)):
        places = np.flatnonzero(mine >= low)  # ties with the last may be more
        top[row] = places[np.argsort(-mine[places], kind="stable")][:depth]
    return top


def means(found: Ranked) -> dict[str, float]:
    """The mean of each figure over the queries."""
    return {name: float(values.mean()) for name, values in found.figures.items()}
