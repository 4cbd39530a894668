"""Grades of pairs as a sheet has them, and which of them a model doubts. NumPy, no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from triton_models.contract import ModelContract
from triton_models.data.graded import BELONGS
from triton_models.data.named import Given
from triton_models.data.sheet import Decision, Line
from triton_models.evaluation import confident, doubts
from triton_models.evaluation.dev import judged_pairs, of_all
from triton_models.kinds.matching.report import sure

FORM = "pairs"
LABEL = "grade"  # our column that holds it


def rows_of(devs: Sequence[Given], contract: ModelContract) -> list[Line]:
    """The judged pairs of files."""
    rows = of_all(judged_pairs, devs)
    return [Line(r["query"], r["term"], f"{r['grade']:g}", source=r["source"]) for r in rows]


def answers(network: Any, rows: Sequence[Line]) -> np.ndarray:
    """Scores, [rows]."""
    return network.run([r.text for r in rows], [r.term for r in rows])[:, 0].astype(float)


def suspects(
    rows: Sequence[Line], said: np.ndarray, labels: Sequence[str]
) -> Iterator[tuple[int, str, float]]:
    """(row, "1" or "0", the probability of that), the likeliest errors first."""
    given = np.array([int(float(row.given) >= BELONGS) for row in rows])
    for i in confident.flagged(given, both(said)):
        yield int(i), str(1 - given[i]), float(both(said)[i, 1 - given[i]])


def both(said: np.ndarray) -> np.ndarray:
    """Probabilities of no match and of a match, [rows, 2]."""
    return np.stack([1 - said, said], axis=1)


def suggestions(said: np.ndarray, contract: ModelContract, _: Any) -> list[tuple[str, float]]:
    """The decision on each pair, and its score's share of it."""
    match = said >= contract.threshold
    return [(str(int(m)), float(p if m else 1 - p)) for m, p in zip(match, said, strict=True)]


def doubt(said: np.ndarray, contract: ModelContract, by: str) -> np.ndarray:
    """How unsure the model is of each pair, [rows]: surest far from its threshold."""
    return doubts.BY[by](both(sure(said, contract.threshold)))


def text_of(row: dict[str, Any]) -> str:
    return str(row.get("query") or "")


def current(row: dict[str, Any]) -> str:
    """The grade that a row of data has, "" for none."""
    found = row.get("grade")
    if found in (None, ""):
        return ""
    try:
        return f"{float(found):g}"
    except (TypeError, ValueError):
        return str(found)


def names(row: dict[str, Any], label: str) -> set[str]:
    """No names: grades are numbers."""
    return set()


def same(one: str, other: str) -> bool:
    return current({"grade": one}) == current({"grade": other})


def fault(one: Decision, known: set[str]) -> str:
    """What is wrong with a grade, "" if nothing is."""
    try:
        good = one.label in known or 0 <= float(one.label) <= 1
    except ValueError:
        good = False
    if not (one.term or one.given):
        return f"{one.text!r}: no term; a pair has two texts"
    return "" if good else f"label {one.label!r}: a grade is a number from 0 to 1; correct it"


def relabelled(row: dict[str, Any], label: str, names: Mapping[str, str]) -> dict[str, Any]:
    """The row with another grade; `names` are those of its columns, by ours."""
    return row | {names.get("grade", "grade"): number(label)}


def new(one: Decision, names: Mapping[str, str]) -> dict[str, Any]:
    """A row of data that was in no file."""
    texts = {names["query"]: one.text, names["term"]: one.term}
    return texts | {names["grade"]: number(one.label)}


def number(label: str) -> int | float | str:
    """A grade as a file holds it: a number, or a word that a manifest maps."""
    try:
        value = float(label)
    except ValueError:
        return label
    return int(value) if value.is_integer() else value
