"""Labels of queries as a sheet has them, and which of them a model doubts. NumPy, no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from triton_models.contract import ModelContract
from triton_models.data.manifest import SEPARATOR
from triton_models.data.named import Given
from triton_models.data.sheet import Decision, Line
from triton_models.evaluation import confident, doubts
from triton_models.evaluation.dev import labelled_queries, of_all, with_intent

FORM = "queries"
LABEL = "intent"  # our column that holds it


def rows_of(devs: Sequence[Given], contract: ModelContract) -> list[Line]:
    """The labelled queries of files, whose labels the model must know; those with a sentiment alone
    are passed over."""
    rows = with_intent(of_all(lambda path: labelled_queries(path, contract.labels), devs))
    return [Line(row["query"], given=row["intent"], source=row["source"]) for row in rows]


def answers(network: Any, rows: Sequence[Line]) -> np.ndarray:
    """The probabilities of the labels, [rows, labels]."""
    return network.run([row.text for row in rows]).astype(float)


def suspects(
    rows: Sequence[Line], said: np.ndarray, labels: Sequence[str]
) -> Iterator[tuple[int, str, float]]:
    """(row, what it should be, the probability of that), the likeliest errors first."""
    given = np.array([labels.index(row.given) for row in rows])
    for i in confident.flagged(given, said):
        best = said[i].argmax()
        yield int(i), labels[best], float(said[i, best])


def suggestions(said: np.ndarray, contract: ModelContract, _: Any) -> list[tuple[str, float]]:
    """The likeliest label of each row, and its probability."""
    best = zip(said.argmax(axis=1), said.max(axis=1), strict=True)
    return [(contract.labels[i], float(p)) for i, p in best]


def doubt(said: np.ndarray, contract: ModelContract, by: str) -> np.ndarray:
    """How unsure the model is of each row, [rows]."""
    return doubts.BY[by](said)


def text_of(row: dict[str, Any]) -> str:
    return str(row.get("query") or "")


def current(row: dict[str, Any]) -> str:
    """The label that a row of data has, "" for none."""
    found = row.get("intent") or ""
    return SEPARATOR.join(found) if isinstance(found, list) else str(found).strip()


def names(row: dict[str, Any], label: str) -> set[str]:
    """The names of labels that a row tells, which has this label."""
    return {label} - {""}


def same(one: str, other: str) -> bool:
    return one == other


def fault(one: Decision, known: set[str]) -> str:
    """What is wrong with a label, "" if nothing is."""
    told = f"label {one.label!r} is not in the data: correct it, or give --new {one.label}"
    return "" if one.label in known else told


def relabelled(row: dict[str, Any], label: str, names: Mapping[str, str]) -> dict[str, Any]:
    """The row with another label; `names` are those of its columns, by ours."""
    return row | {names.get("intent", "intent"): label}


def new(one: Decision, names: Mapping[str, str]) -> dict[str, Any]:
    """A row of data that was in no file."""
    return {names["query"]: one.text, names["intent"]: one.label}
