"""What is in a data set: counts, repetitions, contradictions, and leaks between its sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from triton_models.data import dataset, describe, near
from triton_models.data.rows import DataSet, Query, Row, TaggedQuery
from triton_models.query_text import normal_form

EXAMPLES = 10  # of each list in the report
LENGTHS = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 8), (9, 12), (13, 20), (21, 10_000))  # words
GRADES = 4  # bands from 0 to 1
SIDES = ("train", "dev")
Report = dict[str, Any]


def report(data: DataSet) -> Report:
    """The figures of a data set as they are, before leaks are dropped; plain JSON."""
    labelled = [row for row in data.queries if row.intent]
    asked = list({(row.form, row.dev): row for row in data.asked}.values())
    return {
        "manifest": str(data.manifest.path),
        "sha256": data.manifest.fingerprint(),
        "sources": sources(data),
        "labels": table(labelled, lambda q: q.intent, side),
        "labels_by_source": table(labelled, lambda q: q.source, lambda q: q.intent),
        "labels_by_style": table(labelled, lambda q: q.style, lambda q: q.intent),
        "told_by": told_by(labelled),
        "lengths": lengths(asked),
        "languages": table(asked, lambda q: describe.language(q.form), side),
        "duplicates": duplicates(data.queries),
        "conflicts": conflicts(data),
        "pairs": pairs(data),
        "leaks": {
            "keys": len(data.both_sides()),
            "queries": leaks(data.asked),
            "titles": leaks(data.products),
        },
    }


def side(row: Row) -> str:
    return SIDES[row.dev]


def table(rows: Iterable[Any], down: Callable, across: Callable) -> dict[str, dict[str, int]]:
    """Counts by two properties, the most frequent first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[down(row)][across(row)] += 1
    order = sorted(found, key=lambda name: (-found[name].total(), name))
    return {name: dict(sorted(found[name].items())) for name in order}


def sources(data: DataSet) -> list[dict[str, Any]]:
    """What the manifest says of each source, and how many rows of it there are."""
    counts = Counter((row.source, row.dev) for row in data.rows)
    return [
        {
            "name": s.name,
            "format": s.format,
            "licence": s.licence,
            "split": s.split if s.split != "by_key" else f"by {s.key or 'key'}, {s.dev_share} %",
            "weight": s.weight,
            "train": counts[s.name, False],
            "dev": counts[s.name, True],
            "left_out": data.left_out[s.name],
        }
        for s in data.manifest.sources
    ]


def told_by(queries: Sequence[Query]) -> dict[str, float]:
    """How often a guess of the label is right that knows the source, the style or nothing.

    Where the source tells nearly all, a model may learn the source instead of the meaning.
    """

    def right(known: Callable[[Query], str]) -> float:
        found = table(queries, known, lambda q: q.intent)
        return sum(max(row.values()) for row in found.values()) / len(queries)

    if not queries:
        return {}
    known = {"nothing": lambda q: "", "source": lambda q: q.source, "style": lambda q: q.style}
    return {name: right(value) for name, value in known.items()}


def lengths(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Counts by the number of words."""
    found = {name: dict.fromkeys(SIDES, 0) for name in map(_span, LENGTHS)}
    for row in rows:
        words = row.form.count(" ") + 1
        span = next(s for s in LENGTHS if words <= s[1])
        found[_span(span)][side(row)] += 1
    return found


def _span(span: tuple[int, int]) -> str:
    first, last = span
    return str(first) if first == last else f"{first}-{last}" if last < 1000 else f"{first}+"


def duplicates(queries: Sequence[Query]) -> Report:
    """Queries of one normal form."""
    times = Counter(row.form for row in queries)
    often = [(form, n) for form, n in times.most_common(EXAMPLES) if n > 1]
    return {"repeated": len(queries) - len(times), "rows": len(queries), "examples": often}


def conflicts(data: DataSet) -> Report:
    """Queries and pairs in normal form with more than one label, spans or grade, and where each
    stands."""
    said = [("label", q.form, q.intent, q) for q in data.queries if q.intent]
    said += [("spans", row.form, spans(row), row) for row in data.tagged]
    said += [
        ("grade", f"{row.form} / {normal_form(row.term)}", f"{row.grade:g}", row)
        for row in data.pairs
    ]
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for what, form, label, row in said:
        found[what, form].setdefault(label, f"{row.source}:{row.line}")
    several = [(*key, labels) for key, labels in found.items() if len(labels) > 1]
    examples: dict[str, dict[str, str]] = {}
    for what, form, labels in several[:EXAMPLES]:
        examples[f"{form} ({what})" if form in examples else form] = labels
    return {"forms": len(several), "examples": examples}


def spans(row: TaggedQuery) -> str:
    """The spans of a tagged query, as red = color + shoe = product."""
    return " + ".join(f"{row.form[start:end]} = {tag}" for start, end, tag in row.spans) or "none"


def pairs(data: DataSet) -> dict[str, dict[str, int]]:
    """Graded pairs of every source, those of catalogues and clicks made: sides and grades."""
    found = dataset.pairs_by_side(data)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, listed in zip(SIDES, found, strict=True):
        for pair in listed:
            counts[pair.source][name] += 1
            counts[pair.source][_band(pair.grade)] += 1
    columns = [*SIDES, *(_band(i / GRADES) for i in range(GRADES))]
    return {source: {c: row[c] for c in columns} for source, row in counts.items()}


def _band(grade: float) -> str:
    band = min(int(grade * GRADES), GRADES - 1)
    return f"{band / GRADES:g} to {(band + 1) / GRADES:g}"


def leaks(rows: Sequence[Row]) -> Report:
    """Dev texts that training has too: in the same normal form, or nearly so."""
    learned = {row.form: row for row in rows if not row.dev}
    dev = {row.form: row for row in rows if row.dev}
    exact = [form for form in dev if form in learned]
    rest, known = [form for form in dev if form not in learned], list(learned)
    best, score = near.nearest(rest, known)
    places = sorted(np.flatnonzero(best >= 0).tolist(), key=lambda i: -score[i])
    like = [(dev[rest[i]], learned[known[best[i]]], float(score[i])) for i in places]
    same = [(dev[form], learned[form], 1.0) for form in exact]
    return {
        "dev": len(dev),
        "exact": len(exact),
        "near": len(like),
        "examples": [_example(*found) for found in same[:EXAMPLES] + like[:EXAMPLES]],
    }


def _example(mine: Row, theirs: Row, similarity: float) -> Report:
    return {
        "dev": mine.form,
        "dev_place": f"{mine.source}:{mine.line}",
        "train": theirs.form,
        "train_place": f"{theirs.source}:{theirs.line}",
        "similarity": round(similarity, 3),
    }
