"""Figures of spans: one counts as right when its characters and its tag are those wanted.

The same numbers as of seqeval on BIO labels of words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triton_models.evaluation import statistics
from triton_models.kinds.tagging.words import Span

NOTHING = "(none)"
BOUNDS = "(other bounds)"

Spans = Sequence[Span]


def counts(wanted: Sequence[Spans], found: Sequence[Spans], tags: Sequence[str]) -> np.ndarray:
    """Of each query and tag: right, found and wanted spans. [queries, tags, 3]."""
    column = {tag: i for i, tag in enumerate(tags)}
    table = np.zeros((len(wanted), len(tags), 3))
    for row, (mine, theirs) in enumerate(zip(wanted, found, strict=True)):
        for place, spans in enumerate((set(mine) & set(theirs), theirs, mine)):
            for span in spans:
                table[row, column[span.tag], place] += 1
    return table


def judged(
    wanted: Sequence[Spans], found: Sequence[Spans], tags: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """`counts`, and whether all spans of each query are right: [queries]."""
    right = np.array([set(a) == set(b) for a, b in zip(wanted, found, strict=True)])
    return counts(wanted, found, tags), right


def by_tag(table: np.ndarray, tags: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, f1 and count of each tag."""
    found = {}
    for tag, (right, said, count) in zip(tags, table.sum(axis=0), strict=True):
        found[tag] = {
            "precision": right / said if said else 0.0,
            "recall": right / count if count else 0.0,
            "f1": 2 * right / (said + count) if right else 0.0,
            "count": int(count),
        }
    return found


def figures(table: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """The figures of all tags; `right` says of each query whether all its spans are."""
    return {n: statistics.value(s, len(table)) for n, s in measures(table, right).items()}


def measures(table: np.ndarray, right: np.ndarray) -> dict[str, statistics.Statistic]:
    """Micro-F1, precision and recall of spans, macro-F1 of tags, share of queries all right."""
    hits, said, count = table.sum(axis=1).T
    return {
        "micro_f1": lambda draws: ratio(2 * (draws @ hits), draws @ (said + count)),
        "precision": lambda draws: ratio(draws @ hits, draws @ said),
        "recall": lambda draws: ratio(draws @ hits, draws @ count),
        "macro_f1": lambda draws: _macro(*(draws @ table[:, :, i] for i in range(3))),
        "whole_queries": statistics.mean(right),
    }


def _macro(hits: np.ndarray, said: np.ndarray, count: np.ndarray) -> np.ndarray:
    f1 = np.where(count > 0, ratio(2 * hits, said + count), 0.0)
    return ratio(np.nan_to_num(f1).sum(axis=1), (count > 0).sum(axis=1))


def ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.divide(over, under, out=np.zeros(np.shape(over)), where=np.asarray(under) > 0)


def confusion(wanted: Sequence[Spans], found: Sequence[Spans], tags: Sequence[str]) -> np.ndarray:
    """How often each tag [rows] was taken for each [columns], spans with the same bounds.

    The last two rows and columns are other bounds (the two overlap) and none at all.
    """
    names = [*tags, BOUNDS, NOTHING]
    cell = {name: i for i, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=int)
    for mine, theirs in zip(wanted, found, strict=True):
        for span in mine:
            table[cell[span.tag], cell[partner(span, theirs)]] += 1
        for span in theirs:
            if (other := partner(span, mine)) in (BOUNDS, NOTHING):
                table[cell[other], cell[span.tag]] += 1
    return table


def partner(span: Span, others: Spans) -> str:
    same = next((o.tag for o in others if o[:2] == span[:2]), None)
    if same is not None:
        return same
    overlaps = any(o.start < span.end and o.end > span.start for o in others)
    return BOUNDS if overlaps else NOTHING
