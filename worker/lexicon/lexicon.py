"""Search in a built lexicon: terms in a query, terms near it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from worker.event import Tag
from worker.lexicon import built
from worker.lexicon.attributes import Attribute, Attributes
from worker.lexicon.brands import Brands
from worker.lexicon.built import Built
from worker.lexicon.correction import Correction, Corrector
from worker.lexicon.heads import apart, heads, named_brands, turned
from worker.lexicon.makers_lines import MakersLines
from worker.lexicon.neighbours import Neighbours, neighbours
from worker.lexicon.other_words import OtherWords
from worker.lexicon.profile import Profile, Stemmed, profile
from worker.lexicon.protected_values import NOTHING, protected_values
from worker.lexicon.reading import Mention, Reader, Reading
from worker.lexicon.renaming import broader_part, has_other_name
from worker.lexicon.shelves import Shelves
from worker.lexicon.terms import NO_TERM
from worker.lexicon.words import Kept, keys, named, words

_FOR_WHOM = re.compile(r"^\w+['’]s? ")
PARENT_PRIOR = 0.6
NEIGHBOUR_PRIOR = 0.4
KEPT = 1 << 14  # texts of which something is remembered
NEIGHBOUR_SHARE = 3  # one candidate in so many is a neighbour, if there are that many


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


class Lexicon:
    """Terms and what is known of them.

    Answers never change. Caches are plain dicts: threads may repeat work, not corrupt it.

    Attributes:
        version: 8 hexadecimal digits that change with the terms, the tables or the encoder.
        encoder_sha256: hash of the encoder's `model.onnx` that the vectors are by.
        document_prompt: what it read before each term.
        other_words: what says the same as other words.
        makers_lines: what kinds of thing makers' lines are.
        dimension: of the vectors.
    """

    def __init__(self, parts: Built) -> None:
        self.version: str = parts.manifest["version"]
        self.encoder_sha256: str = parts.manifest["encoder_onnx_sha256"]
        self.document_prompt: str = parts.manifest.get("document_prompt", "")
        self.dimension: int = parts.manifest["dimension"]
        self._terms = terms = parts.terms
        self._attributes = attributes = Attributes(parts.attributes)
        names = [_FOR_WHOM.sub("", name) for name in terms.departments]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        self._departments = np.array([numbers[name] for name in names])[terms.senses]
        # What no category is known of has a department of its own.
        alone = np.flatnonzero(np.array([not path for path in terms.paths])[terms.senses])
        self._departments[alone] = -1 - alone
        self._department_of: list[int] = self._departments.tolist()
        self._number_of = {path: number for number, path in enumerate(terms.paths)}
        self.other_words = OtherWords(parts.attributes, attributes.name_of)
        self._shelves = Shelves(parts.attributes.get("whose", ()), terms.published())
        self._vectors = parts.vectors
        self._stemmed, self._profiles = Kept(KEPT), Kept(KEPT)  # by text
        self._renamed = Kept(KEPT)  # by term and surface: the part that has another name
        brands = self._brands = Brands(parts.brands)
        spellings = self._spellings = parts.spellings
        told = parts.attributes.get("misspellings", {})
        self._corrector = Corrector((terms, attributes.words), brands, spellings, told)
        self._protected_values = parts.protected_values
        self.makers_lines = MakersLines(parts.attributes.get("lines", {}), terms)
        self._reader = Reader(terms, attributes, brands, parts.attributes["fixed"], spellings)

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
        return self._terms.name(term_id)

    def category(self, term_id: int) -> str:
        """The term's path, such as "Shoes > Running"; "" where none is known."""
        return self._terms.category(term_id)

    def category_number(self, path: str) -> int:
        """The number of a category, as `Neighbours` has it."""
        return self._number_of[path]

    def shelf(self, path: str, attributes: Iterable[Attribute]) -> str:
        """The category for whom a query's attributes name: "Men's Clothing > Shirts" for "Shirts";
        the category itself where there is none."""
        return self._shelves.of(path, attributes)

    def department_number(self, term_id: int) -> int:
        """A number for the kind of thing that a term means, whoever it is for: women's clothing is
        clothing."""
        return self._department_of[term_id]

    def _same_department(self, one: int, other: int) -> bool:
        return self._department_of[one] == self._department_of[other]

    def vector(self, term_id: int) -> np.ndarray:
        """The term's vector: float32, shape [dimension], unit length."""
        return self._vectors.get(term_id)

    def read(self, form: str, tags: Sequence[Tag] = ()) -> Reading:
        """The words of a normal form, and what they mean; `tags` are the tagging model's."""
        return self._reader.read(form, tags)

    def correct(self, form: str) -> Correction | None:
        """A normal form put right, None if nothing in it is likely to be misspelt."""
        return self._corrector.correct(form, words(form))

    def nearest(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The terms whose vectors are nearest; see `Vectors.nearest`."""
        return self._vectors.nearest(vectors, k)

    def neighbours(
        self, reads: Sequence[Reading], vectors: np.ndarray, k: int, min_similarity: float
    ) -> list[Neighbours]:
        """Of each query, the terms that are nearest to it.

        Args:
            vectors, k: as `nearest` takes them, one vector a query.
            min_similarity: cosine from which a neighbour might expand a query.
        """
        of_terms = self._terms.signatures, self._departments, self._terms.categories
        return neighbours(reads, *self.nearest(vectors, k), *of_terms, min_similarity)

    def stemmed(self, text: str) -> Stemmed:
        """The words of a text, whatever their number."""
        if (known := self._stemmed.get(text)) is None:
            known = self._stemmed.put(text, Stemmed(keys(text)))
        return known

    def profile(self, text: str) -> Profile:
        """What must stay of a text when another takes its place."""
        if (known := self._profiles.get(text)) is None:
            found = keys(text)
            if self._terms.text_of(" ".join(found)) == text:  # a name, read when it was written
                values = self._protected_values.get(text, NOTHING)
            else:
                values = protected_values(text, self._reader.attributes(text))
            known = self._profiles.put(text, profile(text, found, values))
        return known

    def term_of(self, text: str) -> int | None:
        """The term that a text names."""
        term_id = self._terms.term_of(" ".join(keys(text)))
        return None if term_id == NO_TERM else term_id

    def is_below(self, text: str, term_id: int) -> bool:
        """Whether a text names a narrower term than one."""
        own = self.term_of(text)
        return own not in (None, term_id) and term_id in self.upwards(own)

    def names(self, term_id: int) -> Sequence[str]:
        """The texts that are published for a term, its name first."""
        return self._terms.names(term_id)

    def published(self, text: str) -> str:
        """The text that is published for a name, whatever its number and spelling; "" for what is
        none."""
        return self._terms.text_of(" ".join(keys(text)))

    def heads(self, read: Reading) -> list[Mention]:
        """The mentions that name what is asked for."""
        found = heads(read, self._attributes.describes, self._may_name)
        if not found and (pair := apart(read, self._terms.term_of, self._attributes.describes)):
            word = read.words[pair[0]]
            return [Mention(pair[1], read.form[word.start : word.end], word.start, word.end)]
        mentions = [read.mentions[n] for n in found if not self._is_treatment(read, n)]
        if len(mentions) < 2:
            return [self._turned(read, mention) or mention for mention in mentions]
        last = self.department_number(mentions[-1].term_id)
        return [m for m in mentions if self.department_number(m.term_id) == last]

    def is_thing(self, word: str) -> bool:
        """Whether a word may be the last of what names a thing."""
        return self._spellings.ends_a_term(word)

    def stems_of(self, term_id: int) -> Stemmed:
        """The words of a term's name."""
        return self.stemmed(self._terms.own_text(term_id))

    def sold(self, read: Reading) -> list[str]:
        """The categories of what the query's brands sell, or of what its content is on, in the
        order in which the first lists its things; none if a thing for it is asked for."""
        names = [read.form[brand.start : brand.end] for brand in named_brands(read)]
        first, *others = map(self._sold_by, names) if names else ([],)
        return [path for path in first if all(path in other for other in others)]

    def _sold_by(self, name: str) -> list[str]:
        terms = map(self._terms.term_of, self._brands.sells(name))
        paths = (self.category(term_id) for term_id in terms if term_id not in (None, NO_TERM))
        return list(dict.fromkeys(paths))

    def _may_name(self, word: str) -> bool:
        """Whether a word may name a thing: it ends a term, or nobody knows it."""
        known = self._spellings.is_own(word) or self._spellings.is_ordinary(word)
        return not known or self._spellings.ends_a_term(word)

    def _turned(self, read: Reading, mention: Mention) -> Mention | None:
        """What the end of a mention names with the word behind it, if that is another thing."""
        place = read.places[read.mentions.index(mention)]
        found = turned(read, place, self._terms.term_of, self._attributes.__contains__)
        if not found or self._same_department(found[0], mention.term_id):
            return None
        return Mention(found[0], read.form[found[1] : found[2]], *found[1:])

    def _is_treatment(self, read: Reading, n: int) -> bool:
        """Whether it is for the material before it, so another thing: "leather conditioner"."""
        first, _, key = read.places[n]
        return first > 0 and self._attributes.is_for(read.words[first - 1].key, key)

    def is_whole(self, read: Reading, mention: Mention) -> bool:
        """Whether a term of one word means by itself what it means in the query: the "pillow" of
        "dog pillow" does not."""
        if mention not in read.mentions:
            return True
        n = read.mentions.index(mention)
        first, last, _ = read.places[n]
        if last - first > 1 or not first:
            return True
        before = read.mentions[n - 1] if n and read.places[n - 1][1] == first else None
        return before is None or self._same_department(before.term_id, mention.term_id)

    def renamable(self, mention: Mention) -> Mention:
        """The mention, or, if its term has no other name, the end of it that is a broader term with
        one: the "tv" of "50 inch tv"."""
        key = mention.term_id, mention.surface
        if (part := self._renamed.get(key)) is None:
            part = self._renamed.put(key, self._renamable(*key))
        term_id, before = part
        if not before:
            return mention
        return Mention(term_id, mention.surface[before:], mention.start + before, mention.end)

    def _renamable(self, term_id: int, surface: str) -> tuple[int, int]:
        """The term that has another name, and how many characters stand before it."""
        if has_other_name(self._terms, self.stemmed, term_id, surface):
            return term_id, 0
        part = broader_part(self._terms, self.stemmed, Mention(term_id, surface, 0, len(surface)))
        return (part.term_id, part.start) if part and part.end == len(surface) else (term_id, 0)

    def broader_part(self, mention: Mention) -> Mention | None:
        """The part of a mention that is a broader term with another name."""
        return broader_part(self._terms, self.stemmed, mention)

    def knows(self, word: str) -> bool:
        """Whether a word stands in some term, says something of a thing, or is surely a brand."""
        return self._spellings.is_own(word) or word in self._brands

    def candidates(
        self,
        read: Reading,
        near: Iterable[int],
        *,
        limit: int,
        mentions: Mapping[Mention, float],
        admit: Callable[[str, str, int, str], bool],
        parents: bool = False,
    ) -> list[Candidate]:
        """Texts that might expand a query; none of them stands in it, in any spelling or number.

        Synonyms first, then broader terms, then neighbours, for which a third of the places is
        kept.

        Args:
            near: the terms that are near, nearest first.
            mentions: those whose links count, with how sure their synonyms are.
            admit: whether a text, by its source, term and what it would stand for, is one.
            parents: whether broader terms are wanted.
        """
        said = {self._terms.text_of(key) for key in read.term_keys}
        mentioned = {m.term_id: (m.surface, prior) for m, prior in mentions.items()}
        links = self._links(mentioned, said, admit, parents, limit) if mentioned else []
        neighbours: list[Candidate] = []
        kept = limit // NEIGHBOUR_SHARE
        wanted = max(kept, limit - len(links))
        for term_id in near:
            if len(neighbours) == wanted:
                break
            if term_id in mentioned or (text := self._terms.own_text(term_id)) in said:
                continue
            if admit(text, "embedding", term_id, ""):
                said.add(text)
                neighbours.append(named(Candidate, (text, "embedding", term_id, NEIGHBOUR_PRIOR)))
        room = limit - min(len(neighbours), kept)
        chosen = links[:room]
        return chosen + neighbours[: limit - len(chosen)]

    def _links(
        self,
        mentioned: Mapping[int, tuple[str, float]],
        said: set[str],
        admit: Callable[[str, str, int, str], bool],
        parents: bool,
        limit: int,
    ) -> list[Candidate]:
        """Other names of the mentioned terms, in turn, then broader terms; adds them to `said`."""
        found: list[Candidate] = []
        for texts in zip_longest(*[self._terms.names(term_id) for term_id in mentioned]):
            if len(found) >= limit:
                return found
            for (term_id, (surface, prior)), text in zip(mentioned.items(), texts, strict=True):
                if text and text not in said and admit(text, "synonym", term_id, surface):
                    said.add(text)
                    found.append(named(Candidate, (text, "synonym", term_id, prior)))
        for term_id, (surface, _) in mentioned.items() if parents else ():
            parent = self._terms.parent(term_id)
            if parent is None or (text := self._terms.own_text(parent)) in said:
                continue
            if admit(text, "parent", parent, surface):
                said.add(text)
                found.append(named(Candidate, (text, "parent", parent, PARENT_PRIOR)))
        return found

    def upwards(self, term_id: int) -> Iterator[int]:
        """A term and those above it, the nearest first."""
        return self._terms.upwards(term_id)
