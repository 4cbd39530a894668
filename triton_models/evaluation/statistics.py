"""What an evaluation's figures are worth: intervals, paired tests, areas, calibration. NumPy only.

A bootstrap resample is told by how often it drew each row: draws, [resamples, rows]. A statistic
is a function from draws to one number a resample, so that a bootstrap is a few matrix products,
and two models that are judged on the same draws are compared in pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from triton_models.evaluation import folds

Statistic = Callable[[np.ndarray], np.ndarray]  # draws [resamples, rows] to [resamples]

SAMPLES = 1000
LEVEL = 0.95
Z = 1.959964  # of the normal distribution, at that level
BINS = 15
CELLS = 4_000_000  # of draws that are held at once


def intervals(
    statistics: Mapping[str, Statistic], rows: int, samples: int = SAMPLES, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Each statistic's value on the rows, and its 95 % percentile bootstrap interval.

    All of them see the same draws. NaN where a statistic is not defined (an AUC of one class).
    """
    rng = np.random.default_rng(seed)
    at_once = max(1, CELLS // rows)
    found: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for start in range(0, samples, at_once):
        draws = _draws(rng, min(at_once, samples - start), rows)
        for name, statistic in statistics.items():
            found[name].append(statistic(draws))
    return {
        name: {"value": value(statistic, rows)}
        | getattr(statistic, "bounds", _bounds)(np.concatenate(found[name]))
        for name, statistic in statistics.items()
    }


def value(statistic: Statistic, rows: int) -> float:
    """A statistic of the rows themselves."""
    return float(statistic(np.ones((1, rows)))[0])


def difference(one: Statistic, other: Statistic) -> Statistic:
    """How much higher the first is, on the same draws."""
    return lambda draws: one(draws) - other(draws)


def mean(values: np.ndarray) -> Statistic:
    """The mean of a value a row."""
    numbers = np.asarray(values, dtype=float)
    return lambda draws: _ratio(draws @ numbers, draws.sum(axis=1))


def macro_f1(wanted: np.ndarray, found: np.ndarray, labels: int) -> Statistic:
    """The mean F1 of the labels that are wanted in a resample; both arrays hold label indices."""
    of_wanted, of_found = np.eye(labels)[wanted], np.eye(labels)[found]
    of_hits = of_wanted * of_found

    def statistic(draws: np.ndarray) -> np.ndarray:
        hits, count, given = draws @ of_hits, draws @ of_wanted, draws @ of_found
        return _mean_of_known(np.where(count > 0, _ratio(2 * hits, count + given), np.nan))

    return statistic


def f1(found: np.ndarray, matches: np.ndarray) -> Statistic:
    """F1 of the positive class; both are [rows], true or false."""
    found, matches = np.asarray(found, dtype=float), np.asarray(matches, dtype=float)
    return lambda draws: _ratio(2 * (draws @ (found * matches)), draws @ (found + matches))


def auc(scores: np.ndarray, matches: np.ndarray) -> Statistic:
    """The area under the ROC curve: how often a match scores above another row, ties half."""
    order, positive, first, last = _ranked(scores, matches)

    def statistic(draws: np.ndarray) -> np.ndarray:
        drawn = draws[:, order]
        below = np.cumsum(np.where(positive, 0, drawn), axis=1)
        below = np.pad(below, ((0, 0), (1, 0)))
        weights = drawn[:, positive]
        beaten = (weights * (below[:, first] + below[:, last])).sum(axis=1) / 2
        return _ratio(beaten, weights.sum(axis=1) * below[:, -1])

    return statistic


def average_precision(scores: np.ndarray, matches: np.ndarray) -> Statistic:
    """The area under the precision-recall curve, rows of equal score taken together."""
    order, positive, first, _ = _ranked(scores, matches)

    def statistic(draws: np.ndarray) -> np.ndarray:
        drawn = draws[:, order]
        every = np.pad(np.cumsum(drawn, axis=1), ((0, 0), (1, 0)))
        hits = np.pad(np.cumsum(np.where(positive, drawn, 0), axis=1), ((0, 0), (1, 0)))
        above = every[:, -1:] - every[:, first]
        precision = _ratio(hits[:, -1:] - hits[:, first], above, 0.0)
        weights = drawn[:, positive]
        return _ratio((weights * precision).sum(axis=1), weights.sum(axis=1))

    return statistic


def macro_auc(probabilities: np.ndarray, wanted: np.ndarray) -> Statistic:
    """The mean one-versus-rest AUC of the labels, of those that have both sides in a resample."""
    each = [auc(probabilities[:, i], wanted == i) for i in np.unique(wanted)]
    return lambda draws: _mean_of_known(np.stack([one(draws) for one in each], axis=1))


class CalibrationError:
    """Expected calibration error: the gap of confidence and accuracy, weighted over the bins.

    `confidence` and `right` are [rows].

    A sum of absolute gaps lies above the true one, by chance alone, and its resamples lie above
    it once more. So its interval is the basic bootstrap's, turned round the value, and begins at
    0 where an honest model's error would be as large (consistency resampling, Bröcker and Smith
    2007). With few rows the value may stand above its interval.
    """

    def __init__(self, confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> None:
        self.confidence = np.asarray(confidence, dtype=float)
        self.bin = np.eye(bins)[_bin(self.confidence, bins)]
        self.gap = self.bin * (self.confidence - right)[:, None]

    def __call__(self, draws: np.ndarray) -> np.ndarray:
        return _ratio(np.abs(draws @ self.gap).sum(axis=1), draws.sum(axis=1))

    def bounds(self, samples: np.ndarray) -> dict[str, float]:
        """The interval, from the errors of resamples."""
        found = value(self, len(self.gap))
        turned = _bounds(2 * found - samples)
        low = 0.0 if found <= self.by_chance() else max(0.0, turned["low"])
        return {"low": low, "high": max(0.0, turned["high"])}

    def by_chance(self, samples: int = SAMPLES, seed: int = 0) -> float:
        """What the error of a model that is right as often as it says stays below, 39 in 40."""
        rng, errors = np.random.default_rng(seed), []
        at_once = max(1, CELLS // len(self.gap))
        for start in range(0, samples, at_once):
            size = (min(at_once, samples - start), len(self.confidence))
            gaps = (self.confidence - (rng.random(size) < self.confidence)) @ self.bin
            errors.append(np.abs(gaps).sum(axis=1) / len(self.gap))
        return float(np.quantile(np.concatenate(errors), (1 + LEVEL) / 2))


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> list[dict]:
    """Each bin that holds rows: its bounds, rows, mean confidence, and accuracy with Wilson's
    interval (`low`, `high`).
    """
    which = _bin(confidence, bins)
    counts = np.bincount(which, minlength=bins)
    sure, good = (np.bincount(which, weights=v, minlength=bins) for v in (confidence, right))
    return [
        {
            "from": b / bins,
            "to": (b + 1) / bins,
            "rows": int(counts[b]),
            "confidence": float(sure[b] / counts[b]),
            "accuracy": float(good[b] / counts[b]),
        }
        | _ends(wilson_of(good[b], counts[b]))
        for b in np.flatnonzero(counts)
    ]


def mcnemar(only_one: int, only_other: int) -> float:
    """The two-sided p of McNemar's exact test, from the rows that only one of two has right."""
    n, fewer = only_one + only_other, min(only_one, only_other)
    tail = term = 1
    for k in range(fewer):
        term = term * (n - k) // (k + 1)
        tail += term
    return min(1.0, 2 * tail / 2**n)


def randomisation(differences: np.ndarray, samples: int = 10_000, seed: int = 0) -> float:
    """The two-sided p of the paired randomisation test: how often differences whose signs are drawn
    at random are as far from 0, on average, as these."""
    rng = np.random.default_rng(seed)
    told = np.asarray(differences, dtype=float)
    told, beyond = told[told != 0], 0
    at_once = max(1, CELLS // max(1, len(told)))
    for start in range(0, samples, at_once):
        signs = rng.choice((-1.0, 1.0), size=(min(at_once, samples - start), len(told)))
        beyond += int((np.abs(signs @ told) >= abs(told.sum()) - 1e-9).sum())
    return (1 + beyond) / (1 + samples)


def wilson(right: np.ndarray) -> dict[str, float]:
    """A share and Wilson's interval, which holds for few rows and near 0 and 1 too."""
    return wilson_of(np.sum(right), len(right))


def wilson_of(hits: float, n: int) -> dict[str, float]:
    """The same of so many hits among n; NaN where n is 0."""
    if not n:
        return dict.fromkeys(("value", "low", "high"), float("nan"))
    share, z2 = float(hits / n), Z**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return {"value": share, "low": float(centre - half), "high": float(centre + half)}


def _ends(found: dict[str, float]) -> dict[str, float]:
    return {"low": found["low"], "high": found["high"]}


def fit_temperature(probabilities: np.ndarray, wanted: np.ndarray) -> float:
    """The temperature that makes the wanted labels likeliest, by Newton's method on 1 / T."""
    logits, sharpness = _logits(probabilities), 1.0
    target = logits[np.arange(len(wanted)), wanted].mean()
    for _ in range(40):
        p = _softmax(logits * sharpness)
        expected = (p * logits).sum(axis=1)
        variance = ((p * logits**2).sum(axis=1) - expected**2).mean()
        step = (target - expected.mean()) / max(variance, 1e-9)
        sharpness = float(np.clip(sharpness + step, sharpness / 2, sharpness * 2))
        sharpness = float(np.clip(sharpness, 0.05, 20))
    return 1 / sharpness


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities at another temperature: above 1 less sure, below 1 surer."""
    return _softmax(_logits(probabilities) / temperature)


def cross_fitted(
    probabilities: np.ndarray, wanted: np.ndarray, groups: Sequence[str]
) -> np.ndarray:
    """Each fold's probabilities at the temperature that the other folds ask for; rows of one group
    are in one fold."""
    if len(set(groups)) < 2:
        return probabilities
    answers = np.array(probabilities, dtype=float)
    for mine, rest in folds.parts(groups):
        temperature = fit_temperature(probabilities[rest], wanted[rest])
        answers[mine] = tempered(probabilities[mine], temperature)
    return answers


def _draws(rng: np.random.Generator, samples: int, rows: int) -> np.ndarray:
    drawn = rng.integers(rows, size=(samples, rows)) + rows * np.arange(samples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=samples * rows)
    return counts.reshape(samples, rows).astype(float)


def _bounds(samples: np.ndarray) -> dict[str, float]:
    known = samples[~np.isnan(samples)]
    if not len(known):
        return {"low": float("nan"), "high": float("nan")}
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"low": float(low), "high": float(high)}


def _ranked(scores: np.ndarray, matches: np.ndarray) -> tuple[np.ndarray, ...]:
    """Rows by rising score, which are positive, and where each positive's group of ties lies."""
    order = np.argsort(scores, kind="stable")
    ordered, positive = np.asarray(scores)[order], (np.asarray(matches) > 0)[order]
    first = np.searchsorted(ordered, ordered[positive], side="left")
    last = np.searchsorted(ordered, ordered[positive], side="right")
    return order, positive, first, last


def _ratio(over: np.ndarray, under: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    return np.divide(over, under, out=np.full(np.shape(over), otherwise), where=under > 0)


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=1), known.sum(axis=1))


def _bin(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.minimum((np.asarray(confidence) * bins).astype(int), bins - 1)


def _logits(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(np.asarray(probabilities, dtype=float), 1e-12, None))


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
