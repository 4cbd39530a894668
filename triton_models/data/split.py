"""Which side of the split a key is on: learned from, or dev."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")
DEV_SHARE = 15  # percent of the keys
FEWEST = 2  # examples of a label, below which it cannot be learned


def is_dev(key: str, share: int = DEV_SHARE) -> bool:
    """Whether a key (a query, a product) belongs to the development side, of `share` percent."""
    digest = hashlib.sha256(f"dev:{key.casefold()}".encode()).hexdigest()
    return int(digest[:8], 16) % 100 < share


class Held(NamedTuple):
    """An example of a label, and whether the hash of its key holds it back from training."""

    key: Hashable
    example: str
    label: Hashable
    dev: bool


def given_back(found: Iterable[Held]) -> set[Hashable]:
    """The keys of dev that are to be learned from, the first ones, so that each label keeps
    `FEWEST` different examples to learn from, if it has as many.
    """
    left: dict[Hashable, set[str]] = defaultdict(set)
    held: dict[Hashable, list[Held]] = defaultdict(list)
    for one in found:
        if one.dev:
            held[one.key].append(one)
        else:
            left[one.label].add(one.example)
    back = set()
    for key, mine in held.items():
        if any(len(left[one.label]) < FEWEST for one in mine):
            back.add(key)
            for one in mine:
                left[one.label].add(one.example)
    return back


def stratified(
    found: Sequence[T], text: Callable[[T], str], labels: Callable[[T], Iterable[str]]
) -> tuple[list[T], list[T]]:
    """(to learn from, dev) by the hash of the text, but for what `given_back` says of labels."""
    keys = [text(one) for one in found]
    back = given_back(
        Held(key, key, label, is_dev(key))
        for key, one in zip(keys, found, strict=True)
        for label in labels(one)
    )
    sides: tuple[list[T], list[T]] = ([], [])
    for key, one in zip(keys, found, strict=True):
        sides[is_dev(key) and key not in back].append(one)
    return sides


def too_rare(labels: Iterable[str]) -> str:
    """The labels that too few examples have to be learned, in words; "" for none."""
    counts = Counter(labels)
    rare = sorted(label for label, count in counts.items() if count < FEWEST)
    named = ", ".join(f"{label!r} ({counts[label]})" for label in rare[:5])
    more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
    return f"{named}{more}: fewer than {FEWEST} queries to learn from" if rare else ""
