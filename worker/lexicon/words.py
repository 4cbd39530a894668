"""Words of a text, and the ways in which a term may be written.

A *key* is what texts are looked up by: words joined by single spaces, without punctuation, so that
"wi-fi", "Wi Fi" and "wi fi" are one, as are "women's" and "womens".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from zlib import crc32

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|&")
_SPACE = re.compile(" ")
DIGIT = re.compile(r"\d")
LONGEST_JOINED = 15  # characters; longer pairs nobody writes as one word

SHORTEST_PLURAL = 4  # letters; shorter words in -s are mostly abbreviations
WORDS_KEPT = 1 << 14  # of which something is remembered: words come again, queries do not
_BITS = 31  # of a signature: an int32 without its sign
_SIBILANT = ("s", "x", "z", "ch", "sh")


class Word(NamedTuple):
    """A word of a text.

    Attributes:
        key: without apostrophes; "&" is "and".
        start: offset of its first character.
        end: one past its last.
    """

    key: str
    start: int
    end: int


named = tuple.__new__  # a named tuple's own constructor takes twice as long


class Kept(dict):
    """What was found for some keys; when there are too many, all are forgotten."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def put(self, key: Any, value: Any) -> Any:
        """Keep a value, and return it."""
        if len(self) >= self._most:
            self.clear()
        self[key] = value
        return value


@lru_cache(1024)  # a query's words are asked for when it is corrected, and when it is read
def words(text: str) -> tuple[Word, ...]:
    """The words of a lower-case text, in order."""
    if not _is_plain(text):
        return tuple(Word(_plain(m.group()), m.start(), m.end()) for m in _WORD.finditer(text))
    found, start = [], 0
    for word in text.split(" "):  # the same for most texts, in a third of the time
        end = start + len(word)
        if word:
            found.append(named(Word, (word, start, end)))
        start = end + 1
    return tuple(found)


def keys(text: str) -> list[str]:
    """Those of the words of a lower-case text, in order."""
    if _is_plain(text):
        return text.split()
    return [_plain(word) for word in _WORD.findall(text)]


def key(text: str) -> str:
    """What a lower-case text is looked up by."""
    return " ".join(keys(text))


def _is_plain(text: str) -> bool:
    return text.isascii() and text.replace(" ", "").isalnum()


def _plain(word: str) -> str:
    if word.isalnum():
        return word
    return "and" if word == "&" else word.replace("'", "").replace("’", "")


def meets(item: Any, spans: Iterable[tuple]) -> bool:
    """Whether what has a `start` and an `end` meets one of the spans: start, end, …"""
    first, last = item.start, item.end
    for span in spans:  # noqa: SIM110 - twice as fast as `any`
        if span[0] < last and first < span[1]:
            return True
    return False


def covered(found: Sequence[Word], start: int, end: int) -> tuple[int, int]:
    """The first and one past the last of the words that these characters meet, also in part; (0, 0)
    where they meet none."""
    inside = [n for n, (_, first, last) in enumerate(found) if first < end and start < last]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


