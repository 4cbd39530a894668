"""What the vectors of an encoder say."""

from __future__ import annotations

from typing import Any

import numpy as np

from triton_models.contract import ModelContract

AGREEMENT = "mean cosine {:.4f}"
LENGTH_TOLERANCE = 1e-2


def least(rows: int) -> float:
    """The mean cosine from which a model of lower precision says the same."""
    return 0.99


def fault(contract: ModelContract, values: np.ndarray) -> str:
    """Why no encoder gives such an answer; "" if one may."""
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values))
    unit = np.abs(lengths - 1).max() <= LENGTH_TOLERANCE
    return "" if unit else "vectors that are not of unit length"


def agreement(contract: ModelContract, expected: np.ndarray, found: np.ndarray) -> float:
    """The mean cosine of the vectors."""
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    return float(((expected * found).sum(axis=1) / lengths).mean())


def prediction(predictor: Any, form: str, answer: np.ndarray) -> dict[str, Any]:
    """What `predict` says of a query."""
    return {"vector": answer}
