"""What a model says of dev rows: asked of a model folder, or read from a file of `predict`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from triton_models.evaluation.evaluate import served
from triton_models.settings import UsageError

NEEDED = {
    "intent": ("query", "label", "scores"),
    "matching": ("query", "term", "score", "match"),
    "encoder": ("query", "vector"),
}


class Answers(Protocol):
    """Answers of one model; `labels` is empty unless it is one of intent."""

    labels: Sequence[str]

    def intent(self, rows: Sequence[dict]) -> np.ndarray:
        """Probabilities [rows, labels]."""

    def matching(self, rows: Sequence[dict]) -> tuple[np.ndarray, np.ndarray]:
        """Scores [rows], and whether each counts as a match."""

    def encoder(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors [texts, width]."""


def of(path: Path, kind: str) -> Answers:
    """The answers of a model folder, or of a file that `predict` wrote."""
    return Predicted(path, kind) if path.is_file() else Served(path, kind)


class Served:
    """A model folder, run here."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.contract, self.network = served(folder, kind)
        self.labels = self.contract.labels

    def intent(self, rows: Sequence[dict]) -> np.ndarray:
        return self.network.run([row["query"] for row in rows])

    def matching(self, rows: Sequence[dict]) -> tuple[np.ndarray, np.ndarray]:
        scores = self.network.run([r["query"] for r in rows], [r["term"] for r in rows])[:, 0]
        return scores.astype(float), scores >= self.contract.threshold

    def encoder(self, texts: Sequence[str]) -> np.ndarray:
        return self.network.run(texts)


class Predicted:
    """The lines of a prediction file, by query and term; lines in error count as not there.

    Raises:
        UsageError: names the line that is no prediction of the kind.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.remedy = f"write the file by `python -m triton_models predict {kind}`"
        rows = [self._row(number, line, kind) for number, line in enumerate(self._lines(), 1)]
        rows = [row for row in rows if "error" not in row]
        if not rows:
            raise UsageError(f"{path}: no prediction in it; {self.remedy}")
        self.labels = list(rows[0].get("scores", ()))
        if any(list(row.get("scores", ())) != self.labels for row in rows):
            raise UsageError(f"{path}: its lines have different labels; {self.remedy}")
        self.rows = {(row["query"], row.get("term")): row for row in rows}

    def intent(self, rows: Sequence[dict]) -> np.ndarray:
        return self._numbers([list(row["scores"].values()) for row in self._of(rows)])

    def matching(self, rows: Sequence[dict]) -> tuple[np.ndarray, np.ndarray]:
        mine = self._of(rows)
        scores = self._numbers([row["score"] for row in mine])
        return scores, np.array([bool(row["match"]) for row in mine])

    def encoder(self, texts: Sequence[str]) -> np.ndarray:
        rows = self._of([{"query": text} for text in texts])
        return self._numbers([row["vector"] for row in rows]).astype(np.float32)

    def _numbers(self, values: list) -> np.ndarray:
        try:
            return np.array(values, dtype=float)
        except (TypeError, ValueError):
            raise UsageError(f"{self.path}: its answers are no numbers; {self.remedy}") from None

    def _lines(self) -> list[bytes]:
        try:
            return self.path.read_bytes().splitlines()
        except OSError as error:
            told = f"cannot be read ({error.strerror})"
            raise UsageError(f"{self.path}: {told}; {self.remedy}") from None

    def _row(self, number: int, line: bytes, kind: str) -> dict:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if kind == "intent" and isinstance(row, dict) and isinstance(row.get("labels"), dict):
            told = "a query has several labels, and here it has one; judge the model's checkpoint"
            raise UsageError(f"{self.path}:{number}: {told} by `combine table RUN --queries DEV`")
        fits = isinstance(row, dict) and ("error" in row or all(n in row for n in NEEDED[kind]))
        if fits and isinstance(row.get("scores", {}), dict):
            return row
        raise UsageError(f"{self.path}:{number}: not a prediction of {kind}; {self.remedy}")

    def _of(self, rows: Sequence[dict]) -> list[dict]:
        keys = [(row["query"], row.get("term")) for row in rows]
        for key in keys:
            if key not in self.rows:
                asked = " / ".join(filter(None, key))[:80]
                raise UsageError(
                    f"{self.path}: no prediction of {asked!r}; predict every text of the dev file"
                )
        return [self.rows[key] for key in keys]
