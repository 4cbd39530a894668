"""A power law of learning: error = a · n^-b + c over n examples, with its uncertainty. NumPy only.

(Hestness et al. 2017, "Deep learning scaling is predictable, empirically".)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triton_models.evaluation.statistics import LEVEL

EXPONENTS = np.geomspace(0.02, 2, 800)
SAMPLES = 1000
AHEAD = 4  # times the examples there are, to which the picture goes
POINTS = 40  # of the picture's line


@dataclass(frozen=True)
class Law:
    """Fitted laws, one a draw of the errors: each array is [draws].

    Attributes:
        scale: a · most^-b, the part of the error at `most` examples that more data can take away.
        exponent: b.
        floor: c, what no data takes away; 0 or more.
        most: the largest number of examples that was seen.
    """

    scale: np.ndarray
    exponent: np.ndarray
    floor: np.ndarray
    most: float

    def errors(self, examples: Sequence[float]) -> np.ndarray:
        """The errors at numbers of examples: [draws, numbers]."""
        share = np.asarray(examples, dtype=float) / self.most
        return self.scale[:, None] * share ** -self.exponent[:, None] + self.floor[:, None]


def fit(examples: Sequence[float], errors: np.ndarray) -> Law:
    """The laws with the least squares for errors [draws, numbers of examples].

    For each exponent the best scale and floor are known, neither below 0; so the exponents are
    tried in turn.
    """
    most = float(max(examples))
    errors = np.atleast_2d(np.asarray(errors, dtype=float))
    powers = (np.asarray(examples, dtype=float) / most) ** -EXPONENTS[
        :, None
    ]  # [exponents, points]
    mean_x, mean_y = powers.mean(axis=1), errors.mean(axis=1)[:, None]
    across = errors @ powers.T / len(examples)  # [draws, exponents]
    scale = (across - mean_y * mean_x) / powers.var(axis=1)
    floor = mean_y - scale * mean_x
    through = across / (powers**2).mean(axis=1)  # with the floor at 0
    scale, floor = np.where(floor < 0, through, scale), np.maximum(floor, 0)
    scale, floor = np.maximum(scale, 0), np.where(scale < 0, mean_y, floor)
    found = scale[:, :, None] * powers + floor[:, :, None]
    misses = ((found - errors[:, None, :]) ** 2).sum(axis=2)
    rows, best = np.arange(len(errors)), misses.argmin(axis=1)
    return Law(scale[rows, best], EXPONENTS[best], floor[rows, best], most)


def described(examples: Sequence[float], errors: Sequence[float], noise: float) -> dict:
    """The law of measured errors, with 95 % intervals, and what it says of more examples.

    `noise` is the standard deviation of a measured error. It is drawn anew for each point about
    the fitted law, and the law fitted again; the scatter about the law counts where it is larger.
    """
    law = fit(examples, np.asarray(errors))
    fitted = law.errors(examples)[0]
    if (spare := len(examples) - 3) > 0:
        noise = max(noise, float(np.sqrt(((fitted - errors) ** 2).sum() / spare)))
    rng = np.random.default_rng(0)
    drawn = fit(examples, fitted + noise * rng.standard_normal((SAMPLES, len(examples))))
    now, twice = law.most, 2 * law.most
    ahead = np.geomspace(min(examples), AHEAD * law.most, POINTS)
    line = {"value": 1 - law.errors(ahead)[0], **bounds(1 - drawn.errors(ahead))}
    both = [one.errors([now, twice]) for one in (law, drawn)]
    return {
        "noise": noise,
        "scale": interval(law.scale, drawn.scale),
        "exponent": interval(law.exponent, drawn.exponent),
        "floor": interval(law.floor, drawn.floor),
        "now": interval(*(1 - each[:, 0] for each in both)),
        "doubled": interval(*(1 - each[:, 1] for each in both)),
        "gain": interval(*(each[:, 0] - each[:, 1] for each in both)),
        "fitted": (1 - fitted).tolist(),
        "band": {"examples": ahead.tolist()} | {n: v.tolist() for n, v in line.items()},
    }


def interval(value: np.ndarray, drawn: np.ndarray) -> dict[str, float]:
    return {"value": float(value[0])} | {n: float(v) for n, v in bounds(drawn).items()}


def bounds(drawn: np.ndarray) -> dict[str, np.ndarray]:
    """The percentile interval over draws, which are the first axis."""
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {"low": low, "high": high}
