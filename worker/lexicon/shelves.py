"""Where things stand that are for somebody: the shirts of "shirts for men" among men's clothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set

from worker.lexicon.attributes import Attribute

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
BETWEEN = " > "  # the levels of a category
# Words of a category that say for whom its things are, and for whom they then are not.
_WHOSE = {
    word: value
    for value, words in {
        "women": "women womens ladies woman",
        "men": "men mens gentlemen man",
        "girls": "girls girl",
        "boys": "boys boy",
        "kids": "kids children childrens kid",
    }.items()
    for word in words.split()
}
_NOT_FOR = {
    "women": {"men", "boys", "baby", "toddler", "kids"},
    "men": {"women", "girls", "baby", "toddler", "kids"},
    "girls": {"boys", "men"},
    "boys": {"girls", "women"},
    "kids": {"men", "women"},
}
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
        self._whose: dict[str, frozenset[str]] = {}
        self._like: dict[str, str] = {}  # a category without the words that say for whom
        self._others: dict[str, list[str]] = defaultdict(list)
        for path in sorted(known):
            whose, rest = _for_whom(path)
            if whose and rest:
                self._whose[path], self._like[path] = whose, rest
                self._others[rest].append(path)

    def of(self, path: str, attributes: Iterable[Attribute]) -> str:
        """The category for whom the query names: by the table, or the one of the same name for
        others; "" where a category for somebody else has none; else the category itself."""
        named = [a for a in attributes if a.name in ("gender", "age")]
        if not (path and named):
            return path
        values = {_group(a.value) if a.name == "age" else a.value for a in named}
        fitting = (shelves for of, shelves in self._table if path in shelves and of & values)
        path = next(fitting, {}).get(path, path)
        whose = self._whose.get(path, frozenset())
        if whose & values:
            return path if _is_for(whose, values) else ""
        others = self._others.get(self._like.get(path, path.casefold()), ())
        given = path if _is_for(whose, values) else ""
        return next((p for p in others if _is_of(self._whose[p], values)), given)


def department(path: str) -> str:
    """The first level of a category."""
    return path.partition(BETWEEN)[0]


def _for_whom(path: str) -> tuple[frozenset[str], str]:
    """For whom the things of a category are, and the category without the words that say so."""
    whose, rest = set(), []
    for level in path.split(BETWEEN):
        words = level.casefold().replace("'", "").replace("’", "").split()
        whose |= {_WHOSE[word] for word in words if word in _WHOSE}
        rest.append(" ".join(word for word in words if word not in _WHOSE))
    for both in ({"women", "men"}, {"girls", "boys"}):
        whose -= both if whose >= both else set()  # "Men & Women" are for all
    return frozenset(whose), BETWEEN.join(filter(None, rest))


def _is_for(whose: Iterable[str], values: Collection[str]) -> bool:
    """Whether things may be for whom a query names."""
    return all(one in values or _NOT_FOR[one].isdisjoint(values) for one in whose)


def _is_of(whose: Set[str], values: Set[str]) -> bool:
    """Whether things are for whom a query names, and for nobody else; girls and boys are kids."""
    return (whose - {"kids"} or whose) <= values and _is_for(whose, values)


def _group(age: str) -> str:
    """The age group of an age in months or years: "0-3 months" is a baby's; else the age itself."""
    numbers = _NUMBER.findall(age)
    if not numbers:
        return age
    if "month" in age:
        return BABY
    years = max(map(float, numbers))
    return next((group for group, oldest in OLDEST.items() if years <= oldest), age)
