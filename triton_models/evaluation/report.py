"""A full report of one model on dev sets: report.json, report.md and pictures in a folder.

What kinds of model have in common; each kind's `report` says what is measured.
Everything in the Markdown and the pictures stands in the JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from triton_models.data import sources
from triton_models.data.named import Given
from triton_models.data.typos import ENGLISH, Typos
from triton_models.evaluation.coverage import TARGETS
from triton_models.evaluation.evaluate import Report
from triton_models.evaluation.perturb import perturbations
from triton_models.kinds import KINDS
from triton_models.settings import UsageError, foreign

FILE = "report.json"


def checked(folder: Path) -> Path:
    """The folder of a report; UsageError when it holds something else, or pictures can't be drawn.

    Asked before anything is computed.
    """
    if foreign(folder, FILE):
        raise UsageError(f"{folder}: exists and is not a report; choose another folder")
    try:
        from triton_models.evaluation import pictures  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is not installed: `make install-training` adds what a report needs"
        ) from None
    return folder


def full(
    kind: str,
    folder: Path,
    devs: Sequence[Given],
    outside: str | None = None,
    data: Path | None = None,
    own: Typos = ENGLISH,
    targets: Sequence[float] = TARGETS,
) -> Report:
    """Everything about a model folder; the perturbations are those of `own`, of its language.

    `targets` are the precisions that a threshold is given for. With `data`, the folder of the
    public sets, known misspellings are among the perturbations.
    """
    changes = perturbations(sources.misspellings(data) if data else None, own)
    report = KINDS[kind].part("report").report
    return report(folder, devs, changes, outside, targets)


def write(report: Report, folder: Path) -> Path:
    """Write a report into its folder; the path of its Markdown."""
    from triton_models.evaluation import pictures, report_text

    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    drawn = pictures.draw(report, folder)
    text = json.dumps(plain(report), indent=1, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
    page = folder / "report.md"
    page.write_text(report_text.markdown(report, drawn), encoding="utf-8")
    return page


def plain(value: Any) -> Any:
    """As JSON holds it: null for NaN, which means that a figure is not defined."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
