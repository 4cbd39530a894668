"""Figures: what a scenario reports, its repeated values, and what they are to reach."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Better = Literal["higher", "lower"]


@dataclass
class Figure:
    """One measured quantity.

    Attributes:
        values: one for each round.
        unit: `×` for a ratio of two measurements of one run, the only ones that can be compared
            between machines.
        better: which direction is an improvement; None where neither is.
        target: what the median is to reach, in the direction of `better`.
    """

    values: list[float]
    unit: str
    better: Better | None = None
    target: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """From the least to the largest value, as a share of the median."""
        return spread(self.values)

    @property
    def reached(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        if self.better == "higher":
            return self.median >= self.target
        return self.median <= self.target

    def as_dict(self) -> dict[str, Any]:
        fields = {"median": tidy(self.median), "unit": self.unit, "better": self.better}
        if self.target is not None:
            fields |= {"target": self.target, "reached": self.reached}
        return fields | {"values": [tidy(value) for value in self.values]}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Figure:
        return cls(fields["values"], fields["unit"], fields["better"], fields.get("target"))


@dataclass
class Chart:
    """Lines over a common axis.

    Attributes:
        lines: name → points (x, y).
    """

    title: str
    x: str
    y: str
    lines: dict[str, list[tuple[float, float]]]


@dataclass
class Result:
    """What one scenario found.

    Attributes:
        notes: how it was measured, and what to know when reading it.
    """

    title: str
    figures: dict[str, Figure]
    charts: list[Chart] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "figures": {name: figure.as_dict() for name, figure in self.figures.items()},
            "notes": self.notes,
        }


def spread(values: Sequence[float]) -> float:
    """From the least to the largest value, as a share of the median; 0 of fewer than two."""
    if len(values) < 2:
        return 0.0
    middle = abs(statistics.median(values))
    width = max(values) - min(values)
    return width / middle if middle else (0.0 if width == 0 else float("inf"))


def percentiles(values: np.ndarray, *shares: float) -> list[float]:
    """The least value that at least this share of all values does not exceed, for each share.

    Raises:
        ValueError: there are no values.
    """
    if len(values) == 0:
        raise ValueError("percentiles of no values")
    return [float(v) for v in np.quantile(values, shares, method="inverted_cdf")]


def tidy(value: float) -> float:
    """Four significant digits; whole numbers stay."""
    return float(f"{value:.4g}") if abs(value) < 10_000 else float(round(value))
