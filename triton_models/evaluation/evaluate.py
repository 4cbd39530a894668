"""A model folder asked as the worker asks it, and how a report looks in a terminal. Needs ONNX
Runtime, not torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from triton_models.contract import ModelContract
from triton_models.kinds import KINDS
from triton_models.query_text import normal_form
from triton_models.serving.served import ServedModel, contract_of
from triton_models.settings import DEV_SETS, UsageError, starter, usable

Report = dict


class Asked(ServedModel):
    """A model that is asked as the worker and `predict` ask it: queries in their normal form,
    documents as they are written, as they are learned and as a lexicon has them.
    """

    def __init__(self, contract: ModelContract) -> None:
        super().__init__(contract.folder, contract=contract)
        self.contract = contract

    def run(
        self,
        texts: Sequence[str],
        terms: Sequence[str] | None = None,
        heads: bool = False,
        documents: bool = False,
    ) -> np.ndarray | list:
        prompts = self.contract.prompts
        asked = prompts.documents(texts) if documents else prompts.queries(map(normal_form, texts))
        return super().run(asked, terms, heads)


def served(folder: Path, kind: str) -> tuple[ModelContract, ServedModel]:
    """A model folder's contract and its model, run in this process.

    Raises:
        ModelFolderError, UsageError: it is no model folder, of another kind, or cannot be run.
    """
    model = contract_of(folder, kind)
    with usable(folder, "export the model again"):
        return model, Asked(model)


def dev_of(kind: str, models: Sequence[Path] = (), outside: str | None = None) -> tuple[Path, ...]:
    """Our own dev set of a kind, which no starter model has learned from.

    Raises UsageError for a kind that has none, and for a model folder that lacks labels of it other
    than `outside`.
    """
    if not KINDS[kind].dev:
        raise UsageError(f"there is no dev set of ours for {kind}: give --dev your own")
    ours = set(contract_of(starter(kind), kind).labels) - {outside}
    for folder in models:
        if folder.is_dir() and ours - set(contract_of(folder, kind).labels):
            told = "has labels of its own, and our dev set has others"
            raise UsageError(f"{folder}: {told}; give --dev queries with its labels")
    return (DEV_SETS / KINDS[kind].dev,)


def latency(
    folder: Path, repeats: int = 60, shapes: Sequence[tuple[int, int]] = ((1, 8), (32, 8))
) -> dict[str, float]:
    """Milliseconds for one batch on one core, the median, by "batch x tokens"."""
    model = ServedModel(folder)
    found = {}
    for batch, length in shapes:
        arrays = {name: np.ones((batch, length), dtype=np.int64) for name in model.inputs}
        times = []
        for _ in range(repeats):
            started = time.perf_counter()
            model.infer(arrays)
            times.append(time.perf_counter() - started)
        found[f"{batch} x {length}"] = float(np.median(times) * 1000)
    return found


def render(report: Report, indent: str = "") -> str:
    """A report as text: a line a figure, a table for what is by label or style."""
    lines = []
    for name, value in report.items():
        if value == {}:
            continue
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", render(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{name}: {len(value)}", *(f"{indent}  {item}" for item in value)]
        else:
            shown = f"{value:.3f}" if isinstance(value, float) else str(value)
            lines.append(f"{indent}{name}: {shown}")
    return "\n".join(lines)
