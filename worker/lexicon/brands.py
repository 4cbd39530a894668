"""Brands in a query. A name that is also an ordinary word ("gap", "shell") counts only next to
what the brand sells, or as a query on its own if it names no other thing ("boots")."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import orjson

from worker.lexicon.head_words import NAMED_TOGETHER
from worker.lexicon.words import Phrases, Word, key, word_set

NAMES = frozenset({"brand", "content"})  # attributes that lists of names tell


class Brand(NamedTuple):
    """A brand that stands in a query, or what stands on things of many brands, such as a film.

    Attributes:
        name: as it is published.
        first, last: its first word, and one past its last.
        kinds: keys of what it sells, if its name is also an ordinary word; else None.
    """

    name: str
    first: int
    last: int
    kinds: frozenset[str] | None
    attribute: Literal["brand", "content"] = "brand"


class _Name(NamedTuple):
    """One way to write a brand; `kinds` are keys of what it sells, None if it always counts, and
    `sells` one key of each thing, in order."""

    brand: str
    kinds: frozenset[str] | None
    attribute: Literal["brand", "content"]
    sells: Sequence[str]


class Brands:
    """Finds brands; never changes, so any thread may search.

    Args:
        brands: as `worker.lexicon.brand_source.read_brands` gives them.
    """

    def __init__(self, brands: Sequence[Mapping[str, Any]]) -> None:
        self._names: dict[str, _Name] = {}
        for brand in brands:
            kinds = frozenset(brand["kinds"])
            attribute = "content" if brand.get("content") else "brand"
            said = attribute, brand.get("sells", ())
            for form, ordinary in brand["keys"]:
                name = _Name(brand["name"], kinds if ordinary else None, *said)
                self._names.setdefault(form, name)
        self._phrases = Phrases(self._names)

    @property
    def keys(self) -> Collection[str]:
        return self._names.keys()

    def __contains__(self, key: str) -> bool:
        """Whether it is a brand wherever it stands."""
        return (name := self._names.get(key)) is not None and name.kinds is None

    def called(self, name: str) -> str:
        """The key of the published name of the brand that has this key; "" if none has it."""
        return key(known.brand.lower()) if (known := self._names.get(name)) else ""

    def sells(self, text: str) -> Sequence[str]:
        """One key of each thing that the brand of this name sells; none where none has it."""
        return known.sells if (known := self._names.get(key(text))) else ()

    def may_stand(self, keys: Iterable[str]) -> bool:
        """Whether a brand begins with one of the words."""
        return self._phrases.may_stand(keys)

    def find(
        self,
        found: Sequence[Word],
        beside: Callable[[int, int], Iterator[str]],
        sure: int = 0,
        is_thing: Callable[[str], bool] = lambda _: False,
    ) -> list[Brand]:
        """The brands in the words of a text, in order, without overlap; longer ones first.

        Args:
            beside: gives the keys that name what stands before and behind two word positions.
            sure: how many words of the text's begin are surely a brand, if they may be one.
            is_thing: whether a key is written as a thing's name, so that alone it is no brand of
                other things: "boots", "candy".
        """
        hits = self._phrases.find(found)
        if not hits:
            return []
        if len(hits) > 1:
            hits.sort(key=lambda hit: hit[0] - hit[1])
        used, taken = 0, []
        for first, last, form in hits:
            covered = (1 << last) - (1 << first)
            if used & covered:
                continue
            alone = last - first == len(found)
            tagged = (first, last) == (0, sure) and not alone
            counts = tagged or self._counts(form, first, last, alone, beside, is_thing)
            if not (counts or (len(hits) > 1 and self._is_joined(form, first, last, hits, found))):
                continue
            if _is_of_another(found, first, last):
                continue
            used |= covered
            brand, kinds, attribute, _ = self._names[form]
            taken.append(Brand(brand, first, last, kinds, attribute))
        return sorted(taken, key=lambda brand: brand.first)

    def _counts(
        self,
        key: str,
        first: int,
        last: int,
        alone: bool,
        beside: Callable[..., Iterator[str]],
        is_thing: Callable[[str], bool],
    ) -> bool:
        kinds = self._names[key].kinds
        return (
            kinds is None
            or (alone and not is_thing(key))
            or (first == 0 and _AMOUNT.match(key) is not None)
            or any(name in kinds for name in beside(first, last))
        )

    def _is_joined(
        self,
        key: str,
        first: int,
        last: int,
        hits: Iterable[tuple[int, int, str]],
        found: Sequence[Word],
    ) -> bool:
        """Whether it stands beside a brand that sells the same, as in "dyson or shark"."""
        others = (hit for hit in hits if self._names[hit[2]].kinds is None)
        return any(
            not self._names[key].kinds.isdisjoint(self._names[other].sells)
            for start, end, other in others
            if (end + 1 == first and found[end].key in NAMED_TOGETHER)
            or (last + 1 == start and found[last].key in NAMED_TOGETHER)
        )


_AMOUNT = re.compile(r"\d+[a-z]")  # what is an amount elsewhere: the 3m of "ladder 3m"
# Behind these a brand is what the thing is compared with, or is to fit.
_LIKENED = word_set("""
    alternative alternatives similar comparable equivalent dupe dupes substitute substitutes
    compatible knockoff knockoffs closest
