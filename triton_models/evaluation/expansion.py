"""What the worker's expansions do to a search: BM25 without and with them, on judged queries.

The score of a product is that of the query, and for each expansion its own BM25 score times
WEIGHT × the expansion's score / number of expansions: the weights of `enrich --render`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from triton_models.evaluation import figures, statistics
from triton_models.evaluation.bm25 import Index
from triton_models.evaluation.judged import TEXT, Judged, judgements, products, relevant
from triton_models.settings import UsageError

WEIGHT = 0.2  # of `enrich --render`, by default
DEPTH, RECALL_DEPTH = 10, 100
HARM = 0.05  # a loss of NDCG@10 that a shopper would notice
SHOWN = 5
WRONG_USAGE = 2  # the exit code of `enrich`
NDCG, RECALL = f"ndcg@{DEPTH}", f"recall@{RECALL_DEPTH}"
Expansions = list[tuple[str, float]]
Report = dict[str, Any]


def evaluate(
    catalogue: Path,
    judged: Path,
    lexicon: Path | None = None,
    events: Path | None = None,
    fields: Sequence[str] | None = None,
) -> Report:
    """The report of a catalogue's judged queries.

    Args:
        lexicon: folder of the worker's lexicon; None is the starter's.
        events: what `enrich` made of the queries; None runs it.
        fields: of the catalogue, whose texts are searched; None are the usual ones.

    Raises:
        UsageError: a file cannot be used.
        RuntimeError: `enrich` failed.
    """
    ids, texts = products(catalogue, fields or TEXT)
    queries = judgements(judged, ids)
    if events:
        expansions = read_enriched(events, queries.queries)
    else:
        expansions = enriched(queries.queries, lexicon)
    return report(Index(texts), queries, expansions)


def enriched(queries: Sequence[str], lexicon: Path | None) -> list[Expansions]:
    """The expansions that `query-worker enrich` gives each query.

    A subprocess, as the models' kit imports nothing of the worker.

    Raises:
        UsageError: it cannot use the lexicon.
        RuntimeError: it failed; the message has its last error.
    """
    flags = ["--set", f"lexicon.folder={lexicon.resolve()}"] if lexicon else []
    events = "".join(json.dumps({"query": query}) + "\n" for query in queries)
    program = [sys.executable, "-m", "worker", "enrich", *flags]
    done = subprocess.run(program, input=events, capture_output=True, text=True)
    if done.returncode == WRONG_USAGE:
        raise UsageError(done.stderr.strip()[-500:])
    lines = done.stdout.splitlines()
    if len(lines) != len(queries):  # a query that is refused has its error there
        raise RuntimeError(done.stderr.strip()[-500:])
    return [_expansions(json.loads(line)) for line in lines]


def read_enriched(file: Path, queries: Sequence[str]) -> list[Expansions]:
    """The expansions of each query in a file of enriched events, in any order.

    Raises:
        UsageError: the file is not one of output events, or a query is not in it.
    """
    try:
        events = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        found = {event["query"]: _expansions(event) for event in events if "query" in event}
    except (OSError, ValueError, TypeError, KeyError) as error:
        remedy = "give a file that `query-worker enrich` wrote"
        raise UsageError(f"{file}: no enriched events ({error}); {remedy}") from None
    if missing := [query for query in queries if query not in found]:
        remedy = "enrich the judged queries"
        raise UsageError(
            f"{file}: no event for {len(missing)} of the judged queries, the first "
            f"{missing[0]!r}; {remedy}"
        )
    return [found[query] for query in queries]


def _expansions(event: dict[str, Any]) -> Expansions:
    return [(one["term"], one["score"]) for one in event.get("expansions", ())]


@dataclass(frozen=True)
class Search:
    """NDCG@10 and recall@100 of every query, [queries]."""

    ndcg: np.ndarray
    recall: np.ndarray


def report(index: Index, judged: Judged, expansions: Sequence[Expansions]) -> Report:
    """The figures without and with expansions, their paired differences, and the harm done."""
    plain = [index.scores(query) for query in judged.queries]
    expanded = [
        scores + added(index.scores, terms) for scores, terms in zip(plain, expansions, strict=True)
    ]
    before, after = measured(plain, judged), measured(expanded, judged)
    return {
        "documents": index.documents,
        "queries": len(judged.queries),
        "expanded": sum(map(bool, expansions)),
        "figures": _figures(before, after),
        "harm": _harm(judged.queries, before.ndcg, after.ndcg, expansions),
    }


def added(scores: Callable[[str], np.ndarray], expansions: Expansions) -> np.ndarray | float:
    """What the expansions add to every document's score."""
    share = WEIGHT / max(1, len(expansions))
    return sum((share * score * scores(term) for term, score in expansions), 0.0)


