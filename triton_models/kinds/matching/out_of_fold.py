"""Judged pairs scored by models that have not learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data.graded import GradedPair
from triton_models.data.sheet import Line
from triton_models.kinds.matching.training import Recipe, scores
from triton_models.training.judged import Pairs
from triton_models.training.scratch import trained


def judgeable(material: Pairs) -> list[GradedPair]:
    """The pairs of both sides."""
    return material.learned + material.dev


def rows(material: Pairs) -> list[Line]:
    return [Line(p.query, p.term, f"{p.grade:g}", source=p.source) for p in material.learned]


def strata(material: Pairs) -> list[int]:
    """What is to fall evenly into the folds."""
    return [pair.match for pair in material.learned]


def answers(
    material: Pairs, asked: Sequence[GradedPair], start: Path, recipe: Recipe, known: dict
) -> np.ndarray:
    """Scores, [asked]."""
    with trained("matching", material, start, recipe) as (network, tokenizer):
        return scores(network, tokenizer, asked)


def joined(said: Sequence[float]) -> np.ndarray:
    return np.array(said)


def labels(material: Pairs) -> tuple[str, ...]:
    return ()
