"""The figures of an encoder that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data import sources
from triton_models.data.named import Given
from triton_models.evaluation import figures, ranking
from triton_models.evaluation.dev import judged_queries, of_all
from triton_models.evaluation.evaluate import Asked, Report, served


def summary(
    folder: Path, devs: Sequence[Given], data: Path | None = None, outside: str | None = None
) -> Report:
    """Figures of an encoder on your judged queries, on a public catalogue of products, or both."""
    network = served(folder, "encoder")[1]
    products = {} if data is None else {"icecat": product_search(network, data)}
    if not devs:
        return products
    rows = of_all(judged_queries, devs)
    candidates, grades = ranking.pool(rows)
    queries = network.run([row["query"] for row in rows])
    found = ranking.ranked(queries, network.run(candidates, documents=True), grades)
    return {"queries": len(rows)} | ranking.means(found) | products


def measured(folder: Path, dev: Path, run: Report) -> Report:
    """The figures of the card, on the dev side of the run, among its own documents."""
    found = summary(folder, [dev])
    return {"dev": {name: found[name] for name in ("ndcg@10", "mrr", "recall@1", "recall@5")}}


def product_search(network: Asked, data: Path) -> Report:
    """Ranking of the whole electronics catalogue for the queries that have a right answer in it."""
    products = sources.catalogue(data)
    place = {p["id"]: i for i, p in enumerate(products)}
    judged: dict[str, dict[int, int]] = {}
    for row in sources.read_csv(data, "chorus_icecat/ratings.csv"):
        if row["docid"] in place:
            judged.setdefault(row["query"], {})[place[row["docid"]]] = int(row["rating"])
    judged = {query: grades for query, grades in judged.items() if any(grades.values())}
    titles = network.run([p["title"] for p in products], documents=True)
    queries, rows = network.run(list(judged)), []
    for query, grades in zip(queries, judged.values(), strict=True):
        order = np.argsort(-(titles @ query)).tolist()
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
