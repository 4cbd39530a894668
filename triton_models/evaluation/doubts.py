"""How unsure a model is of its answers, from probabilities [rows, labels]."""

from __future__ import annotations

import numpy as np


def margin(said: np.ndarray) -> np.ndarray:
    """1 less the gap of the two likeliest labels: 1 where they are equal, [rows]."""
    top = np.sort(said, axis=1)
    return 1 - (top[:, -1] - top[:, -2])


def entropy(said: np.ndarray) -> np.ndarray:
    """Entropy as a share of the highest there can be, [rows]."""
    sums = -(said * np.log(np.clip(said, 1e-12, 1))).sum(axis=1)
    return sums / np.log(said.shape[1])


BY = {"margin": margin, "entropy": entropy}
