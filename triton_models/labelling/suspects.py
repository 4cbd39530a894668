"""`suspects`: labels that are likely wrong, by a model that has not learned from them.

Of a run its data are learned again without a fold at a time, and each fold is judged by the model
of the others. Of a model folder the rows are those that it is given, which it must never have seen.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from triton_models.data import named, sheet
from triton_models.data.named import Given
from triton_models.data.sheet import Line
from triton_models.evaluation.evaluate import served
from triton_models.kinds import KINDS
from triton_models.settings import UsageError


def of_run(kind: str, run: Path, folds: int, training: Any) -> tuple[int, list[Line]]:
    """The number of rows that were judged, and the suspects among them.

    Args:
        training: the module `labelling.out_of_fold`, which needs torch.
    """
    rows, said, labels = training.answers(kind, run, folds)
    return len(rows), list(found(kind, rows, said, labels))


def of_model(kind: str, folder: Path, devs: Sequence[Given]) -> tuple[int, list[Line]]:
    """The same of rows that a model folder is asked about."""
    contract, network = served(folder, kind)
    part = KINDS[kind].part("labels")
    file = Path(str(devs[0])).stem  # of several files each row has its own
    rows = [replace(row, source=row.source or file) for row in part.rows_of(devs, contract)]
    return len(rows), list(found(kind, rows, part.answers(network, rows), contract.labels))


def found(kind: str, rows: Sequence[Line], said: Any, labels: Sequence[str]) -> Iterator[Line]:
    """The suspects among rows, the likeliest errors first."""
    require()
    for i, suggested, confidence in KINDS[kind].part("labels").suspects(rows, said, labels):
        row = rows[i]
        yield Line(row.text, row.term, row.given, suggested, confidence, row.source)


def require() -> None:
    """Raises UsageError without cleanlab."""
    try:
        importlib.import_module("cleanlab")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is not installed: `make install-training` adds what suspects need"
        ) from None


def run(args: Any, training: Any) -> str:
    """The command; returns the line to print."""
    require()
    sheet.check_new(args.out)
    if args.run:
        count, lines = of_run(args.kind, args.run, args.folds, training)
    else:
        count, lines = of_model(args.kind, args.model, named.places(args.dev, args.columns))
    written = sheet.write(args.out, lines[: args.count], args.propose)
    return f"{args.out}: {written} of {len(lines)} suspect labels, in {count:,} rows"
