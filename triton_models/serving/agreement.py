"""Whether each output of a model of lower precision says what it says in float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from triton_models.contract import ModelContract
from triton_models.kinds.kind import Head
from triton_models.kinds.values import least_share, same_labels


class Agreement(NamedTuple):
    """How far the answers of one output say the same.

    Attributes:
        head: the name of a further head; "" for the output of the model's kind.
        value: as the kind's `answers` has it, of a further head the share of rows with the same
            likeliest label; NaN where an answer is no number.
        least: the value from which the model may be served.
        wording: of the value, as a format.
    """

    head: str
    value: float
    least: float
    wording: str

    @property
    def enough(self) -> bool:
        return self.value >= self.least  # not of NaN

    def __str__(self) -> str:
        return self.wording.format(self.value)


def agreements(
    contract: ModelContract, expected: Sequence[np.ndarray], found: Sequence[np.ndarray]
) -> list[Agreement]:
    """Of each output, in the order of `contract.shapes`; both have of each output [texts,
    dimension], or of one by token [tokens, dimension].
    """
    heads = (None, *contract.heads, *([contract.tags] if contract.tags else []))
    return [
        _agreement(contract, head, mine, theirs)
        for head, mine, theirs in zip(heads, expected, found, strict=True)
    ]


def _agreement(
    contract: ModelContract, head: Head | None, expected: np.ndarray, found: np.ndarray
) -> Agreement:
    kind, value = contract.spec.part("answers"), float("nan")
    if head is None:
        if np.isfinite(found).all():
            value = kind.agreement(contract, expected, found)
        return Agreement("", value, kind.least(len(expected)), kind.AGREEMENT)
    if np.isfinite(found).all():
        value = same_labels(expected, found)
    return Agreement(head.name, value, least_share(len(expected)), f"{head.name} {{:.1%}}")


def largest(expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    """The largest difference of any output; NaN where an answer is no number."""
    apart = [np.abs(one - other).max() for one, other in zip(expected, found, strict=True)]
    return float(np.max(apart))
