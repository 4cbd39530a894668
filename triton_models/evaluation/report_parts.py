"""What the reports of several kinds of model have in common: head, slices, errors, latency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from triton_models import contract
from triton_models.contract import ModelContract
from triton_models.data import named
from triton_models.evaluation import evaluate
from triton_models.evaluation.cells import table
from triton_models.evaluation.evaluate import Report
from triton_models.evaluation.statistics import LEVEL, SAMPLES
from triton_models.query_text import word_count

SHAPES = tuple((batch, tokens) for batch in (1, 8, 32) for tokens in (8, 16, 32))
LENGTHS = {"1 word": 1, "2 words": 2, "3 or 4 words": 4, "5 to 8 words": 8, "9 and more": 10**9}


def head(model: ModelContract, devs: Sequence[named.Given], rows: int) -> Report:
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
        "dev": [described(path) for path in devs],
        "rows": rows,
        "settings": {"resamples": SAMPLES, "level": LEVEL, "seed": 0},
    }


def described(dev: named.Given) -> Report:
    """A dev file by name and content."""
    path, _ = named.split(dev)
    return {"file": Path(str(dev)).name, "sha256": contract.sha256(path)}


def groups(rows: Sequence[dict]) -> dict[str, dict[str, np.ndarray]]:
    """Row indices by length, style, source, language and popularity; a field with one value is
    left out."""
    words = [word_count(row["query"]) for row in rows]
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


def confusions(wrong: Mapping[tuple[str, str], list[Report]], most: int, each: int) -> list[Report]:
    """What was taken for what by how often, each with its first examples.

    Args:
        wrong: the examples of each (wanted, found), those that tell most first.
        most: confusions, at most.
        each: examples of one, at most.
    """
    often = sorted(wrong.items(), key=lambda item: -len(item[1]))[:most]
    return [
        {"wanted": wanted, "found": found, "count": len(rows), "examples": rows[:each]}
        for (wanted, found), rows in often
    ]


def confusions_table(rows: Sequence[Report], counted: str, sure: str) -> str:
    """The same as a table; `sure` is the examples' field that says how sure the model was."""
    lines = []
    for row in rows:
        shown = "; ".join(f"{e['query']} ({e[sure]:.2f})" for e in row["examples"])
        lines.append((row["wanted"], row["found"], row["count"], shown))
    return table(("wanted", "found", counted, "the surest of them"), lines)


def latency(folder: Path) -> dict[str, float]:
    """Median milliseconds of a batch on one core, by "batch x tokens"."""
    return evaluate.latency(folder, repeats=30, shapes=SHAPES)
