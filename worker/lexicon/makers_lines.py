"""What kind of thing a maker's line is: the running shoes of "nike pegasus 40"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.lexicon.heads import is_asked_for, named_brands
from worker.lexicon.line_source import thing_of
from worker.lexicon.reading import Reading
from worker.lexicon.terms import NO_TERM, Terms
from worker.lexicon.words import key, meets


class MakersLines:
    """Never changes, so any thread may search.

    Args:
        lines: as `Lines` of `worker.lexicon.line_source` has them.
    """

    def __init__(self, lines: Mapping[str, Any], terms: Terms) -> None:
        self._things: Mapping[str, str] = lines.get("things", {})
        self._terms = terms

    def category(self, read: Reading) -> str:
        """The category of the maker's line that a query names; "" where it is not known."""
        term_id = self._terms.term_of(self._thing(read))
        return "" if term_id in (None, NO_TERM) else self._terms.category(term_id)

    def _thing(self, read: Reading) -> str:
        models = [a for a in read.attributes if a.name == "model"]
        brands = named_brands(read) if models else []
        brand = brands[0] if len(brands) == 1 else None
        if not models or not (brand or is_asked_for(read, models[:1])):
            return ""
        makers = [key(brand.value.lower())] if brand else []
        said = [(a.start, a.end) for a in read.attributes]
        if all(meets(word, said) for word in read.words):  # "elden ring ps5" is no console
            makers.append("")
        found = (self._of(maker, a.value.split(" ")) for maker in makers for a in models)
        return next(filter(None, found), "")

    def _of(self, maker: str, model: list[str]) -> str:
        lines = self._things.get(maker, "")
        names = (" ".join(model[:last]) for last in range(len(model), 0, -1))
        return next(filter(None, (thing_of(name, lines) for name in names)), "")
