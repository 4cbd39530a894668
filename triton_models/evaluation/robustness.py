"""How far a model's figure drops under each perturbation of its queries, in pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from triton_models.evaluation import statistics
from triton_models.evaluation.perturb import Change, perturbed
from triton_models.evaluation.statistics import Statistic


def robustness(
    texts: Sequence[str],
    judge: Callable[[list[str]], Statistic],
    figure: str,
    changes: Mapping[str, Change],
) -> dict[str, dict[str, Any]]:
    """For each perturbation: the figure, its drop, and the share of the queries that it changed.

    Args:
        judge: asks the model the queries, changed ones in their places, for the figure.
    """
    clean, found = judge(list(texts)), {}
    for name, change in changes.items():
        changed = perturbed(texts, name, change)
        other = judge(changed)
        found[name] = statistics.intervals(
            {figure: other, "drop": statistics.difference(clean, other)}, len(texts)
        ) | {"changed": float(np.mean([a != b for a, b in zip(texts, changed, strict=True)]))}
    return found
