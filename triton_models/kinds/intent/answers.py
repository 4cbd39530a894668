"""What the probabilities of an intent model say."""

from __future__ import annotations

from typing import Any

import numpy as np

from triton_models.contract import ModelContract
from triton_models.kinds.values import least_share, no_chances, rounded, same_labels

AGREEMENT = "equal labels {:.1%}"
least = least_share


def fault(contract: ModelContract, values: np.ndarray) -> str:
    """Why no intent model gives such an answer; "" if one may."""
    return no_chances(values)


def agreement(contract: ModelContract, expected: np.ndarray, found: np.ndarray) -> float:
    """The share of equal labels."""
    return same_labels(expected, found)


def prediction(predictor: Any, form: str, answer: np.ndarray) -> dict[str, Any]:
    """What `predict` says of a query; rounded first and judged then, as in the worker's events.

    `answer` has the probabilities of the labels, then those of each further head.
    """
    contract, values = predictor.contract, rounded(answer)
    further = {}
    for head in reversed(contract.heads):
        mine, values = values[-len(head.labels) :], values[: -len(head.labels)]
        best = max(range(len(mine)), key=mine.__getitem__)
        further[head.name] = {"label": head.labels[best], "confidence": mine[best]}
    scores = dict(zip(contract.labels, values, strict=True))
    best = max(range(len(values)), key=values.__getitem__)
    told = {"label": contract.labels[best], "confidence": values[best], "scores": scores}
    return told | further
