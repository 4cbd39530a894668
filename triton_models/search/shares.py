"""Nested shares of examples: a smaller one is part of a larger, and all have the labels alike."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence

from triton_models.data.split import FEWEST

Units = Sequence[tuple[str, tuple[str, ...]]]  # see `course.Material.units`


def nested(units: Units, share: float, seed: int) -> list[int]:
    """The indices of a share of the examples, rising.

    What is of one unit (the pairs of a query) is drawn together, and `FEWEST` units of each label
    come first, without which it could not be learned: a share may be larger than it says.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for i, (unit, _) in enumerate(units):
        rows[unit].append(i)
    order, needed = ordered(units, seed)
    chosen: list[int] = []
    for place, unit in enumerate(order):
        if place >= needed and len(chosen) >= share * len(units):
            break
        chosen += rows[unit]
    return sorted(chosen)


def ordered(units: Units, seed: int) -> tuple[list[str], int]:
    """The units in the order in which shares take them, and how many every share needs.

    A unit of several labels counts for its rarest.
    """
    labels: dict[str, set[str]] = defaultdict(set)
    for unit, names in units:
        labels[unit].update(names)
    counts = Counter(name for names in labels.values() for name in names)
    shuffled = sorted(labels)
    random.Random(seed).shuffle(shuffled)
    had, first, rest = Counter(), [], []
    for unit in shuffled:
        short = any(had[name] < FEWEST for name in labels[unit])
        (first if short else rest).append(unit)
        had.update(labels[unit] if short else ())
    strata: dict[str, list[str]] = defaultdict(list)
    for unit in first + rest:
        strata[min(labels[unit], key=lambda name: (counts[name], name), default="")].append(unit)
    place = {u: (i + 0.5) / len(units) for units in strata.values() for i, u in enumerate(units)}
    return first + sorted(rest, key=lambda unit: place[unit]), len(first)
