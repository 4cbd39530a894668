"""Titles as numbers: words, brands and categories, so that millions can be counted."""

from __future__ import annotations

import re
from array import array
from collections import Counter

import numpy as np

from triton_models.query_text import normal_form
from worker.lexicon.building.sources import Product
from worker.lexicon.words import words

BREAK = -1  # where no phrase goes on: a number with its unit, punctuation, the product's own brand
_JOINS = re.compile(r" ?|[-'’/]| & ")  # between two words of one phrase
_WORD_AND_NUMBER = frozenset({"3d", "4k", "8k"})


class Corpus:
    """The titles of a catalogue.

    Attributes:
        words: in the order of their numbers.
        tokens: numbers of words, and BREAK; a title ends with BREAK.
        ends: of each title, one past its last token.
        brand_of, category_of: of each title, its brand's and category's number, or -1.
        brands: keys of brands, in the order of their numbers.
        spelled: of each brand's key, how it was written, and how often.
        categories: paths, in the order of their numbers.
        values: how often each attribute, by name and value, was given.
        ids: of each title, the product's id.
        repeated: products that were left out, as their id was in the same file before.
    """

    def __init__(self) -> None:
        self._words: dict[str, int] = {}
        self._brands: dict[str, int] = {}
        self._categories: dict[tuple[str, ...], int] = {}
        self.tokens, self.ends = array("i"), array("q")
        self.brand_of, self.category_of = array("i"), array("i")
        self.spelled: dict[str, Counter[str]] = {}
        self.values: Counter[tuple[str, str]] = Counter()
        self.ids: list[str] = []
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
            self.spelled.setdefault(form, Counter())[brand] += 1
        self.brand_of.append(self._brands.setdefault(form, len(self._brands)) if form else -1)
        path = product.category
        self.category_of.append(
            self._categories.setdefault(path, len(self._categories)) if path else -1
        )
        self.values.update(product.attributes)
        self.ids.append(product.id)
        self._title(normal_form(product.title), own)

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

    def docs(self) -> np.ndarray:
        """The title of each token: int32, shape [tokens]."""
        ends = np.frombuffer(self.ends, np.int64)
        return np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=0))


def _is_a_word(key: str) -> bool:
    return not key[0].isdigit() or key in _WORD_AND_NUMBER
