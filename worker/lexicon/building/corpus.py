"""Titles as numbers: words, brands and categories, so that millions can be counted."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import orjson

from triton_models.query_text import normal_form
from worker.lexicon.building.sources import Product
from worker.lexicon.words import words

BREAK = -1  # where no phrase goes on: a number with its unit, punctuation, the product's own brand
_JOINS = re.compile(r" ?|[-'’/]| & ")  # between two words of one phrase
DEPARTMENT = "department"  # mostly a gender, "womens"
_NAMES = {  # how catalogues call the attributes that the worker publishes
    "color": re.compile(r"(?:\w+ )?colou?rs?(?: family| name)?|farben?|couleur|kleur|colore"),
    "material": re.compile(r"(?:\w+ )?materials?|materiaal|materiale|mat[eé]riau|mati[eè]re"),
    "gender": re.compile(r"gender|target gender|geschlecht|geslacht|g[eé]nero|genere|sexe"),
    "age": re.compile(r"age|age group|target age|altersgruppe"),
    DEPARTMENT: re.compile(DEPARTMENT),
}
_WORD_AND_NUMBER = frozenset({"3d", "4k", "8k"})


class Corpus:
    """The titles of a catalogue.

    Attributes:
        words: in the order of their numbers.
        tokens: numbers of words, and BREAK; a title ends with BREAK.
        ends: of each title, one past its last token.
        brand_of, category_of: of each title, its brand's and category's number, or -1.
        brands: keys of brands, in the order of their numbers.
        categories: paths, in the order of their numbers.
        spelled: by a brand's key and how it was written, how often.
        values: of the attributes that the worker publishes, by name and value, how often.
        repeated: products that were left out, as their id was in the same file before.
    """

    def __init__(self) -> None:
        self._words: dict[str, int] = {}
        self._brands: dict[str, int] = {}
        self._categories: dict[tuple[str, ...], int] = {}
        self.tokens, self.ends = array("i"), array("q")
        self.brand_of, self.category_of = array("i"), array("i")
        self.spelled: dict[tuple[str, str], int] = {}
        self.values: dict[tuple[str, str], int] = {}
        self.repeated = 0

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def words(self) -> list[str]:
        return list(self._words)

    @property
    def brands(self) -> list[str]:
        return list(self._brands)

    @property
    def categories(self) -> list[tuple[str, ...]]:
        return list(self._categories)

    def add(self, product: Product) -> None:
        brand = normal_form(product.brand)
        own = [word.key for word in words(brand)]
        form = " ".join(own)
        if form:
            _count(self.spelled, [((form, brand), 1)])
        self.brand_of.append(self._brands.setdefault(form, len(self._brands)) if form else -1)
        path = product.category
        self.category_of.append(
            self._categories.setdefault(path, len(self._categories)) if path else -1
        )
        for given, text in product.attributes:
            if name := _attribute(given):
                _count(self.values, [((name, text), 1)])
        self._title(normal_form(product.title), own)

    def extend(self, other: Corpus) -> None:
        """Add the titles of another corpus behind those of this one."""
        ends = np.frombuffer(other.ends, np.int64) + len(self.tokens)
        self.ends.frombytes(ends.tobytes())
        for numbers, others, known, new in (
            (self.tokens, other.tokens, self._words, other._words),
            (self.brand_of, other.brand_of, self._brands, other._brands),
            (self.category_of, other.category_of, self._categories, other._categories),
        ):
            unknown = [name for name in new if name not in known]
            known.update(zip(unknown, count(len(known)), strict=False))
            renamed = np.array([*map(known.__getitem__, new), BREAK], np.int32)  # -1 stays -1
            numbers.frombytes(renamed[np.frombuffer(others, np.int32)].tobytes())
        _count(self.spelled, other.spelled.items())
        _count(self.values, other.values.items())
        self.repeated += other.repeated

    def packed(self) -> bytes:
        """Bytes from which `unpacked` makes the same corpus again."""
        head = orjson.dumps(
            {
                "words": self.words,
                "brands": self.brands,
                "categories": self.categories,
                "spelled": [(*texts, count) for texts, count in self.spelled.items()],
                "values": [(*texts, count) for texts, count in self.values.items()],
                "repeated": self.repeated,
                "lengths": [len(numbers) for numbers in self._numbers()],
            }
        )
        blocks = (numbers.tobytes() for numbers in self._numbers())
        return b"".join([len(head).to_bytes(4, "little"), head, *blocks])

    @classmethod
    def unpacked(cls, block: bytes | memoryview) -> Corpus:
        """The corpus of `packed`."""
        made, at = cls(), 4 + int.from_bytes(block[:4], "little")
        head = orjson.loads(block[4:at])
        made._words, made._brands = _numbered(head["words"]), _numbered(head["brands"])
        made._categories = _numbered(map(tuple, head["categories"]))
        made.spelled = {(form, text): count for form, text, count in head["spelled"]}
        made.values = {(name, text): count for name, text, count in head["values"]}
        made.repeated = head["repeated"]
        for numbers, length in zip(made._numbers(), head["lengths"], strict=True):
            end = at + length * numbers.itemsize
            numbers.frombytes(block[at:end])
            at = end
        return made

    def _numbers(self) -> tuple[array[int], ...]:
        return self.tokens, self.ends, self.brand_of, self.category_of

    def _title(self, title: str, brand: list[str]) -> None:
        found, tokens, number = words(title), self.tokens, self._words
        keys = [word.key for word in found]
        skip, last, counted = 0, 0, False
        for n, word in enumerate(found):
            is_number = not _is_a_word(word.key)
            if skip:
                skip -= 1
            elif brand and keys[n : n + len(brand)] == brand:
                skip = len(brand) - 1
                tokens.append(BREAK)
            elif is_number or counted:
                tokens.append(BREAK)
            else:
                if last and not _JOINS.fullmatch(title, last, word.start):
                    tokens.append(BREAK)
                tokens.append(number.setdefault(word.key, len(number)))
            last, counted = word.end, is_number and word.key.isdigit()
        tokens.append(BREAK)
        self.ends.append(len(tokens))

    def texts(self, most: int) -> list[str]:
        """The words of some titles, evenly spread over them."""
        names, ends = self.words, [0, *self.ends]
        chosen = range(0, len(self), max(1, -(-len(self) // most)))
        return [
            " ".join(names[n] for n in self.tokens[ends[at] : ends[at + 1]] if n != BREAK)
            for at in chosen
        ]

    def docs(self) -> np.ndarray:
        """The title of each token: int32, shape [tokens]."""
        ends = np.frombuffer(self.ends, np.int64)
        return np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=0))


@cache
def _attribute(given: str) -> str | None:
    """What the worker calls an attribute of a catalogue, None for one that it does not publish."""
    form = normal_form(given)
    return next((name for name, pattern in _NAMES.items() if pattern.fullmatch(form)), None)


def _count(counts: dict[Any, int], items: Iterable[tuple[Any, int]]) -> None:
    for item, times in items:
        counts[item] = counts.get(item, 0) + times


def _numbered(names: Iterable[Any]) -> dict[Any, int]:
    return dict(zip(names, count(), strict=False))


def _is_a_word(key: str) -> bool:
    return not key[0].isdigit() or key in _WORD_AND_NUMBER
