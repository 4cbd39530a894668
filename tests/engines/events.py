"""Enriched events with any texts, for what is made of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

PIECES = (
    *"+-&|!(){}[]^\"'~*?:\\/<>=@#$%,.;`_\n\t\x01\x7f",
    *("&&", "||", "AND", "OR", "NOT", "TO", "{!lucene}", "*:*", "/*", "--", "\\u0022", "\\"),
    *("shoe", "größe", "東京", "كتاب", "👟", "e\u0301", "\u200b", "\u2028", "7 1/2", " ", "a"),
)


def odd_text(draw: random.Random) -> str:
    """1 to 12 pieces of syntax and words, at least one character of them visible."""
    return "".join(draw.choices(PIECES, k=draw.randint(1, 12))) + draw.choice("a\"\\)'")


def event(
    form: str,
    expansions: Sequence[tuple[str, float]] = (),
    exclusions: Sequence[str] = (),
    categories: Sequence[tuple[str, float]] = (),
    attributes: Sequence[dict[str, Any]] = (),
    corrected: str | None = None,
) -> dict[str, Any]:
    """An output event; exclusions stand in `form`, whose first place they have."""
    starts = [(term, form.index(term)) for term in exclusions]
    return {
        "query": form,
        "normalized_query": form,
        "language": "en",
        "correction": corrected and {"query": corrected, "confidence": 0.95},
        "intent": {"label": "browse", "confidence": 0.9, "scores": {"browse": 0.9}},
        "expansions": [{"term": t, "score": s, "source": "synonym"} for t, s in expansions],
        "exclusions": [{"term": t, "start": s, "end": s + len(t)} for t, s in starts],
        "categories": [{"path": path, "score": score} for path, score in categories],
        "attributes": list(attributes),
        "status": "complete",
        "degraded": [],
    }
