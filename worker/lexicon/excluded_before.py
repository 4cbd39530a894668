"""What is named before words that exclude it: "nike excluded", "red and blue not wanted"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from worker.lexicon.brands import Brand
from worker.lexicon.head_words import LIKE
from worker.lexicon.negations import JOINED, LABELS
from worker.lexicon.words import Word, word_set

_SERVICES = word_set("shipping delivery postage tax vat battery batteries")  # "batteries excluded"
_LONGEST = 3  # words of a name
_BRAND, _LIKE = "brand", "like"  # kinds of names, beside those of attributes and "" of a term


class NamesBefore(NamedTuple):
    """What is named before words that exclude.

    Attributes:
        names: first and one past the last word of each, the last first.
        sure: whether all of them are excluded; else it is not said which: "nike, puma excluded".
    """

    names: Sequence[tuple[int, int]]
    sure: bool = True


_NOTHING = NamesBefore(())


@dataclass(frozen=True, slots=True)
class ExcludedBefore:
    """Finds it; never changes, so any thread may search.

    Args:
        known: whether a key is a term, an attribute's word or a brand.
        is_term: whether a key is a term.
        kind: the attribute of which a key is a value, "" of any other.
    """

    known: Callable[[str], bool]
    is_term: Callable[[str], bool]
    kind: Callable[[str], str]

    def find(
        self, form: str, found: Sequence[Word], i: int, brands: Sequence[Brand]
    ) -> NamesBefore:
        """What is named before the "excluded" or "wanted" at word `i`.

        Args:
            brands: those in the query.
        """
        keys = [word.key for word in found]
        n = i if keys[i] == "excluded" else i - 1
        if n < 1 or (n < i and keys[n] != "not") or keys[i + 1 : i + 2] == ["from"]:
            return _NOTHING
        if keys[n - 1] in _SERVICES:
            return _NOTHING
        thing_follows = any(
            self.is_term(" ".join(keys[i + 1 : end])) for end in range(i + 2, len(keys) + 1)
        )
        ends = {brand.last: brand.first for brand in brands}
        first, kind = self._name(keys, n, ends)
        if first == n:  # "iphone 13 excluded": which words are meant is not known
            return NamesBefore([(n - 1, n)], sure=False) if keys[n - 1][0].isdigit() else _NOTHING
        names, marks = [(first, n)], set()
        while first:
            mark = form[found[first - 1].end : found[first].start].strip()
            end = first - (keys[first - 1] in JOINED)
            if end == first and (mark != "," or not kind):
                break  # "porridge, raisins excluded"
            before, other = self._name(keys, end, ends) if end else (0, "")
            if before == end or other != kind:
                break  # "dress, nike excluded"
            names.append((before, end))
            marks.add("" if end < first else mark)
            first = before
        set_off = form[found[n - 1].end : found[n].start].startswith(",")
        if marks == {","} and not set_off:
            return NamesBefore(names, sure=False)
        last = i + 1 == len(keys)
        behind = first and form[found[first - 1].end : found[first].start] == ", "
        # the nike of "shoes nike excluded", but not the shoes of "nike shoes excluded"
        if behind or (thing_follows if not kind else first or marks or not last):
            return NamesBefore(names)
        return NamesBefore(names, sure=False) if (kind or marks) and last else _NOTHING

    def _name(self, keys: Sequence[str], end: int, brands: Mapping[int, int]) -> tuple[int, str]:
        """The first word of the longest name that ends before word `end`, `end` where there is
        none, and its kind."""
        if end in brands:
            return brands[end], _BRAND
        for first in range(max(end - _LONGEST, 0), end):
            key = " ".join(keys[first:end])
            if self.known(key):
                return first, self.kind(key)
        if keys[end - 1] in LABELS:  # "gluten excluded bread"
            return end - 1, ""
        return (end - 1, _LIKE) if keys[end - 1] in LIKE else (end, "")
