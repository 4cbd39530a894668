"""Two models side by side on the same dev rows, query by query.

Each side is a model folder or a file that `predict` wrote. Differences are B less A: A is what
you have, B what you might take instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from triton_models.data.named import Given
from triton_models.evaluation import by_label, statistics
from triton_models.evaluation.cells import NAMES, ranged
from triton_models.evaluation.compare_text import (
    LABEL_HEADS,
    agreement,
    counted,
    label_cells,
    verdict,
)
from triton_models.evaluation.evaluate import Report
from triton_models.evaluation.report_parts import described
from triton_models.evaluation.sides import Side, Sides
from triton_models.kinds import KINDS

SHOWN = 10  # rows that only one side has right, in the terminal


def compare(kind: str, one: Path, other: Path, devs: Sequence[Given]) -> Report:
    """Figures of both, their differences, a paired test, and the rows that one has more right."""
    found = KINDS[kind].part("compare").sides(one, other, devs)
    about = {"kind": "compare", "of": kind, "a": found.a.name, "b": found.b.name}
    about |= {"dev": [described(path) for path in devs]} | paired(found)
    return about | ({"sentiment": paired(found.sentiment)} if found.sentiment else {})


def paired(sides: Sides) -> Report:
    """The figures of both on the same rows, and what differs."""
    rows, a, b, _ = sides
    differences = {f"{n}-": statistics.difference(b.measures[n], a.measures[n]) for n in a.measures}
    both = {f"a {n}": s for n, s in a.measures.items()} | {
        f"b {n}": s for n, s in b.measures.items()
    }
    found = statistics.intervals(both | differences, len(rows))
    return {
        "rows": len(rows),
        "figures": {
            n: {"a": found[f"a {n}"], "b": found[f"b {n}"], "difference": found[f"{n}-"]}
            for n in a.measures
        },
        **(mcnemar(a, b) if a.right.dtype == bool else randomisation(a, b)),
        "labels": [] if a.counts is None else by_label.compared(a.labels, a.counts, b.counts),
        "only_a": won(rows, a.right > b.right, a, b),
        "only_b": won(rows, b.right > a.right, a, b),
    }


def mcnemar(a: Side, b: Side) -> Report:
    """How many rows each has right, and whether chance alone would do that."""
    only_a, only_b = int((a.right & ~b.right).sum()), int((b.right & ~a.right).sum())
    return {
        "mcnemar": {
            "both_right": int((a.right & b.right).sum()),
            "only_a": only_a,
            "only_b": only_b,
            "both_wrong": int((~a.right & ~b.right).sum()),
            "p": statistics.mcnemar(only_a, only_b),
        },
        "agreement": {
            "same": float((a.found == b.found).mean()),
            "largest_difference": float(np.abs(a.numbers - b.numbers).max()),
        },
    }


def randomisation(a: Side, b: Side) -> Report:
    """How many queries each ranks better, and whether chance alone would do that."""
    return {
        "randomisation": {
            "only_a": int((a.right > b.right).sum()),
            "only_b": int((b.right > a.right).sum()),
            "equal": int((a.right == b.right).sum()),
            "difference": float((b.right - a.right).mean()),
            "p": statistics.randomisation(b.right - a.right),
        }
    }


def won(rows: Sequence[dict], mine: np.ndarray, a: Side, b: Side) -> list[Report]:
    """The chosen rows with what each side says of them, those that tell most first."""
    gap = np.abs(a.right.astype(float) - b.right)
    return [
        {"query": shown(rows[i]), "wanted": rows[i]["wanted"], "a": a.told[i], "b": b.told[i]}
        for i in sorted(np.flatnonzero(mine), key=lambda i: -gap[i])
    ]


def shown(row: dict) -> str:
    return f"{row['query']} / {row['term']}" if "term" in row else row["query"]


def show(report: Report, console: Console) -> None:
    """The comparison in a terminal."""
    show_paired(report, console)
    if found := report.get("sentiment"):
        console.print("\nsentiment:", highlight=False)
        show_paired(report | found, console)


def show_paired(report: Report, console: Console) -> None:
    """The figures of one set of rows."""
    a, b = report["a"], report["b"]
    table = Table(title=f"{report['rows']:,} rows", title_justify="left", box=None, padding=(0, 2))
    for name in ("figure", a, b, "B less A (95 %)"):
        whole = name not in (a, b)  # the models' names may be long paths: their headings are folded
        justify = "left" if name == "figure" else "right"
        table.add_column(Text(name), justify=justify, overflow="fold", no_wrap=whole)
    for name, row in report["figures"].items():
        cells = (f"{row[side]['value']:.3f}" for side in "ab")
        table.add_row(NAMES.get(name, name), *cells, ranged(row["difference"], sign=True))
    console.print(table)
    console.print(
        "\n" + "\n".join([counted(report), verdict(report), *agreement(report)]),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if report["labels"]:
        console.print(labels_table(report["labels"]))
    for side, name in (("only_a", a), ("only_b", b)):
        if report[side]:
            better = "is right" if "mcnemar" in report else "ranks better"
            console.print(rows_table(f"only {name} {better} ({side[-1].upper()})", report[side]))


def labels_table(rows: Sequence[Report]) -> Table:
    """The labels that differ most surely."""
    more = f", {SHOWN} of {len(rows):,}" if len(rows) > SHOWN else ""
    table = Table(title=f"\nby label{more}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for i, name in enumerate(LABEL_HEADS):  # a label may be long, the rest has room in 80 columns
        table.add_column(name, justify="right" if i else "left", overflow="fold", no_wrap=i > 0)
    for row in rows[:SHOWN]:
        table.add_row(*map(Text, label_cells(row)))
    return table


def rows_table(title: str, rows: Sequence[Report]) -> Table:
    more = f", {SHOWN} of {len(rows):,}" if len(rows) > SHOWN else ""
    table = Table(title=Text(f"\n{title}{more}"), title_justify="left", box=None, padding=(0, 2))
    for name in ("query", "wanted", "A", "B"):
        table.add_column(name, overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(*(Text(row[name]) for name in ("query", "wanted", "a", "b")))
    return table
