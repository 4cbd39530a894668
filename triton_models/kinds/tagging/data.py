"""Tagged queries of files: JSON lines with tokens and their tags, or a query and its spans.

    {"tokens": ["red", "running", "shoes"], "tags": ["B-color", "B-product", "I-product"]}
    {"query": "Red running shoes", "spans": [{"start": 0, "end": 3, "tag": "color"}]}

Spans are characters of the query as it is written. What is learned from and judged is the query
in its normal form, as the worker reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from triton_models.data import records
from triton_models.data.describe import normal_form
from triton_models.kinds.tagging import OUTSIDE
from triton_models.kinds.tagging.words import Span, spans_of, tagged, words_of
from triton_models.settings import UsageError

TAGS = ("tags", "labels", "ner_tags")
BESIDE = ("style", "source", "language")  # makes slices of a report


@dataclass(frozen=True)
class Tagged:
    """A query in normal form with its spans.

    Attributes:
        labels: of its words, in BIO.
        about: style, source, language and count, where the row has them.
    """

    text: str
    spans: tuple[Span, ...]
    labels: tuple[str, ...]
    about: dict[str, Any] = field(default_factory=dict, compare=False)


def read(place: Path | str) -> list[Tagged]:
    """The queries of a file, each once.

    Raises UsageError that names the file and the first line that is wrong.
    """
    path = Path(place)

    def blame(line: int, fault: str) -> NoReturn:
        raise UsageError(f"{path}:{line}: {fault}" if line else f"{path}: {fault}")

    found: dict[str, Tagged] = {}
    for line, row in records.read(path, "", blame):
        try:
            one = example(row)
        except ValueError as fault:
            blame(line, f"{fault}; correct the line")
        found.setdefault(one.text, one)
    if not found:
        raise UsageError(f"{path}: no tagged query in it; give JSON lines with tokens and tags")
    return list(found.values())


def read_all(places: Sequence[Path]) -> list[Tagged]:
    """The queries of several files; where there are several, a row without a source gets its
    file's name for one.

    Raises UsageError as `read` does, or when no file is given.
    """
    if not places:
        raise UsageError("there is no dev set of ours for tagging: give --dev your tagged queries")
    found = []
    for place in places:
        name = {"source": Path(place).stem} if len(places) > 1 else {}
        found += [replace(one, about=name | one.about) for one in read(place)]
    return found


def example(row: dict[str, Any]) -> Tagged:
    """A row as an example; ValueError tells what is wrong with it."""
    text, spans = _of_tokens(row) if "tokens" in row else _of_query(row)
    labels = tagged(words_of(text), spans)
    about = {name: row[name] for name in BESIDE if isinstance(row.get(name), str)}
    if type(row.get("count")) in (int, float):
        about["count"] = row["count"]
    return Tagged(text, tuple(sorted(spans)), tuple(labels), about)


def _of_tokens(row: dict[str, Any]) -> tuple[str, list[Span]]:
    tokens, labels = row["tokens"], next((row[name] for name in TAGS if name in row), None)
    if not _texts(tokens):
        raise ValueError(f"tokens: found {tokens!r:.60}, expected a list of texts")
    if not _texts(labels) or len(labels) != len(tokens):
        raise ValueError(f"tags: found {labels!r:.60}, expected one for each token")
    if odd := [x for x in labels if x != OUTSIDE and (x[:2] not in ("B-", "I-") or not x[2:])]:
        raise ValueError(f"tags: found {odd[0]!r}, expected O, B-tag or I-tag")
    kept = [(form, x) for t, x in zip(tokens, labels, strict=True) if (form := normal_form(t))]
    words, start = [], 0
    for form, _ in kept:
        words.append((start, start + len(form)))
        start += len(form) + 1
    text = " ".join(form for form, _ in kept)
    if not text:
        raise ValueError("tokens: no visible character in them")
    return text, spans_of(words, [x for _, x in kept])


def _of_query(row: dict[str, Any]) -> tuple[str, list[Span]]:
    query, spans = row.get("query"), row.get("spans")
    if not isinstance(query, str) or not normal_form(query):
        raise ValueError(f"query: found {query!r:.60}, expected text")
    if not isinstance(spans, list):
        raise ValueError(f"spans: found {spans!r:.60}, expected a list")
    return normal_form(query), [_placed(query, span) for span in spans]


def _placed(query: str, span: Any) -> Span:
    """A span of the query as written, in its normal form."""
    try:
        start, end, tag = span["start"], span["end"], span["tag"]
        fits = 0 <= start < end <= len(query) and isinstance(tag, str) and tag != ""
    except (TypeError, KeyError):
        fits = False
    if not fits:
        raise ValueError(f"spans: found {span!r:.60}, expected start, end and tag inside the query")
    form, inside = normal_form(query), normal_form(query[start:end])
    before = normal_form(query[:start])
    at = len(before) + form[len(before) :].startswith(" ") if before else 0
    if not inside or form[at : at + len(inside)] != inside:
        raise ValueError(f"spans: {query[start:end]!r:.60} is no part of the normal form {form!r}")
    return Span(at, at + len(inside), tag)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def tags_of(found: Iterable[Tagged]) -> tuple[str, ...]:
    return tuple(sorted({span.tag for one in found for span in one.spans}))


def digest(found: Sequence[Tagged]) -> str:
    """The SHA-256 of queries with their spans, in their order."""
    rows = (json.dumps([one.text, *one.spans], ensure_ascii=False) for one in found)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
