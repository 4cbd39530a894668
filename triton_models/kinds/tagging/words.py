"""Words of a query, the pieces of a tokenizer that begin them, and spans over them.

A word is a run of letters and digits, a sign, or a character of a script without spaces, so that
a span may end inside of "sugar-free". The first piece of a word carries its tag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tokenizers import Encoding

from triton_models.kinds.tagging import OUTSIDE
from triton_models.query_text import normal_form

ALONE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{ALONE}]|(?:(?![{ALONE}])[^\W_])+|[^\w\s]|_")
NOT_READ = -1  # the piece of a word beyond the model's length

Place = tuple[int, int]  # characters, [start, end)


class Span(NamedTuple):
    """Characters [start, end) of a text with a tag."""

    start: int
    end: int
    tag: str


def words_of(text: str) -> list[Place]:
    return [found.span() for found in WORD.finditer(text)]


def first_pieces(encoding: Encoding, words: Sequence[Place]) -> list[int]:
    """The place of each word's first piece in the model's sequence, or `NOT_READ`."""
    pieces = [
        (place, *offsets)
        for place, (offsets, sequence) in enumerate(
            zip(encoding.offsets, encoding.sequence_ids, strict=True)
        )
        if sequence == 0 and offsets[0] < offsets[1]
    ]
    found, at = [], 0
    for start, end in words:
        while at < len(pieces) and pieces[at][2] <= start:
            at += 1
        read = at < len(pieces) and pieces[at][1] < end
        found.append(pieces[at][0] if read else NOT_READ)
    return found


def labels_of(tags: Sequence[str]) -> tuple[str, ...]:
    """The labels of a model with these tags: O, then B and I of each."""
    return (OUTSIDE, *(f"{part}-{tag}" for tag in sorted(tags) for part in "BI"))


def tagged(words: Sequence[Place], spans: Sequence[Span]) -> list[str]:
    """The label of each word. Raises ValueError for a span that does not cover whole words, or
    covers one that another has.
    """
    labels = [OUTSIDE] * len(words)
    for span in spans:
        mine = [i for i, (start, end) in enumerate(words) if start < span.end and end > span.start]
        if not mine or (words[mine[0]][0], words[mine[-1]][1]) != span[:2]:
            raise ValueError(f"the span {span.start} to {span.end} does not cover whole words")
        if any(labels[i] != OUTSIDE for i in mine):
            raise ValueError(f"the span {span.start} to {span.end} overlaps another")
        labels[mine[0]] = f"B-{span.tag}"
        for i in mine[1:]:
            labels[i] = f"I-{span.tag}"
    return labels


def spans_of(words: Sequence[Place], labels: Sequence[str]) -> list[Span]:
    """The spans that labels tell; an I that continues nothing begins a span."""
    spans: list[Span] = []
    before = OUTSIDE
    for (start, end), label in zip(words, labels, strict=True):
        part, _, tag = label.partition("-")
        if part == "I" and before.partition("-")[2] == tag and before != OUTSIDE:
            spans[-1] = Span(spans[-1].start, end, tag)
        elif label != OUTSIDE:
            spans.append(Span(start, end, tag))
        before = label
    return spans


def in_normal_form(row: dict[str, Any]) -> tuple[str, list[Span]]:
    """The normal form of a query, and its spans there: of a row with `tokens` and their `tags`, or
    with `query` and `spans`, which are characters of the query as it is written.

    Raises ValueError that says what is wrong with the row.
    """
    text, spans = _of_query(row) if row.get("tokens") is None else _of_tokens(row)
    tagged(words_of(text), spans)
    return text, spans


def _of_tokens(row: dict[str, Any]) -> tuple[str, list[Span]]:
    tokens, labels = row["tokens"], row.get("tags")
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
