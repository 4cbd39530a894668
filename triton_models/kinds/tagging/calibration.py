"""How likely a tagging model holds its spans to be, against how often they are right. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from triton_models.evaluation import folds, statistics
from triton_models.kinds.tagging.data import Tagged
from triton_models.kinds.tagging.decode import Decoder, Found
from triton_models.kinds.tagging.words import words_of

TEMPERATURES = np.arange(0.7, 3.05, 0.1).round(1).tolist()
LEAST = 1e-4  # of a probability in the cost


class Judged(NamedTuple):
    """Spans that were found: the query that each is of, by its row, its probability, and whether it
    is right: [spans] each.
    """

    rows: np.ndarray
    sure: np.ndarray
    right: np.ndarray


def decode(
    chances: Sequence[np.ndarray],
    dev: Sequence[Tagged],
    decoder: Decoder,
    temperature: float = 1.0,
) -> list[Found]:
    """The spans of each query, from the probabilities of its words: [words, labels] of each."""
    powers = decoder.together(chances) ** (1 / temperature)
    scaled = powers / powers.sum(axis=2, keepdims=True)
    return decoder.find(scaled, [words_of(one.text) for one in dev])


def judged(dev: Sequence[Tagged], found: Sequence[Found]) -> Judged:
    """The spans of all queries, one after the other."""
    every = [
        (row, chance, span in one.spans)
        for row, (one, mine) in enumerate(zip(dev, found, strict=True))
        for span, chance in zip(mine.spans, mine.probabilities, strict=True)
    ]
    rows, sure, right = np.array(every, dtype=float).reshape(-1, 3).T
    return Judged(rows.astype(int), sure, right > 0)


def at_temperatures(
    chances: Sequence[np.ndarray], dev: Sequence[Tagged], decoder: Decoder
) -> dict[float, Judged]:
    """The spans with the probabilities that they have at each of TEMPERATURES."""
    return {t: judged(dev, decode(chances, dev, decoder, t)) for t in TEMPERATURES}


def best(found: Mapping[float, Judged], rows: np.ndarray | None = None) -> float:
    """The temperature at which the probabilities of the spans, of all queries or of some rows, are
    nearest to how often they are right, by cross-entropy; 1 where there is no span.
    """

    def cost(temperature: float) -> float:
        mine = found[temperature]
        sure, right = mine.sure.clip(LEAST, 1 - LEAST), mine.right
        each = -np.log(np.where(right, sure, 1 - sure))
        return each[... if rows is None else np.isin(mine.rows, rows)].mean()

    some = found[1.0].rows if rows is None else np.intersect1d(found[1.0].rows, rows)
    return min(found, key=cost) if len(some) else 1.0


def cross_fitted(found: Mapping[float, Judged], dev: Sequence[Tagged]) -> Judged:
    """The spans of each fold of the queries at the temperature that the other folds ask for."""
    parts = []
    for mine, rest in folds.parts([one.text for one in dev]):
        spans = found[best(found, rest)]
        kept = np.isin(spans.rows, mine)
        parts.append([of[kept] for of in spans])
    return Judged(*map(np.concatenate, zip(*parts, strict=True)))


def error(spans: Judged) -> float:
    """The expected calibration error; 0 where there is no span."""
    if not len(spans.sure):
        return 0.0
    return statistics.value(statistics.CalibrationError(spans.sure, spans.right), len(spans.sure))
