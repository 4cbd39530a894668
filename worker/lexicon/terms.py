"""Terms and the keys they are found by, packed in two files that are mapped, not parsed.

`keys.marisa` is a trie of every key, each with a space behind it, so that what begins a text ends
where a word does. `terms.bin` is a line of JSON, which names the arrays behind it and where they
begin, and the arrays, int32 and little-endian; texts are numbers of the last of them. Processes
that use the same folder share both files' memory.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import marisa_trie
import numpy as np
import orjson

from worker.lexicon.words import Kept, Word, signature, words

KEYS = "keys.marisa"
TERMS = "terms.bin"
NO_TERM = -1  # what an idiom stands for
NONE = -1
_KEPT = 1 << 12  # texts that are kept decoded
_ITEM = 4  # bytes; every array begins at a multiple of it


class Term(NamedTuple):
    """A term as it is packed.

    Attributes:
        names: its name, then its synonyms: the text and the keys it is found by, its own first.
        category: path such as "Shoes > Running"; "" where none is known.
        sense: path that tells what kind of thing is meant, which is the starter's category for a
            term of the starter in another shop.
        parent: position of the broader term, or None.
    """

    names: Sequence[tuple[str, Sequence[str]]]
    category: str
    sense: str
    parent: int | None


def pack(terms: Sequence[Term], idioms: Iterable[str]) -> tuple[bytes, bytes]:
    """What `keys.marisa` and `terms.bin` hold.

    Args:
        idioms: keys of phrases in which no word stands for itself.
    """
    term_of = {}
    text_of = _text_of(terms) | dict.fromkeys(idioms, "")
    for form, term in (*_forms(terms), *((idiom, NO_TERM) for idiom in idioms)):
        term_of.setdefault(form, term)
    trie = marisa_trie.Trie(sorted(form + " " for form in term_of))
    forms = sorted(term_of, key=lambda form: trie[form + " "])
    texts: dict[str, int] = {}

    def numbers(some: Iterable[str]) -> list[int]:
        return [texts.setdefault(text, len(texts)) for text in some]

    paths = list(dict.fromkeys(path for term in terms for path in (term.category, term.sense)))
    path = {category: n for n, category in enumerate(paths)}
    arrays = {
        "own": numbers(term.names[0][0] for term in terms),
        "own_key": numbers(term.names[0][1][0] for term in terms),
        "names": numbers(text_of[keys[0]] for term in terms for _, keys in term.names),
        "first_name": np.cumsum([0, *(len(term.names) for term in terms)]),
        "signature": [signature(words(text_of[term.names[0][1][0]])) for term in terms],
        "parent": [NONE if term.parent is None else term.parent for term in terms],
        "category": [path[term.category] for term in terms],
        "sense": [path[term.sense] for term in terms],
        "paths": numbers(paths),
        "term_of": [term_of[form] for form in forms],
        "text_of": numbers(text_of[form] for form in forms),
        "longest": [max(map(len, forms), default=0) + 1],
    }
    return trie.tobytes(), _packed(arrays, [text.encode() for text in texts])


def _packed(arrays: Mapping[str, Sequence[int]], texts: Sequence[bytes]) -> bytes:
    ends = np.cumsum([0, *(len(text) for text in texts)])
    blocks = {name: np.asarray(a, "<i4").tobytes() for name, a in (*arrays.items(), ("ends", ends))}
    blocks["texts"] = b"".join(texts)
    places, at = {}, 0
    for name, block in blocks.items():
        places[name] = at, len(block)
        at += len(block)
    head = orjson.dumps(places)
    return b"".join([head, b" " * (-(len(head) + 1) % _ITEM), b"\n", *blocks.values()])


def _forms(terms: Sequence[Term]) -> Iterator[tuple[str, int]]:
    """Keys with their terms, the stronger claim on a key first."""
    named, derived = slice(0, 1), slice(1, None)
    for keys in (named, derived):
        for names in (slice(0, 1), slice(1, None)):  # the term's name, then its synonyms
            for term_id, term in enumerate(terms):
                for _, forms in term.names[names]:
                    yield from ((form, term_id) for form in forms[keys])


def _text_of(terms: Sequence[Term]) -> dict[str, str]:
    """The one text that stands for each key: variants of a text are published as that text."""
    texts: dict[str, str] = {}
    for term in terms:
        for text, forms in term.names:
            text = texts.get(forms[0], text)
            for form in forms:
                texts.setdefault(form, text)
    return texts


class Terms:
    """Packed terms.

    Answers never change. Caches are plain dicts: threads may repeat work, not corrupt it.

    Attributes:
        term_of: the term of a key, `NO_TERM` for an idiom's, None for what is no key.
        text_of: the text that is published for a key, "" for an idiom's or what is no key.
        text: the text of a number.
        signatures: of each term, that of the words of its published name, in the singular.
        categories, senses: of each term, the number of a path.
        paths: by their numbers.
        departments: of each path, the first level.

    Raises:
        OSError, ValueError, KeyError, RuntimeError: the files are not such as `pack` makes.
    """

    def __init__(self, folder: Path) -> None:
        self._trie = marisa_trie.Trie()
        self._trie.mmap(str(folder / KEYS))
        arrays, texts = _mapped(folder / TERMS)
        self.text = _decoder(texts, arrays["ends"])
        self._own, self._own_key = arrays["own"], arrays["own_key"]
        self._names, self._first_name = arrays["names"], arrays["first_name"]
        self.signatures = np.asarray(arrays["signature"])
        self.categories, self.senses = (np.asarray(arrays[n]) for n in ("category", "sense"))
        self._parent, self._category = arrays["parent"], arrays["category"]
        self._sense = arrays["sense"]
        self.term_of = _finder(self._trie, arrays["term_of"])
        self.text_of = _writer(self._trie, arrays["text_of"], self.text)
        self._known_names = Kept(_KEPT)
        self._longest: int = arrays["longest"][0]
        self.paths = [self.text(number) for number in arrays["paths"]]
        self.departments = [path.partition(" > ")[0] for path in self.paths]

    def __len__(self) -> int:
        return len(self._own)

    def __contains__(self, form: str) -> bool:
        """Whether it is the key of a term or an idiom."""
        return f"{form} " in self._trie

    def keys(self) -> Iterator[str]:
        """Every key, in the order of the alphabet."""
        return (form[:-1] for form in self._trie.iterkeys())

    def find(self, found: Sequence[Word]) -> list[tuple[int, int, str]]:
        """The keys in the words of a text: first word, one past the last, key; they may overlap."""
        hits, start = [], 0
        prefixes, longest = self._trie.prefixes, self._longest
        text = " ".join([word[0] for word in found]) + " "
        for i, word in enumerate(found):
            for form in prefixes(text[start : start + longest]):
                hits.append((i, i + form.count(" "), form[:-1]))
            start += len(word[0]) + 1
        return hits

    def name(self, term_id: int) -> str:
        """The term's own name as it was written, such as "running shoes"."""
        return self.text(self._own[term_id])

    def key(self, term_id: int) -> str:
        """The key of its name."""
        return self.text(self._own_key[term_id])

    def own_text(self, term_id: int) -> str:
        """The text that is published for its name."""
        return self.text(self._names[self._first_name[term_id]])

    def names(self, term_id: int) -> tuple[str, ...]:
        """The texts that are published for its name and its synonyms."""
        if (known := self._known_names.get(term_id)) is None:
            first, last = self._first_name[term_id], self._first_name[term_id + 1]
            texts = tuple(self.text(number) for number in self._names[first:last])
            known = self._known_names.put(term_id, texts)
        return known

    def category(self, term_id: int) -> str:
        """Its path, such as "Shoes > Running"; "" where none is known."""
        return self.paths[self._category[term_id]]

    def published(self) -> list[str]:
        """The categories of terms."""
        return [self.paths[number] for number in np.unique(self.categories)]

    def sense(self, term_id: int) -> str:
        """The path that tells what kind of thing is meant."""
        return self.paths[self._sense[term_id]]

    def department(self, term_id: int) -> str:
        """The first level of that path."""
        return self.departments[self._sense[term_id]]

    def parent(self, term_id: int) -> int | None:
        """The broader term."""
        above = self._parent[term_id]
        return None if above == NONE else above

    def upwards(self, term_id: int) -> Iterator[int]:
        """A term and those above it, the nearest first."""
        while term_id != NONE:
            yield term_id
            term_id = self._parent[term_id]


