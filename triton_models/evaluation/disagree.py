"""`disagree`: the queries of a file on which models differ most: the ones worth labelling next.

Disagreement is the Jensen-Shannon divergence of the models' probabilities (query by committee,
McCallum and Nigam 1998): 0 where all say the same, at most the logarithm of their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models import contract
from triton_models.kinds.values import DIGITS
from triton_models.serving.predict import questions
from triton_models.serving.predictor import load
from triton_models.settings import UsageError


def ranked(models: Sequence[Path], file: Path, most: int) -> list[dict]:
    """At most `most` queries, the hardest first: query, disagreement, each model's label.

    The models give a query probabilities of labels.

    The file is read as `predict` reads it, queries of one normal form once.

    Raises:
        ModelFolderError, UsageError: a model cannot be used, their labels differ, or the file
            cannot be read.
    """
    first = contract.load(models[0])
    if not first.labels or first.spec.by_token:
        raise UsageError(
            f"{models[0]}: a model of kind {first.kind}, which gives a query no probabilities of"
            " labels; name models that do, such as intent"
        )
    predictors = [load(folder, first.kind) for folder in models]
    labels = sorted(predictors[0].contract.labels)
    if any(sorted(p.contract.labels) != labels for p in predictors):
        raise UsageError("the models have different labels: name models of one set of labels")
    asked: dict[str, str] = {}  # the first query of each form
    for item in questions(file, pair=False):
        asked.setdefault(item.form, item.query.strip())
    forms, queries = list(asked), list(asked.values())
    chances = np.stack([p.run(forms)[:, np.argsort(p.contract.labels)] for p in predictors])
    scores = divergence(chances)
    return [
        {
            "query": queries[i],
            "disagreement": round(float(scores[i]), DIGITS),
            "labels": [labels[j] for j in chances[:, i].argmax(axis=1)],
        }
        for i in np.argsort(-scores, kind="stable")[:most]
    ]


def divergence(chances: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence, nats: [models, queries, labels] to [queries]."""
    return entropy(chances.mean(axis=0)) - entropy(chances).mean(axis=0)


def entropy(chances: np.ndarray) -> np.ndarray:
    """Of the last axis, in nats."""
    return -(chances * np.log(np.clip(chances, 1e-12, 1.0))).sum(axis=-1)
