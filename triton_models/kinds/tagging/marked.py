"""Spans written into their text: `[red|color] [running shoes|product] size 10`.

A person reads and corrects them so in a spreadsheet. `[`, `|`, `]` and `\\` of the text itself have
a `\\` before them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from triton_models.kinds.tagging.words import Span, tagged, words_of

SIGN = re.compile(r"\\(?P<own>.)|(?P<mark>[\[|\]])", re.DOTALL)
FORM = "write a span as [text|tag]"


def mark(text: str, spans: Sequence[Span]) -> str:
    """A text with its spans, which do not overlap."""
    parts, end = [], 0
    for span in sorted(spans):
        parts.append(_escaped(text[end : span.start]))
        parts.append(f"[{_escaped(text[span.start : span.end])}|{_escaped(span.tag)}]")
        end = span.end
    return "".join([*parts, _escaped(text[end:])])


def read(marked: str) -> tuple[str, tuple[Span, ...]]:
    """The text and its spans. Raises ValueError that says what is wrong."""
    text, spans, end = "", [], 0
    start = at = None  # where the span begins, and where its tag does
    for found in SIGN.finditer(marked):
        text += marked[end : found.start()]
        end = found.end()
        sign = found["mark"]
        if sign is None:
            text += found["own"]
        elif sign == "[" and start is None:
            start = len(text)
        elif sign == "|" and start is not None and at is None:
            at = len(text)
        elif sign == "]" and at is not None:
            tag, text = text[at:].strip(), text[:at]
            if not tag or at == start:
                raise ValueError(f"a span without text or tag; {FORM}")
            spans.append(Span(start, at, tag))
            start = at = None
        else:
            raise ValueError(f"{sign!r} out of place; {FORM}, and \\{sign} for the sign itself")
    if start is not None:
        raise ValueError(f"a span that does not end; {FORM}")
    text += marked[end:]
    tagged(words_of(text), spans)
    return text, tuple(spans)


def _escaped(text: str) -> str:
    return re.sub(r"([\\\[|\]])", r"\\\1", text)
