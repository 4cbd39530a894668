"""What the score of a matching model says."""

from __future__ import annotations

from typing import Any

import numpy as np

from triton_models.contract import ModelContract
from triton_models.kinds.values import close, least_share, rounded, within

AGREEMENT = "equal decisions {:.1%}"
least = least_share


def fault(contract: ModelContract, values: np.ndarray) -> str:
    """Why no matching model gives such an answer; "" if one may."""
    return "" if within(values) else "scores that are not from 0 to 1"


def agreement(contract: ModelContract, expected: np.ndarray, found: np.ndarray) -> float:
    """The share of pairs on the same side of the threshold."""
    same = (expected >= contract.threshold) == (found >= contract.threshold)
    return float((same[:, 0] | close(expected, found)).mean())


def prediction(predictor: Any, form: str, answer: np.ndarray) -> dict[str, Any]:
    """What `predict` says of a pair; rounded first and judged then."""
    (score,) = rounded(answer)
    return {"score": score, "match": score >= predictor.contract.threshold}
