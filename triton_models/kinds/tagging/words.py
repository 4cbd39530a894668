"""Words of a query, the pieces of a tokenizer that begin them, and spans over them.

A word is a run of letters and digits, a sign, or a character of a script without spaces, so that
a span may end inside of "sugar-free". The first piece of a word carries its tag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tokenizers import Encoding

from triton_models.kinds.tagging import OUTSIDE

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
