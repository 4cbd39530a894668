"""The words of a query without those that became filters and exclusions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_NEGATION = re.compile(
    r"(?:(?<!\w)(?:without|w/o|minus|except(?: for)?|excluding|excl\.?|sans|other than|apart from"
    r"|aside from|anything but|free (?:of|from)|(?:but |and )?(?:not|no|non))[\s-]+"
    r"(?:(?:a|an|the|any|for|too|very|added|artificial|made of|from|with|in|by)\s+)*|(?<!\S)-)$"
)
_FREE = re.compile(r"[\s-]*free(?!\w)")
_LACKS = re.compile(r"without|w/o|sans|free|(?:but |and )?no[\s-]")
_LESS = re.compile(r"less(?!\w)")
_JOINED = re.compile(r"[\s,;&/]*(?:(?:and|or|nor)[\s,]+)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_EDGES = " \t,;&-"


class Span(NamedTuple):
    """Characters [start, end) of the normalized query."""

    start: int
    end: int


class Negation(NamedTuple):
    """What a query excludes, with the words that negate it.

    Attributes:
        span: what to take out of the text; None of a word in -less, which documents have as well.
        lacks: whether it is an ingredient or a part: "without", "no", "-free", "-less". Documents
            that lack it name it so, where "not nike" is on no label.
    """

    span: Span | None
    lacks: bool


def negations(form: str, excluded: Sequence[Span]) -> Iterator[Negation]:
    """One for each span of the normalized query, in order."""
    last, lacks = None, False
    for start, end in excluded:
        if _LESS.match(form, end):
            yield Negation(None, True)
            continue
        before, free = _NEGATION.search(form[:start]), _FREE.match(form, end)
        first = before.start() if before else start
        if last is not None and _JOINED.fullmatch(form, last, first):
            first = last
        else:
            lacks = False
        lacks = lacks or bool(free) or bool(before and _LACKS.match(before.group()))
        last = free.end() if free else end
        yield Negation(Span(first, last), lacks)


def left(form: str, corrected: str | None, cut: Iterable[Span]) -> str:
    """The normalized query as it is corrected, without these characters of it."""
    cuts = sorted(cut)
    edits = [(span.start, span.end, " ") for span in cuts]
    for start, end, words in _corrections(form, corrected) if corrected else ():
        if all(end <= span.start or span.end <= start for span in cuts):
            edits.append((start, end, words))
    text, at = "", 0
    for start, end, words in sorted(edits):
        if end > at:
            text += form[at:start] + words
            at = end
    return _spaced(text + form[at:]).strip(_EDGES)


def without(text: str, cut: Sequence[str]) -> str:
    """A text without these words, where it has them."""
    for words in filter(None, cut):
        text = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", " ", text)
    return _spaced(text)


def without_control(text: str) -> str:
    """A space for each run of control characters, which Solr takes for a word."""
    return _CONTROL.sub(" ", text)


def _spaced(text: str) -> str:
    """One space between words, and no control character."""
    return " ".join(without_control(text).split())


def _corrections(form: str, corrected: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and new words for each run of words that the correction changes."""
    old, new = list(re.finditer(r"\S+", form)), corrected.split()
    matcher = SequenceMatcher(None, [word.group() for word in old], new, autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag == "replace":
            yield old[first].start(), old[last - 1].end(), " ".join(new[new_first:new_last])
