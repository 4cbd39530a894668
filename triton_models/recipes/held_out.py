"""Figures of an exported model on the dev side of the public sets, for its card."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from triton_models.data import sources
from triton_models.data.split import is_dev
from triton_models.evaluation import statistics
from triton_models.recipes import titles
from triton_models.recipes.pairs import rated
from triton_models.serving.served import ServedModel


def furniture(folder: Path, data: Path) -> dict[str, float]:
    """How often a furniture query finds its product class, by name, among all classes."""
    rows = [row for row in sources.read_csv(data, "wands/query.csv", "\t") if row["query_class"]]
    classes = sorted({row["query_class"] for row in rows})
    asked = [row for row in rows if is_dev(row["query"])]
    network = ServedModel(folder)
    places = network.run([name.lower() for name in classes])
    scores = network.run([row["query"].lower() for row in asked]) @ places.T
    right = np.array([classes.index(row["query_class"]) for row in asked])
    ranks = (scores > scores[np.arange(len(asked)), right][:, None]).sum(axis=1)
    return {
        "queries": len(asked),
        "classes": len(classes),
        "right at 1": float((ranks < 1).mean()),
        "right in 5": float((ranks < 5).mean()),
    }


def exact(folder: Path, data: Path) -> dict[str, dict[str, float]]:
    """AUC of exact titles against the others, by where the pairs are from."""
    rng = random.Random(1)
    groups = {
        "electronics, judged by people (Chorus)": rated(data),
        "our judged titles": titles.judged(rng),
        "titles composed from our queries": titles.composed(rng),
    }
    network, found = ServedModel(folder), {}
    for name, pairs in groups.items():
        kept = [pair for pair in pairs if is_dev(pair.key)]
        scores = network.run([p.query for p in kept], [p.term for p in kept])[:, 0]
        matches = np.array([p.match > 0 for p in kept])
        auc = statistics.value(statistics.auc(scores, matches), len(kept))
        found[name] = {"pairs": len(kept), "auc": auc}
    return found
