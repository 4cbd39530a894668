"""Search in a built lexicon: terms in a query, terms near it, its attributes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from worker.lexicon import built
from worker.lexicon.attributes import Attribute, Attributes, Span
from worker.lexicon.built import Built, Term, effort, quantized
from worker.lexicon.words import Phrases, Word, words

NO_TERM = -1  # what an idiom stands for
SYNONYM_PRIOR = 0.9
PARENT_PRIOR = 0.6
NEIGHBOUR_SHARE = 3  # one candidate in so many is a neighbour, if there are that many


class Mention(NamedTuple):
    """A term that stands in a query.

    Attributes:
        surface: the text as the query has it.
        start: offset of its first character in the normal form.
        end: one past its last.
    """

    term_id: int
    surface: str
    start: int
    end: int


class Candidate(NamedTuple):
    """A text that might expand a query.

    Attributes:
        source: "synonym" of a mentioned term, its "parent", or a neighbour by "embedding".
        prior: how far the lexicon itself trusts it, 0 to 1.
    """

    text: str
    source: str
    term_id: int
    prior: float


class Reading(NamedTuple):
    """A normal form, read once for all that is asked of it.

    Attributes:
        keys: every key that stands in it.
        mentions: the terms in it, in order, without overlap; longer ones are taken first.
        places: of each mention, its first word, one past its last, and its key.
    """

    form: str
    words: list[Word]
    keys: Sequence[str]
    mentions: Sequence[Mention]
    places: Sequence[tuple[int, int, str]]


class Lexicon:
    """Terms and what is known of them; never changes, so any thread may search.

    Attributes:
        version: 8 hexadecimal digits that change with the terms, the tables or the encoder.
        encoder_sha256: hash of the encoder's `model.onnx` that the vectors are by.
        dimension: of the vectors.
    """

    def __init__(self, parts: Built) -> None:
        self.version: str = parts.manifest["version"]
        self.encoder_sha256: str = parts.manifest["encoder_onnx_sha256"]
        self.dimension: int = parts.manifest["dimension"]
        self._terms = terms = parts.terms
        self._attributes = attributes = Attributes(parts.attributes)
        self._index = parts.index
        self._index.expansion_search = effort(self._index)
        self._text_of = _text_of(terms) | dict.fromkeys(attributes.idioms, "")
        self._names = [[self._text_of[keys[0]] for _, keys in term.names] for term in terms]
        self._own_text = [names[0] for names in self._names]
        self._term_of: dict[str, int] = {}
        self._heads: dict[str, int] = {}  # of the keys that were asked for
        idioms = ((idiom, NO_TERM) for idiom in attributes.idioms)
        for form, term_id in chain(_forms(terms), idioms):
            self._term_of.setdefault(form, term_id)
        self._phrases = Phrases(self._term_of)

    @classmethod
    def load(cls, folder: Path) -> Lexicon:
        """Read a built lexicon: `folder` itself, or `built` in a folder of sources.

        Raises:
            LexiconError: a file is missing, or is not the one that the manifest was written for.
        """
        return cls(built.read(Path(folder)))

    def __len__(self) -> int:
        return len(self._terms)

    def name(self, term_id: int) -> str:
        """The term's own name, such as "running shoes"."""
        return self._terms[term_id].names[0][0]

    def category(self, term_id: int) -> str:
        """The term's path, such as "Shoes > Running"."""
        return self._terms[term_id].category

    def vector(self, term_id: int) -> np.ndarray:
        """The term's vector: float32, shape [dimension], unit length."""
        stored = self._index.get(term_id).astype(np.float32).reshape(-1)
        return stored / np.linalg.norm(stored)

    def read(self, form: str) -> Reading:
        """The words of a normal form, and the terms in it."""
        found = words(form)
        hits = self._phrases.find(found)
        if not hits:
            return Reading(form, found, (), (), ())
        keys = [key for *_, key in hits]
        if len(hits) > 1:
            hits.sort(key=_longest_first)
        used, taken = 0, []  # a bit a word
        for i, j, key in hits:
            covered = (1 << j) - (1 << i)
            if not used & covered:
                used |= covered
                if (term_id := self._term_of[key]) != NO_TERM:
                    taken.append((i, j, key, term_id))
        taken.sort()
        mentions = []
        for i, j, _, term_id in taken:
            start, end = found[i].start, found[j - 1].end
            mentions.append(_named(Mention, (term_id, form[start:end], start, end)))
        return Reading(form, found, keys, mentions, [place[:3] for place in taken])

    def attributes(self, read: Reading) -> list[Attribute]:
        """Colour, size, material … in a normal form, in order, without overlap."""
        return self._attributes.find(read.form, read.words, lambda: self._spans(read))

    def nearest(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The terms whose vectors are nearest, best first.

        Args:
            vectors: float32, shape [n, dimension], unit length.

        Returns:
            Term ids (int64) and cosines (float32), both of shape [n, min(k, terms)]. Where there
            is no neighbour, as for a zero vector, the id is -1 and the cosine -inf.
        """
        shape = len(vectors), min(k, len(self._terms))
        ids, cosines = np.full(shape, -1, np.int64), np.full(shape, -np.inf, np.float32)
        rows = np.flatnonzero(vectors.any(axis=1))
        if rows.size:
            # One thread: the callers' batches are small, and the models need the other cores.
            found = self._index.search(quantized(vectors[rows]), shape[1], threads=1)
            keys = np.atleast_2d(found.keys)
            ids[rows, : keys.shape[1]] = keys
            cosines[rows, : keys.shape[1]] = 1 - np.atleast_2d(found.distances)
        return ids, cosines

    def candidates(
        self,
        read: Reading,
        near_ids: Sequence[int],
        near_similarity: Sequence[float],
        *,
        limit: int,
        min_similarity: float,
    ) -> list[Candidate]:
        """Texts that might expand a query; none of them stands in it, in any spelling or number.

        Synonyms first, then broader terms, then neighbours, for which a third of the places is
        kept.

        Args:
            near_ids, near_similarity: the query's rows of `nearest`, each of length k.
            min_similarity: cosine from which a neighbour counts.
        """
        said = {self._text_of[key] for key in read.keys}
        mentioned = list(dict.fromkeys([mention.term_id for mention in read.mentions]))
        links = self._links(mentioned, said) if mentioned else []
        near: list[Candidate] = []
        kept = limit // NEIGHBOUR_SHARE
        wanted = max(kept, limit - len(links))
        for term_id, cosine in zip(near_ids, near_similarity, strict=True):
            if term_id < 0 or cosine < min_similarity or len(near) == wanted:
                break
            text = self._own_text[term_id]
            if text not in said and term_id not in mentioned:
                said.add(text)
                prior = min(max(cosine, 0.0), 1.0)
                near.append(_named(Candidate, (text, "embedding", term_id, prior)))
        room = limit - min(len(near), kept)
        chosen = [_named(Candidate, link) for link in links[:room]]
        return chosen + near[: limit - len(chosen)]

    def _links(self, mentioned: Sequence[int], said: set[str]) -> list[tuple[str, str, int, float]]:
        """Other names of the mentioned terms, in turn, then broader terms; adds them to `said`."""
        found = []
        for texts in zip_longest(*[self._names[term_id] for term_id in mentioned]):
            for term_id, text in zip(mentioned, texts, strict=True):
                if text is not None and text not in said:
                    said.add(text)
                    found.append((text, "synonym", term_id, SYNONYM_PRIOR))
        for term_id in mentioned:
            parent = self._terms[term_id].parent
            if parent is not None and (text := self._own_text[parent]) not in said:
                said.add(text)
                found.append((text, "parent", parent, PARENT_PRIOR))
        return found

    def _spans(self, read: Reading) -> list[Span]:
        """The terms, each with its head: the last of its words that name it, or a broader term."""
        spans = []
        for mention, (i, _, key) in zip(read.mentions, read.places, strict=True):
            head = read.words[i + self._head(key, mention.term_id)].start
            category = self.category(mention.term_id)
            spans.append(Span(mention.start, mention.end, head, category))
        return spans

    def _head(self, key: str, term_id: int) -> int:
        """Which word of a term's key the head begins with."""
        if " " not in key:
            return 0
        if (head := self._heads.get(key)) is None:
            line, parts = {term_id, *self._broader(term_id)}, key.split(" ")
            tails = (
                k for k in range(1, len(parts)) if self._term_of.get(" ".join(parts[k:])) in line
            )
            head = self._heads[key] = next(tails, 0)
        return head

    def _broader(self, term_id: int) -> Iterator[int]:
        while (term_id := self._terms[term_id].parent) is not None:
            yield term_id


def _longest_first(hit: tuple[int, int, str]) -> int:
    return hit[0] - hit[1]


_named = tuple.__new__  # a named tuple's own constructor takes twice as long


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
