"""A deliberate defect: what would break a promise, and the tests that are the first to see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """A change of one file.

    Attributes:
        swaps: pairs of what stands there, exactly once, and what is put in its place.
        tests: those that must see it.
    """

    name: str
    file: str
    swaps: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]


def defect(name: str, file: str, found: str, put: str, *tests: str) -> Defect:
    """One with a single swap; a test without a folder is one of tests/unit."""
    where = (test if "/" in test else f"tests/unit/{test}" for test in tests)
    return Defect(name, file, ((found, put),), tuple(where))
