"""Labelled queries judged by classifiers that have not learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.data.sheet import Line
from triton_models.kinds.intent import training
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.training import Material, Recipe


def judgeable(material: Material) -> list[Example]:
    """The queries of both sides whose intent is known."""
    return [e for e in material.learned + material.dev if e.labels]


def rows(material: Material) -> list[Line]:
    return [Line(e.text, given=e.labels[0], source=e.source) for e in material.learned]


def strata(material: Material) -> list[str]:
    """What is to fall evenly into the folds."""
    return [e.labels[0] for e in material.learned]


def answers(
    material: Material, asked: Sequence[Example], start: Path, recipe: Recipe, known: dict
) -> np.ndarray:
    """Probabilities of the labels, [asked, labels]; `known` as in `training.fit`."""
    frozen = recipe.adaptation.how == "frozen" and recipe.pooling == "mean"
    cache = known if frozen and not recipe.schedule.adversarial else None
    trained = training.fit(material, start, recipe, known=cache)
    return trained.logits(asked).softmax(dim=1).double().numpy()


def joined(said: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(said)


def labels(material: Material) -> tuple[str, ...]:
    return material.labels
