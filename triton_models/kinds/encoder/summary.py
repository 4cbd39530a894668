"""The figures of an encoder that a terminal shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from triton_models.data import sources
from triton_models.data.lexicon_terms import read_terms
from triton_models.evaluation import figures, ranking
from triton_models.evaluation.dev import judged_queries, of_all
from triton_models.evaluation.evaluate import Report, served

Vectors = Callable[[list[str]], np.ndarray]  # texts to unit vectors, in their order


def summary(
    folder: Path, devs: Sequence[Path], data: Path | None = None, outside: str | None = None
) -> Report:
    """Figures of an encoder: on your judged queries, or else synonyms of our lexicon, and products
    of a catalogue if given."""
    network = served(folder, "encoder")[1]
    products = {} if data is None else {"icecat": product_search(network.run, data)}
    if devs:
        rows = of_all(judged_queries, devs)
        candidates, grades = ranking.pool(rows)
        queries = network.run([row["query"] for row in rows])
        found = ranking.ranked(queries, network.run(candidates), grades)
        return {"queries": len(rows)} | ranking.means(found) | products
    return {"lexicon": synonym_search(network.run)} | products


def synonym_search(run: Vectors) -> Report:
    """For every synonym in the lexicon: at which rank among all terms stands its own?"""
    terms = read_terms()
    asked = [(s, i) for i, term in enumerate(terms) for s in term.synonyms]
    names = run([t.name for t in terms])
    queries = run([s for s, _ in asked])
    scores = queries @ names.T
    right = scores[np.arange(len(asked)), [i for _, i in asked]]
    ranks = 1 + (scores > right[:, None]).sum(axis=1)
    return {
        "synonyms": len(asked),
        "terms": len(terms),
        "recall@1": float((ranks <= 1).mean()),
        "recall@10": float((ranks <= 10).mean()),
        "mrr": float((1 / ranks).mean()),
    }


def product_search(run: Vectors, data: Path) -> Report:
    """Ranking of the whole electronics catalogue for the queries that have a right answer in it."""
    products = sources.catalogue(data)
    place = {p["id"]: i for i, p in enumerate(products)}
    judged: dict[str, dict[int, int]] = {}
    for row in sources.read_csv(data, "chorus_icecat/ratings.csv"):
        if row["docid"] in place:
            judged.setdefault(row["query"], {})[place[row["docid"]]] = int(row["rating"])
    judged = {query: grades for query, grades in judged.items() if any(grades.values())}
    scores = run(list(judged)) @ run([p["title"] for p in products]).T
    rows = []
    for order, grades in zip(np.argsort(-scores, axis=1), judged.values(), strict=True):
        every, ideal = [grades.get(i, 0) for i in order], list(grades.values())
        seen = [grades[i] for i in order if i in grades]
        good = {i for i, grade in grades.items() if grade >= 2}
        recall = len(good & set(order[:100])) / len(good) if good else np.nan
        rows.append((figures.ndcg(every, ideal), figures.ndcg(seen, ideal), recall))
    ndcg, judged_ndcg, recall = np.nanmean(rows, axis=0)
    return {
        "queries": len(judged),
        "ndcg@10": float(ndcg),
        "ndcg@10 judged only": float(judged_ndcg),
        "recall@100": float(recall),
    }


def synonyms() -> list[dict]:
    """Every synonym of the starter lexicon as a query; its own term is the right answer."""
    return [
        {"query": synonym, "relevant": [term.name], "grades": []}
        for term in read_terms()
        for synonym in term.synonyms
    ]