""")
_OF_LIKENED = word_set("to for of with")
_IMITATED = word_set("""
    generic alternative alternatives dupe dupes substitute substitutes knockoff knockoffs impression
    impressions
""")  # behind a brand
_NOT_OF = word_set("than generic fake imitation")  # before it
_ENJOY = word_set("i we you id would do dont really also they people kids")  # before "like"
_OFFERS = word_set("""
    sale sales deal deals discount discounts offer offers coupon coupons promo promos saving savings
    save
""")


def _is_of_another(found: Sequence[Word], first: int, last: int) -> bool:
    """Whether the words around a brand say that the thing is of another, or that it is none: "shoes
    like nike", "zyrtec generic", "alternative to canon", "sale on running shoes"."""
    if last < len(found) and found[last].key in _IMITATED:
        return True
    if not first:
        return False
    before = found[first - 1].key
    earlier = found[first - 2].key if first > 1 else ""
    if before == "like":
        return earlier not in _ENJOY
    if before in _OF_LIKENED:
        return earlier in _LIKENED
    return before in _NOT_OF or (found[first].key == "on" and before in _OFFERS)


def pack(brands: Iterable[Mapping[str, Any]]) -> bytes:
    """A file of brands. What they sell is numbered, since many sell the same; a star marks a key
    that is also an ordinary word."""
    things: dict[str, int] = {}

    def numbers(texts: Iterable[str]) -> list[int]:
        return [things.setdefault(text, len(things)) for text in texts]

    rows = [
        [
            brand["name"],
            [key + "*" * ordinary for key, ordinary in brand["keys"]],
            numbers(brand["kinds"]),
            numbers(brand.get("sells", ())),
            *([1] if brand.get("content") else []),
        ]
        for brand in brands
    ]
    return orjson.dumps({"things": list(things), "brands": rows})


def unpack(file: bytes) -> list[dict[str, Any]]:
    """The brands of a file that `pack` made; many sell the same, which is there once."""
    read = orjson.loads(file)
    things = read["things"]

    @cache
    def named(*numbers: int) -> tuple[str, ...]:
        return tuple(things[n] for n in numbers)

    @cache
    def kinds_of(*numbers: int) -> frozenset[str]:
        return frozenset(named(*numbers))

    return [
        {
            "name": name,
            "content": bool(content),
            "keys": [(key.rstrip("*"), key.endswith("*")) for key in keys],
            "kinds": kinds_of(*kinds),
            "sells": named(*sells),
        }
        for name, keys, kinds, sells, *content in read["brands"]
    ]
