"""A full report of one model on dev sets: report.json, report.md and pictures in a folder.

What kinds of model have in common; `report_intent` and `report_ranking` say what is measured.
Everything in the Markdown and the pictures stands in the JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triton_models import contract
from triton_models.contract import ModelContract
from triton_models.data import sources
from triton_models.evaluation import evaluate
from triton_models.evaluation.perturb import perturbations
from triton_models.evaluation.statistics import LEVEL, SAMPLES
from triton_models.settings import UsageError, foreign

FILE = "report.json"
SHAPES = tuple((batch, tokens) for batch in (1, 8, 32) for tokens in (8, 16, 32))
LENGTHS = {"1 word": 1, "2 words": 2, "3 or 4 words": 4, "5 to 8 words": 8, "9 and more": 10**9}

Report = dict[str, Any]


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
    devs: Sequence[Path] | None,
    outside: str | None = None,
    data: Path | None = None,
) -> Report:
    """Everything about a model folder; without `devs` on our own dev set.

    With `data`, the folder of the public sets, known misspellings are among the perturbations.
    """
    from triton_models.evaluation import report_intent, report_ranking

    changes = perturbations(sources.misspellings(data) if data else None)
    if kind == "encoder":
        return report_ranking.encoder(folder, devs or (), changes)
    if kind == "matching":
        return report_ranking.matching(folder, devs or evaluate.DEV[kind], changes)
    return report_intent.report(folder, devs or evaluate.DEV[kind], changes, outside)


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


def head(model: ModelContract, devs: Sequence[Path], rows: int) -> Report:
    """What was judged, on what, and how: enough to do it again."""
    return {
        "kind": model.kind,
        "model": {
            "name": model.name,
            "version": model.version,
            "folder": model.folder.name,
            "onnx_sha256": model.onnx_sha256,
            "bytes": model.onnx.stat().st_size,
        },
        "dev": [{"file": path.name, "sha256": contract.sha256(path)} for path in devs],
        "rows": rows,
        "settings": {"resamples": SAMPLES, "level": LEVEL, "seed": 0},
    }


def groups(rows: Sequence[dict]) -> dict[str, dict[str, np.ndarray]]:
    """Row indices by length, style, source, language and popularity; a field with one value is
    left out."""
    words = [len(row["query"].split()) for row in rows]
    columns = {
        "length": [next(name for name, most in LENGTHS.items() if n <= most) for n in words]
    } | {name: [row.get(name, "") for row in rows] for name in ("style", "source", "language")}
    found = {}
    for name, values in columns.items():
        order = LENGTHS if name == "length" else sorted(set(values))
        parts = {v or "(none)": np.flatnonzero(np.array(values) == v) for v in order}
        found[name] = {value: part for value, part in parts.items() if len(part)}
    found["popularity"] = popularity([row.get("count") for row in rows])
    return {name: parts for name, parts in found.items() if len(parts) > 1}


def popularity(counts: Sequence[float | None]) -> dict[str, np.ndarray]:
    """The head, which is the most asked queries that make up half of all that is asked, and the
    long tail; {} where not every row tells how often it is asked."""
    if None in counts or not any(counts):
        return {}
    asked = np.array(counts, dtype=float)
    order = np.argsort(-asked, kind="stable")
    before = np.cumsum(asked[order]) - asked[order]
    head = order[before < asked.sum() / 2]
    parts = {"head": np.sort(head), "long tail": np.setdiff1d(order, head)}
    return {name: part for name, part in parts.items() if len(part)}


def slices(
    parts: dict[str, dict[str, np.ndarray]], measure: Callable[[np.ndarray], Report]
) -> Report:
    """The figures of each group of rows."""
    return {
        name: {value: {"rows": len(mine)} | measure(mine) for value, mine in values.items()}
        for name, values in parts.items()
    }


def latency(folder: Path) -> dict[str, float]:
    """Median milliseconds of a batch on one core, by "batch x tokens"."""
    return evaluate.latency(folder, repeats=30, shapes=SHAPES)
