"""Tagged queries read by models that have not learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data.sheet import Line
from triton_models.kinds.tagging import marked
from triton_models.kinds.tagging.data import Tagged
from triton_models.kinds.tagging.loss import said as says
from triton_models.kinds.tagging.training import Material, Recipe
from triton_models.kinds.tagging.words import labels_of
from triton_models.training.scratch import trained


def judgeable(material: Material) -> list[Tagged]:
    """The queries of both sides."""
    return material.learned + material.dev


def rows(material: Material) -> list[Line]:
    return [
        Line(one.text, given=marked.mark(one.text, one.spans), source=one.about.get("source", ""))
        for one in material.learned
    ]


def strata(material: Material) -> list[str]:
    """What is to fall evenly into the folds: the first tag."""
    return [one.spans[0].tag if one.spans else "" for one in material.learned]


def answers(
    material: Material, asked: Sequence[Tagged], start: Path, recipe: Recipe, known: dict
) -> list[np.ndarray]:
    """Log-probabilities of the words' labels, [words, labels] of each query."""
    with trained("tagging", material, start, recipe) as (network, tokenizer):
        return [one.double().numpy() for one in says(network, tokenizer, asked)]


def joined(said: list[np.ndarray]) -> list[np.ndarray]:
    return said


def labels(material: Material) -> tuple[str, ...]:
    return labels_of(material.tags)