def measured(scores: Iterable[np.ndarray], judged: Judged) -> Search:
    """The figures of each query's scores [documents]; documents of score 0 are not found."""
    ndcg, recall = [], []
    for of_query, grades in zip(scores, judged.grades, strict=True):
        top = np.argsort(-of_query, kind="stable")[:RECALL_DEPTH]
        found = [int(document) for document in top if of_query[document] > 0]
        gains = np.zeros(max(DEPTH, len(found)))
        gains[: len(found)] = [grades.get(document, 0.0) for document in found]
        ideal = np.sort([*grades.values(), *[0.0] * DEPTH])[::-1]
        ndcg.append(figures.gain(gains, DEPTH) / figures.gain(ideal, DEPTH))
        right = relevant(grades)
        recall.append(len(right.intersection(found)) / len(right))
    return Search(np.array(ndcg), np.array(recall))


def _figures(before: Search, after: Search) -> Report:
    both = {NDCG: (before.ndcg, after.ndcg), RECALL: (before.recall, after.recall)}
    measures = {}
    for name, (old, new) in both.items():
        sides = {"without": statistics.mean(old), "with": statistics.mean(new)}
        sides["difference"] = statistics.difference(sides["with"], sides["without"])
        measures |= {f"{name} {side}": measure for side, measure in sides.items()}
    found = statistics.intervals(measures, len(before.ndcg))
    told = {
        name: {side: found[f"{name} {side}"] for side in ("without", "with", "difference")}
        for name in both
    }
    for name, (old, new) in both.items():
        told[name]["p"] = statistics.randomisation(new - old)
    return told


def _harm(
    queries: Sequence[str], before: np.ndarray, after: np.ndarray, expansions: Sequence[Expansions]
) -> Report:
    change = after - before
    worst = [int(i) for i in np.argsort(change, kind="stable")[:SHOWN] if change[i] < 0]
    return {
        "loss": HARM,
        "queries": int((change < -HARM).sum()),
        "better": int((change > HARM).sum()),
        "worst": [
            {
                "query": queries[i],
                "ndcg": [round(float(before[i]), 4), round(float(after[i]), 4)],
                "expansions": [term for term, _ in expansions[i]],
            }
            for i in worst
        ],
    }


def show(found: Report, console: Console) -> None:
    """The report as tables."""
    told = f"{found['queries']} queries, {found['expanded']} of them expanded"
    table = Table(title=f"{found['documents']:,} products, {told}")
    for column in ("", "BM25", "with expansions", "difference", "95 % interval", "p"):
        table.add_column(column, justify="left" if not column else "right")
    for name, sides in found["figures"].items():
        values = (f"{sides[side]['value']:.3f}" for side in ("without", "with"))
        change = sides["difference"]
        interval = f"{change['low']:+.3f} to {change['high']:+.3f}"
        table.add_row(name, *values, f"{change['value']:+.3f}", interval, f"{sides['p']:.3f}")
    console.print(table)
    harm = found["harm"]
    console.print(f"NDCG lower by more than {HARM}: {harm['queries']}, higher: {harm['better']}")
    for one in harm["worst"]:
        old, new = one["ndcg"]
        console.print(
            f"  {old:.3f} to {new:.3f}  {one['query']}: {', '.join(one['expansions'])}",
            markup=False,
            highlight=False,
        )
