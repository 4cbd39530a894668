"""Words that say the same as others: for whom a thing is, and what it is like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from worker.lexicon.reading import Reading
from worker.lexicon.words import Phrases


class OtherWords:
    """Finds words that others say the same as; never changes, so any thread may ask.

    Args:
        tables: as `worker.lexicon.tables.read_tables` gives them.
        name_of: the attribute of which a key is a value, "" where it is none.

    Attributes:
        persons: words that say for whom a thing is → others that say the same.
        titled: departments of things with titles, the words of which no others say.
    """

    def __init__(self, tables: Mapping[str, Any], name_of: Callable[[str], str]) -> None:
        self.persons: Mapping[str, str] = tables.get("persons", {})
        self.titled = frozenset(tables.get("worded", ()))
        self._same: Mapping[str, str] = tables.get("same", {})
        self._phrases = Phrases(self._same)
        self._name_of = name_of

    def find(self, read: Reading) -> Iterator[tuple[int, int, str]]:
        """Start and end of the words in a query that say what its thing is like, and others for
        them. Words for an attribute's value are none where they are read as something else: the
        "wooden" of "john wooden shirt"."""
        for first, last, said in self._phrases.find(read.words):
            start, end = read.words[first].start, read.words[last - 1].end
            name = self._name_of(said)
            if not name or any(
                a.name == name and a.start <= start and end <= a.end for a in read.attributes
            ):
                yield start, end, self._same[said]
