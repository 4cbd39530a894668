"""Which side of the split a key is on: learned from, or dev."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

DEV_SHARE = 15  # percent of the keys


@dataclass(frozen=True)
class Labelled:
    """A query with its intent, the set it came from, its category and its sentiment, "" for
    none."""

    query: str
    intent: str
    source: str
    category: str = ""
    sentiment: str = ""


def is_dev(key: str) -> bool:
    """Whether a key (a query, a product cluster) belongs to the development side."""
    digest = hashlib.sha256(f"dev:{key.casefold()}".encode()).hexdigest()
    return int(digest[:8], 16) % 100 < DEV_SHARE
