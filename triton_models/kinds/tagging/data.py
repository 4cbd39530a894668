"""Tagged queries of files: JSON lines with tokens and their tags, or a query and its spans.

    {"tokens": ["red", "running", "shoes"], "tags": ["B-color", "B-product", "I-product"]}
    {"query": "Red running shoes", "spans": [{"start": 0, "end": 3, "tag": "color"}]}

Spans are characters of the query as it is written. What is learned from and judged is the query
in its normal form, as the worker reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from triton_models.data import named, records
from triton_models.data.columns import COLUMNS
from triton_models.data.manifest import NO_LISTS
from triton_models.data.rows import TaggedQuery
from triton_models.kinds.tagging.words import Span, in_normal_form, tagged, words_of
from triton_models.settings import UsageError

BESIDE = ("style", "source", "language")  # makes slices of a report


@dataclass(frozen=True)
class Tagged:
    """A query in normal form with its spans.

    Attributes:
        labels: of its words, in BIO.
        about: style, source, language and count, where the row has them.
        weight: how much its words count in the loss.
    """

    text: str
    spans: tuple[Span, ...]
    labels: tuple[str, ...]
    about: dict[str, Any] = field(default_factory=dict, compare=False)
    weight: float = 1.0


def read(place: named.Given) -> list[Tagged]:
    """The queries of a file, each once; UsageError as `every` has it."""
    return once(every(place))


def once(found: Iterable[Tagged]) -> list[Tagged]:
    """Of each query the first."""
    first: dict[str, Tagged] = {}
    for one in found:
        first.setdefault(one.text, one)
    return list(first.values())


def every(place: named.Given) -> list[Tagged]:
    """The queries of a file.

    Raises UsageError that names the file and the first line that is wrong, and for `--columns`.
    """
    path = Path(str(place))
    named.given_of("tagged", named.columns_of(place))
    blame = records.refusing(path)
    if records.kind(path) in records.BETWEEN:
        blame(0, NO_LISTS)
    found = []
    for line, row in records.read(path, "", blame):
        try:
            one = example(row)
        except ValueError as fault:
            blame(line, f"{fault}; correct the line")
        found.append(one)
    if not found:
        raise UsageError(f"{path}: no tagged query in it; give JSON lines with tokens and tags")
    return found


def read_all(places: Sequence[named.Given]) -> list[Tagged]:
    """The queries of several files; where there are several, a row without a source gets its
    file's name for one.

    Raises UsageError as `read` does.
    """
    found = []
    for place in places:
        name = {"source": Path(str(place)).stem} if len(places) > 1 else {}
        found += [replace(one, about=name | one.about) for one in read(place)]
    return found


def example(row: dict[str, Any]) -> Tagged:
    """A row as an example; ValueError tells what is wrong with it."""
    tags = next((row[name] for name in COLUMNS["tagged"]["tags?"] if name in row), None)
    text, spans = in_normal_form({"tags": tags} | row)
    about = {name: row[name] for name in BESIDE if isinstance(row.get(name), str)}
    if type(row.get("count")) in (int, float):
        about["count"] = row["count"]
    return _of(text, spans, about)


def of_manifest(rows: Iterable[TaggedQuery], weights: Mapping[str, float]) -> list[Tagged]:
    """Tagged queries that a manifest names."""
    return [
        _of(
            row.form,
            [Span(*span) for span in row.spans],
            {"source": row.source},
            weights[row.source],
        )
        for row in rows
    ]


def _of(text: str, spans: Sequence[Span], about: dict[str, Any], weight: float = 1.0) -> Tagged:
    labels = tagged(words_of(text), spans)
    return Tagged(text, tuple(sorted(spans)), tuple(labels), about, weight)


def tags_of(found: Iterable[Tagged]) -> tuple[str, ...]:
    return tuple(sorted({span.tag for one in found for span in one.spans}))


def tag_counts(found: Iterable[Tagged]) -> dict[str, int]:
    """How many spans each tag has."""
    return dict(sorted(Counter(span.tag for one in found for span in one.spans).items()))


def digest(found: Sequence[Tagged]) -> str:
    """The SHA-256 of queries with their spans, in their order."""
    rows = (json.dumps([one.text, *one.spans, one.weight], ensure_ascii=False) for one in found)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
