"""The two sides of a comparison, as a kind's `compare` makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from triton_models.evaluation.statistics import Statistic


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        right: how rightly each row is answered, [rows]: true or false, of an encoder NDCG@10.
        told: each row's answer, in words.
        labels, counts: what is told by label, and `by_label`'s counts; not of an encoder.
        found, numbers: its label or decision, and its probabilities or score: [rows, …]; not of
            an encoder.
    """

    name: str
    measures: dict[str, Statistic]
    right: np.ndarray
    told: list[str]
    labels: Sequence[str] = ()
    counts: np.ndarray | None = None
    found: np.ndarray | None = None
    numbers: np.ndarray | None = None


class Sides(NamedTuple):
    """Both on the same rows, each of which has what is `wanted`, in words.

    Attributes:
        sentiment: the same of the second head, where both have it and rows have a sentiment.
    """

    rows: list[dict]
    a: Side
    b: Side
    sentiment: Sides | None = None


def names(one: Path, other: Path) -> tuple[str, str]:
    """What the two are called: their last part, or all of the path where that is the same."""
    last = one.resolve().name, other.resolve().name
    return last if last[0] != last[1] else (str(one), str(other))
