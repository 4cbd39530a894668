"""Where things stand that are for somebody: the shirts of "shirts for men" among men's clothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from worker.lexicon.attributes import Attribute

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
BABY, TODDLER, KIDS = "baby", "toddler", "kids"
# The oldest of an age group, in years.
OLDEST = {TODDLER: 3.0, KIDS: 12.0}


class Shelves:
    """Categories by whom a thing is for.

    Args:
        table: of values of a gender or an age, categories and those that stand for them; the
            first that has the value and the category counts.
        paths: the categories that there are.
    """

    def __init__(
        self, table: Iterable[tuple[Collection[str], Mapping[str, str]]], paths: Collection[str]
    ) -> None:
        known = set(paths)
        self._table = [
            (frozenset(values), {path: own for path, own in shelves.items() if own in known})
            for values, shelves in table
        ]

    def of(self, path: str, attributes: Iterable[Attribute]) -> str:
        """The category for whom the query names; the category itself where there is none."""
        named = [a for a in attributes if a.name in ("gender", "age")]
        if not named:
            return path
        values = {_group(a.value) if a.name == "age" else a.value for a in named}
        fitting = (shelves for of, shelves in self._table if path in shelves and of & values)
        return next(fitting, {}).get(path, path)


def _group(age: str) -> str:
    """The age group of an age in months or years: "0-3 months" is a baby's; else the age itself."""
    numbers = _NUMBER.findall(age)
    if not numbers:
        return age
    if "month" in age:
        return BABY
    years = max(map(float, numbers))
    return next((group for group, oldest in OLDEST.items() if years <= oldest), age)
