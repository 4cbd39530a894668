"""What an expansion must not lose or change of a query.

Brand, model, colour, pattern, shape, size, gender, age and numbers that the query names stay as
they are, and an expansion names no other. Nothing that is excluded, nor a kind of it, comes in. A
neighbour has the query's own head and no word that the query has not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from worker.lexicon.lexicon import Lexicon
from worker.lexicon.profile import Profile, Stemmed, profile
from worker.lexicon.protected_values import protected_values
from worker.lexicon.reading import Mention, Reading
from worker.lexicon.words import stem

_NAMES = frozenset({"brand", "model"})
_NEGATING = frozenset({"free", "no", "non", "without"})
_FIRM = frozenset({"brand", "material", "pattern", "shape"})  # not added where there is none
_SHORTEST_PART = 3  # letters of an excluded word that is sought in longer ones: "nut", "peanut"


class Protection:
    """What expansions of one query must keep.

    Args:
        heads: the terms in it that name what is asked for.
    """

    def __init__(self, lexicon: Lexicon, read: Reading, heads: Sequence[Mention] = ()) -> None:
        self._lexicon, self._read, self._excluded = lexicon, read, read.excluded_terms
        self._heads = heads
        self._keys = [word.key for word in read.words]
        self._stems = frozenset(map(stem, self._keys))
        self._unwanted: set[str] = set()
        if read.exclusions:
            self._unwanted = _unwanted(read)
            excluded = [lexicon.read(x.term) for x in read.exclusions]
            self._unwanted_values = {(a.name, a.value) for x in excluded for a in x.attributes}
        self._seen = {lexicon.stemmed(mention.surface).joined for mention in read.mentions}

    def _says_the_same(self, found: Stemmed) -> bool:
        """Whether it has the query's head, and no word that the query has not."""
        if not found.stems <= self._stems:
            return False
        return found.head in self._head_words

    @cached_property
    def _head_words(self) -> list[str]:
        """The last words of what the heads are called; that of the whole query where none are."""
        heads = [self._lexicon.stemmed(mention.surface).head for mention in self._heads]
        return heads or [self._stemmed.head]

    @cached_property
    def _stemmed(self) -> Stemmed:
        return Stemmed(self._keys)

    @cached_property
    def _own(self) -> Profile:
        form = self._read.form
        return profile(form, self._keys, protected_values(form, self._read.attributes))

    def admit(self, text: str, source: str, term_id: int, instead_of: str) -> bool:
        """Whether a text may expand the query. True once per spelling; remembers it.

        Args:
            source: as in a candidate.
            instead_of: what in the query it would stand for, "" for the whole.
        """
        lexicon = self._lexicon
        words = lexicon.stemmed(text)
        if source == "embedding" and not self._says_the_same(words):
            return False
        if source == "synonym" and words.stems <= self._stems:
            return False
        replaced = lexicon.stemmed(instead_of) if instead_of else self._stemmed
        if words.joined in self._seen or words.joined == replaced.joined:
            return False
        found = lexicon.profile(text)
        unwanted = self._unwanted
        if instead_of and not _NEGATING.isdisjoint(words.stems):  # "nut free", "without nuts"
            unwanted = unwanted - replaced.stems
        if self._unwanted and self._is_excluded(words, found, term_id, unwanted):
            return False
        old = self._replaced(instead_of) if instead_of else self._own
        strict = source != "synonym"
        plain = found.plain and old.plain and not (strict or (found.uses and old.uses))
        if not plain and not self._keeps(found, old, strict):
            return False
        self._seen.add(words.joined)
        return True

    def _replaced(self, surface: str) -> Profile:
        """Of a part of the query, without a brand that the query as a whole does not name: "candy"
        is one by itself."""
        old = self._lexicon.profile(surface)
        if old.plain:
            return old
        own = self._own.values
        kept = [value for value in old.values if value in own or value[0] not in _NAMES]
        return old._replace(values=frozenset(kept), plain=not (kept or old.numbers))

    def _keeps(self, found: Profile, old: Profile, strict: bool) -> bool:
        if not old.values <= found.values or not old.numbers <= found.numbers:
            return False
        if found.numbers and not found.numbers <= self._own.numbers:
            return False
        if old.uses and found.uses and old.uses != found.uses:
            return False
        if found.values and (added := found.values - self._own.values):
            names = {name for name, _ in self._own.values}
            if strict or any(name in names for name, _ in added):
                return False
            firm = _FIRM - _NAMES if found.is_brand else _FIRM
            if any(name in firm for name, _ in added):
                return False
        if not strict:
            return True
        return old.uses <= found.uses and (not found.uses or found.uses <= self._own.uses)

    def _is_excluded(
        self, words: Stemmed, found: Profile, term_id: int, unwanted: Collection[str]
    ) -> bool:
        if self._excluded and not self._excluded.isdisjoint(self._lexicon.upwards(term_id)):
            return True
        if not found.values.isdisjoint(self._unwanted_values):
            return True
        return any(_holds(word, unwanted) for word in words.stems)


def _unwanted(read: Reading) -> set[str]:
    """Stems of the excluded words."""
    return {stem(word) for x in read.exclusions for word in x.term.replace("-", " ").split()}


def _holds(word: str, unwanted: Collection[str]) -> bool:
    return any(
        word == part
        or (len(part) >= _SHORTEST_PART and (word.startswith(part) or word.endswith(part)))
        for part in unwanted
    )