class Phrases:
    """Finds phrases, given by their keys, in the words of a text.

    Attributes:
        first: the words that they begin with.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self.first = frozenset(key.partition(" ")[0] for key in self._keys)
        # What a longer phrase begins with: a search for one ends where it cannot become one.
        self._beginnings = frozenset(
            key[: match.start()] for key in self._keys for match in _SPACE.finditer(key)
        )

    def may_stand(self, keys: Iterable[str]) -> bool:
        """Whether a phrase begins with one of the words."""
        return not self.first.isdisjoint(keys)

    def find(self, found: Sequence[Word]) -> list[tuple[int, int, str]]:
        """Its first word, one past its last, and the key of each; they may overlap."""
        hits: list[tuple[int, int, str]] = []
        if not self.may_stand([word[0] for word in found]):
            return hits
        keys, beginnings, count = self._keys, self._beginnings, len(found)
        for i, word in enumerate(found):
            key, j = word[0], i + 1
            while True:
                if key in keys:
                    hits.append((i, j, key))
                if key not in beginnings or j == count:
                    break
                key = f"{key} {found[j][0]}"
                j += 1
        return hits


@dataclass(frozen=True)
class Spelling:
    """How words vary.

    Attributes:
        plurals: irregular plural by singular, such as knife: knives.
        plural_only: words whose singular is another thing: "shorts", "glasses".
        groups: words that are one in different spellings, such as (color, colour).
    """

    plurals: dict[str, str]
    plural_only: frozenset[str]
    groups: tuple[tuple[str, ...], ...]

    @cached_property
    def _singulars(self) -> dict[str, str]:
        return {plural: singular for singular, plural in self.plurals.items()}

    @cached_property
    def _others(self) -> dict[str, list[str]]:
        return {w: [o for o in group if o != w] for group in self.groups for w in group}

    def keys(self, text: str) -> list[str]:
        """Keys by which `text` is found: its own, then other spellings, numbers, joined words."""
        found = dict.fromkeys([key(text)])
        for vary in (self.spellings, self._numbers, _joined):
            for form in list(found):
                found.update(dict.fromkeys(vary(form)))
        return list(found)

    def spellings(self, form: str) -> Iterator[str]:
        """Each word in its other spellings, one at a time."""
        parts = form.split()
        for place, word in enumerate(parts):
            for other in self._others.get(word, ()):
                yield " ".join([*parts[:place], other, *parts[place + 1 :]])

    def _numbers(self, form: str) -> Iterator[str]:
        """The last word in its other number."""
        head, _, last = form.rpartition(" ")
        other = self.other_number(last, alone=not head)
        if other:
            yield f"{head} {other}".lstrip()

    def differ_in_number(self, one: str, other: str) -> bool:
        """Whether two texts are one but for the number of the last word."""
        if one[:1] != other[:1]:  # most are, and keys take longer
            return False
        (head, _, last), (before, _, word) = (key(text).rpartition(" ") for text in (one, other))
        if head != before:
            return False
        pair = self.other_number(last, alone=not head), self.other_number(word, alone=not head)
        return pair[0] == word or pair[1] == last

    def other_number(self, word: str, alone: bool) -> str | None:
        """The plural of a singular or the singular of a plural; None where there is none.

        Args:
            alone: whether it stands without other words: then "shorts" has no singular.
        """
        for irregular in (self.plurals, self._singulars):
            if word in irregular:
                return irregular[word]
        if not word.isalpha() or (alone and word in self.plural_only):
            return None
        if _is_plural(word):
            return _singular(word) if len(word) >= SHORTEST_PLURAL else None
        return _plural(word) if len(word) > 1 else None


def _is_plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "zzes", "ches", "shes")):
        return word[:-2]
    return word[:-1]


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(_SIBILANT) else "s")


def _joined(form: str) -> Iterator[str]:
    """Two words as one (raincoat), a single letter with what follows (tshirt, vneck)."""
    parts = form.split()
    if len(parts) == 2:
        if len(form) <= LONGEST_JOINED:
            yield "".join(parts)
        return
    for place, word in enumerate(parts[:-1]):
        if len(word) == 1:
            yield " ".join([*parts[:place], word + parts[place + 1], *parts[place + 2 :]])


@lru_cache(WORDS_KEPT)
def stem(word: str) -> str:
    """A word in the singular, by rule."""
    return _singular(word) if len(word) >= SHORTEST_PLURAL and _is_plural(word) else word


def stems(key: str) -> set[str]:
    """The words of a key, each in the singular."""
    return {stem(word) for word in key.split(" ")}


@lru_cache(WORDS_KEPT)
def _bit(word: str) -> int:
    return 1 << crc32(stem(word).encode()) % _BITS


def signature(found: Iterable[Word]) -> int:
    """Bits that stand for words: a text of none but these, in any number, has none but their bits.

    Args:
        found: as `words` gives them.
    """
    bits = 0
    for word in found:
        bits |= _bit(word[0])
    return bits


def words_of(keys: Iterable[str]) -> frozenset[str]:
    """The words that keys are made of."""
    return frozenset(word for key in keys for word in key.split(" "))


def word_set(text: str) -> frozenset[str]:
    """The words that a text lists, between white space."""
    return frozenset(text.split())
