"""Two models side by side on the same dev rows, query by query.

Each side is a model folder or a file that `predict` wrote. Differences are B less A: A is what
you have, B what you might take instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from triton_models import contract
from triton_models.data.lexicon_terms import SOURCE
from triton_models.evaluation import answers, ranking, statistics
from triton_models.evaluation.cells import NAMES, ranged
from triton_models.evaluation.compare_text import agreement, counted, verdict
from triton_models.evaluation.dev import judged_pairs, judged_queries, labelled_queries, of_all
from triton_models.evaluation.evaluate import Report
from triton_models.evaluation.report_ranking import synonyms
from triton_models.evaluation.statistics import Statistic

SHOWN = 10  # rows that only one side has right, in the terminal
MATCH = {True: "match", False: "no match"}


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        right: how rightly each row is answered, [rows]: true or false, of an encoder NDCG@10.
        told: each row's answer, in words.
        found, numbers: its label or decision, and its probabilities or score: [rows, …]; not of
            an encoder.
    """

    name: str
    measures: dict[str, Statistic]
    right: np.ndarray
    told: list[str]
    found: np.ndarray | None = None
    numbers: np.ndarray | None = None


def compare(kind: str, one: Path, other: Path, devs: Sequence[Path]) -> Report:
    """Figures of both, their differences, a paired test, and the rows that one has more right.

    An encoder without dev files is asked for the synonyms of our lexicon.
    """
    rows, (a, b) = KINDS[kind](one, other, devs)
    differences = {f"{n}-": statistics.difference(b.measures[n], a.measures[n]) for n in a.measures}
    both = {f"a {n}": s for n, s in a.measures.items()} | {
        f"b {n}": s for n, s in b.measures.items()
    }
    found = statistics.intervals(both | differences, len(rows))
    files = devs or sorted(SOURCE.glob("*.txt"))
    return {
        "kind": "compare",
        "of": kind,
        "a": a.name,
        "b": b.name,
        "dev": [{"file": path.name, "sha256": contract.sha256(path)} for path in files],
        "rows": len(rows),
        "figures": {
            n: {"a": found[f"a {n}"], "b": found[f"b {n}"], "difference": found[f"{n}-"]}
            for n in a.measures
        },
        **(randomisation(a, b) if kind == "encoder" else mcnemar(a, b)),
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


def intent(one: Path, other: Path, devs: Sequence[Path]) -> tuple[list[dict], list[Side]]:
    """The rows and both sides; a label that one side lacks has probability 0 there."""
    both = [answers.of(path, "intent") for path in (one, other)]
    labels = list(dict.fromkeys(label for side in both for label in side.labels))
    rows = of_all(lambda path: labelled_queries(path, labels), devs)
    rows = [row | {"wanted": row["intent"]} for row in rows]
    wanted = np.array([labels.index(row["intent"]) for row in rows])
    sides = []
    for side, name in zip(both, names(one, other), strict=True):
        p = np.zeros((len(rows), len(labels)))
        p[:, [labels.index(label) for label in side.labels]] = side.intent(rows)
        found, sure = p.argmax(axis=1), p.max(axis=1)
        measures = {
            "macro_f1": statistics.macro_f1(wanted, found, len(labels)),
            "accuracy": statistics.mean(found == wanted),
            "auc_roc": statistics.macro_auc(p, wanted),
            "ece": statistics.calibration_error(sure, found == wanted),
        }
        told = [f"{labels[f]} {c:.2f}" for f, c in zip(found, sure, strict=True)]
        sides.append(Side(name, measures, found == wanted, told, found, p))
    return rows, sides


def matching(one: Path, other: Path, devs: Sequence[Path]) -> tuple[list[dict], list[Side]]:
    """The rows and both sides, each at its own threshold."""
    both = [answers.of(path, "matching") for path in (one, other)]
    rows = of_all(judged_pairs, devs)
    rows = [row | {"wanted": MATCH[row["match"] > 0]} for row in rows]
    matches = np.array([row["match"] > 0 for row in rows])
    sides = []
    for side, name in zip(both, names(one, other), strict=True):
        scores, found = side.matching(rows)
        measures = {
            "auc_roc": statistics.auc(scores, matches),
            "average_precision": statistics.average_precision(scores, matches),
            "f1": statistics.f1(found, matches),
            "accuracy": statistics.mean(found == matches),
        }
        told = [f"{MATCH[bool(f)]} {s:.2f}" for f, s in zip(found, scores, strict=True)]
        sides.append(Side(name, measures, found == matches, told, found, scores))
    return rows, sides


def encoder(one: Path, other: Path, devs: Sequence[Path]) -> tuple[list[dict], list[Side]]:
    """The judged queries and both sides' rankings of all their relevant texts."""
    rows = of_all(judged_queries, devs) if devs else synonyms()
    rows = [row | {"wanted": row["relevant"][0]} for row in rows]
    candidates, grades = ranking.pool(rows)
    sides = []
    for path, name in zip((one, other), names(one, other), strict=True):
        vectors = answers.of(path, "encoder").encoder
        asked = vectors([row["query"] for row in rows])
        found = ranking.ranked(asked, vectors(candidates), grades)
        measures = {n: statistics.mean(values) for n, values in found.figures.items()}
        told = [
            f"rank {rank}, first {candidates[first]}"
            for rank, first in zip(found.rank, found.first, strict=True)
        ]
        sides.append(Side(name, measures, found.figures["ndcg@10"], told))
    return rows, sides


KINDS = {"intent": intent, "matching": matching, "encoder": encoder}


def names(one: Path, other: Path) -> tuple[str, str]:
    """What the two are called: their last part, or all of the path where that is the same."""
    last = one.resolve().name, other.resolve().name
    return last if last[0] != last[1] else (str(one), str(other))


def show(report: Report, console: Console) -> None:
    """The comparison in a terminal."""
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
    for side, name in (("only_a", a), ("only_b", b)):
        if report[side]:
            better = "ranks better" if report["of"] == "encoder" else "is right"
            console.print(rows_table(f"only {name} {better} ({side[-1].upper()})", report[side]))


def rows_table(title: str, rows: Sequence[Report]) -> Table:
    more = f", {SHOWN} of {len(rows):,}" if len(rows) > SHOWN else ""
    table = Table(title=Text(f"\n{title}{more}"), title_justify="left", box=None, padding=(0, 2))
    for name in ("query", "wanted", "A", "B"):
        table.add_column(name, overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(*(Text(row[name]) for name in ("query", "wanted", "a", "b")))
    return table
