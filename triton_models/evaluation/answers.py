"""What a model says of dev rows: asked of a model folder, or read from a file of `predict`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triton_models.evaluation.evaluate import served
from triton_models.kinds import KINDS
from triton_models.settings import UsageError

Key = tuple[str | None, str | None, str | None]  # query, term and document


def of(path: Path, kind: str) -> Served | Predicted:
    """The answers of a model folder, or of a file that `predict` wrote."""
    return Predicted(path, kind) if path.is_file() else Served(path, kind)


class Served:
    """A model folder, run here.

    Attributes:
        labels: of its output; empty where the kind has none.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.contract, self.network = served(folder, kind)
        self.labels = self.contract.labels
        self._asked = self.contract.spec.part("compare").asked

    def of(self, rows: Sequence[dict]) -> np.ndarray:
        """The answer to each row, as the kind's `compare` has it."""
        return self._asked(self.network, rows)


class Predicted:
    """The lines of a prediction file, by what was asked; lines in error count as not there.

    Raises:
        UsageError: names the line that is no prediction of the kind.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path, self._part = path, KINDS[kind].part("compare")
        self.remedy = f"write the file by `python -m triton_models predict {kind}`"
        rows = [self._row(number, line, kind) for number, line in enumerate(self._lines(), 1)]
        rows = [row for row in rows if "error" not in row]
        if not rows:
            raise UsageError(f"{path}: no prediction in it; {self.remedy}")
        self.labels = list(rows[0].get("scores", ()))
        if any(list(row.get("scores", ())) != self.labels for row in rows):
            raise UsageError(f"{path}: its lines have different labels; {self.remedy}")
        self.rows = {_key(row): row for row in rows}

    def of(self, rows: Sequence[dict]) -> np.ndarray:
        """The answer to each row, as the kind's `compare` has it."""
        lines = self._of(rows)
        try:
            return self._part.read(lines)
        except (KeyError, TypeError, ValueError):
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
        if fits(row, self._part.PREDICTED) and isinstance(row.get("scores", {}), dict):
            return row
        raise UsageError(f"{self.path}:{number}: not a prediction of {kind}; {self.remedy}")

    def _of(self, rows: Sequence[dict]) -> list[dict]:
        keys = [self._near(_key(row)) for row in rows]
        for key in keys:
            if key not in self.rows:
                asked = " / ".join(filter(None, key))[:80]
                raise UsageError(
                    f"{self.path}: no prediction of {asked!r}; predict every text of the dev file"
                )
        return [self.rows[key] for key in keys]

    def _near(self, key: Key) -> Key:
        """The key, or that of the same text predicted as a query where it was not as a document."""
        return (key[2], None, None) if key[2] and key not in self.rows else key


def fits(row: Any, predicted: Sequence[str]) -> bool:
    """Whether a line has what `predict` writes of a query or a document, or its error."""
    if not isinstance(row, dict):
        return False
    of_text = "query" in row or "document" in row
    return "error" in row or (of_text and all(name in row for name in predicted))


def _key(row: dict) -> Key:
    return row.get("query"), row.get("term"), row.get("document")
