"""Which side of the split a key is on: learned from, or dev."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
DEV_SHARE = 15  # percent of the keys
FEWEST = 2  # examples of a label, below which it cannot be learned


def is_dev(key: str, share: int = DEV_SHARE) -> bool:
    """Whether a key (a query, a product) belongs to the development side, of `share` percent."""
    digest = hashlib.sha256(f"dev:{key.casefold()}".encode()).hexdigest()
    return int(digest[:8], 16) % 100 < share


def stratified(
    found: Sequence[T], text: Callable[[T], str], labels: Callable[[T], Iterable[str]]
) -> tuple[list[T], list[T]]:
    """(to learn from, dev) by the hash of the text, except that dev gives back the queries of a
    label of which fewer than `FEWEST` would be left to learn from.
    """
    dev = [is_dev(text(one)) for one in found]
    left = Counter(x for one, held in zip(found, dev, strict=True) if not held for x in labels(one))
    for i, one in enumerate(found):
        if dev[i] and any(left[label] < FEWEST for label in labels(one)):
            dev[i] = False
            left.update(labels(one))
    sides: tuple[list[T], list[T]] = ([], [])
    for one, held in zip(found, dev, strict=True):
        sides[held].append(one)
    return sides


def too_rare(labels: Iterable[str]) -> str:
    """The labels that too few examples have to be learned, in words; "" for none."""
    counts = Counter(labels)
    rare = sorted(label for label, count in counts.items() if count < FEWEST)
    named = ", ".join(f"{label!r} ({counts[label]})" for label in rare[:5])
    more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
    return f"{named}{more}: fewer than {FEWEST} queries to learn from" if rare else ""
