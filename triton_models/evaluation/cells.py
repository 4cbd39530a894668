"""What the pages of a report have in common: names of figures, numbers, tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Report = dict

NAMES = {
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "auc_roc": "AUC-ROC",
    "average_precision": "average precision",
    "f1": "F1",
    "ece": "calibration error",
    "aurc": "AURC",
    "ndcg@10": "NDCG@10",
    "mrr": "MRR",
    "micro_f1": "micro-F1 of spans",
    "whole_queries": "queries all right",
}
FILES = 6  # of the dev set that are named


def files(report: Report) -> str:
    named = [f"`{dev['file']}`" for dev in report["dev"]]
    more = f" and {len(named) - FILES} more" if len(named) > FILES else ""
    return ", ".join(named[:FILES]) + more


def number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def ranged(found: Report | float, sign: bool = False) -> str:
    """A figure with its interval, as 0.912 (0.880 to 0.941)."""
    if not isinstance(found, dict):
        return number(found)
    if math.isnan(found["value"]):
        return "–"
    form = "+.3f" if sign else ".3f"
    return f"{found['value']:{form}} ({found['low']:{form}} to {found['high']:{form}})"


def table(heads: Sequence, rows: Iterable[Sequence]) -> str:
    """A Markdown table; what is in a cell cannot end it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)


def cell(value: object) -> str:
    return " ".join(str(value).replace("\\", "\\\\").replace("|", "\\|").split())