def _mapped(path: Path) -> tuple[dict[str, memoryview], memoryview]:
    """The arrays of a file of terms by name, and its texts."""
    with path.open("rb") as file:
        block = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = block.find(b"\n") + 1
    view = memoryview(block)
    places = orjson.loads(view[:start])
    arrays = {name: view[start + at : start + at + size] for name, (at, size) in places.items()}
    texts = arrays.pop("texts")
    return {name: array.cast("i") for name, array in arrays.items()}, texts


# Closures, so that their caches hold no circle of references.


def _finder(trie: marisa_trie.Trie, terms: memoryview) -> Callable[[str], int | None]:
    @lru_cache(_KEPT)
    def term_of(form: str) -> int | None:
        at = trie.get(f"{form} ")
        return None if at is None else terms[at]

    return term_of


def _writer(
    trie: marisa_trie.Trie, numbers: memoryview, text: Callable[[int], str]
) -> Callable[[str], str]:
    @lru_cache(_KEPT)
    def text_of(form: str) -> str:
        at = trie.get(f"{form} ")
        return "" if at is None else text(numbers[at])

    return text_of


def _decoder(texts: memoryview, ends: memoryview) -> Any:

    @lru_cache(_KEPT)
    def text(number: int) -> str:
        return str(texts[ends[number] : ends[number + 1]], "utf-8")

    return text
