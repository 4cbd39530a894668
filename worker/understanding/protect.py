"""What an expansion must not lose or change of a query.

Brand, content, model, colour, pattern, shape, condition, size, gender, age and numbers that the
query names stay as they are, and an expansion names no other. Nothing that is excluded, nor a kind
of it, comes in. A neighbour has the query's own head and no word that the query has not, and loses
none of what names the thing, which version of it, or what "and" joins.

Of two names that a rule of the shop makes equal, and of which one alone has digits, these belong to
the name: "ipod", "mp3 player". Digits of an amount do not: "tv" never becomes "55 inch tv".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from worker.lexicon.head_words import JOINED, VERSIONS
from worker.lexicon.lexicon import Lexicon
from worker.lexicon.negations import FREE, LESS_SUFFIX, NEGATING, OR, negation
from worker.lexicon.profile import Profile, Stemmed, profile
from worker.lexicon.protected_values import protected_values
from worker.lexicon.reading import Mention, Reading
from worker.lexicon.words import stem

_NAMES = frozenset({"brand", "model", "content"})
# Not added where there is none.
_FIRM = frozenset({"brand", "content", "material", "pattern", "shape"})
_AMOUNTS = frozenset({"size", "quantity", "price", "age"})
# Before a thing they are no part of its name: "wireless mouse".
_CONNECTED = frozenset({"wireless", "cordless", "wired", "corded"})
_SHORTEST_PART = 3  # letters of an excluded word that is sought in longer ones: "nut", "peanut"

# Why a text is held back, besides the names of attributes.
SAID, OTHER_WORDS, FEWER_WORDS, EXCLUDED, NUMBER, USE, NARROWER = (
    "the query says it",
    "words that the query has not",
    "words of the query that it has not",
    "excluded",
    "a number",
    "another use",
    "another kind of it",
)


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
        self._unwanted = _not_lacked(read) if read.kept_negations else set()
        self._unwanted_values: set[tuple[str, str]] = set()
        if read.exclusions:
            self._unwanted |= _unwanted(read)
            excluded = [lexicon.read(x.term) for x in read.exclusions]
            self._unwanted_values = {(a.name, a.value) for x in excluded for a in x.attributes}
        apart = (head.surface for head in heads if head not in read.mentions)
        self._apart = {surface for surface in apart if " " not in surface}
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

    def _tells(self, found: Stemmed) -> bool:
        """Whether a neighbour has all words of a name of each head, which version, and what is
        joined."""
        stemmed, names = self._lexicon.stemmed, self._lexicon.names
        return self._telling <= found.stems and all(
            any(stemmed(text).stems <= found.stems for text in (head.surface, *names(head.term_id)))
            for head in self._heads
        )

    @cached_property
    def _telling(self) -> frozenset[str]:
        """Words that only say which version, and those on both sides of "and"."""
        keys = self._keys
        telling = [stem(key) for key in keys if key in VERSIONS]
        for n, key in enumerate(keys):
            if key in JOINED:
                telling += map(stem, [*keys[max(n - 1, 0) : n], *keys[n + 1 : n + 2]])
        return frozenset(telling)

    @cached_property
    def _stemmed(self) -> Stemmed:
        return Stemmed(self._keys)

    @cached_property
    def _own(self) -> Profile:
        form = self._read.form
        return profile(form, self._keys, protected_values(form, self._read.attributes))

    def admit(self, text: str, source: str, term_id: int, instead_of: str) -> bool:
        """Whether a text may expand the query, see `refusal`."""
        return not self.refusal(text, source, term_id, instead_of)

    def refusal(self, text: str, source: str, term_id: int, instead_of: str) -> str:
        """Why a text may not expand the query; "" if it may, once per spelling: remembers it.

        Args:
            source: as in a candidate.
            instead_of: what in the query it would stand for, "" for the whole.
        """
        lexicon = self._lexicon
        words = lexicon.stemmed(text)
        if source == "embedding" and not self._says_the_same(words):
            return OTHER_WORDS
        if source == "embedding" and not self._tells(words):
            return FEWER_WORDS
        if source == "synonym" and words.stems <= self._stems:
            return SAID
        replaced = lexicon.stemmed(instead_of) if instead_of else self._stemmed
        if source == "synonym" and self._is_cut(instead_of):
            # Inside a name a longer one reads ill: the sports ball of "soccer ball".
            longer = " " not in instead_of and {words.head} == replaced.stems < words.stems
            if (longer and not self._is_connected(instead_of)) or lexicon.is_below(text, term_id):
                return NARROWER
        others = self._stems - replaced.stems if instead_of in self._apart else words.stems
        if words.stems.isdisjoint(others):  # no spectacle case is meant by "case for glasses"
            return FEWER_WORDS
        if words.joined in self._seen or words.joined == replaced.joined:
            return SAID
        found = lexicon.profile(text)
        unwanted = self._unwanted
        if instead_of and not NEGATING.isdisjoint(words.stems):  # "nut free", "without nuts"
            unwanted = unwanted - replaced.stems - set(map(_lacking, replaced.stems))
        if self._unwanted and self._is_excluded(words, found, term_id, unwanted):
            return EXCLUDED
        old = self._replaced(instead_of) if instead_of else self._own
        strict = source != "synonym"
        plain = found.plain and old.plain and not (strict or (found.uses and old.uses))
        if not plain:
            by_rule = bool(found.by_rule) and lexicon.published(instead_of) in found.by_rule
            if changed := self._changed(found, old, strict, by_rule):
                return changed
            if by_rule and self._adds_a_number(text, found, old):
                return NUMBER
        self._seen.add(words.joined)
        return ""

    def _is_cut(self, surface: str) -> bool:
        """Whether it is only the end of what is asked for: the "bag" of "tote bag"."""
        return all(head.surface != surface for head in self._heads)

    def _is_connected(self, surface: str) -> bool:
        """Whether the thing that is asked for is named by it, and how it is connected."""
        names = [head.surface.split() for head in self._heads]
        return any(name[0] in _CONNECTED and name[1:] == [surface] for name in names)

    def _replaced(self, surface: str) -> Profile:
        """Of a part of the query, without a brand that the query as a whole does not name: "candy"
        is one by itself."""
        old = self._lexicon.profile(surface)
        if old.plain:
            return old
        own = self._own.values
        kept = [value for value in old.values if value in own or value[0] not in _NAMES]
        return old._replace(values=frozenset(kept), plain=not (kept or old.numbers))

    def _changed(self, found: Profile, old: Profile, strict: bool, by_rule: bool) -> str:
        """What of the query would be lost, changed or added: a name of attributes, a number, a use;
        "" if nothing is."""
        if not old.values <= found.values:
            return min(old.values - found.values)[0]
        added = found.values - self._own.values if found.values else found.values
        if by_rule:
            amounts = [name for name, value in added if name in _AMOUNTS and _has_digit(value)]
            if amounts:
                return min(amounts)
        elif not old.numbers <= found.numbers or not found.numbers <= self._own.numbers:
            return NUMBER
        if old.uses and found.uses and old.uses != found.uses:
            return USE
        if added:
            names = {name for name, _ in self._own.values}
            if by_rule and not names.isdisjoint(_NAMES):
                names |= _NAMES  # a model is of one brand
            firm = _FIRM - _NAMES if found.is_brand else _FIRM
            new = [name for name, _ in added if strict or name in names or name in firm]
            if new:
                return min(new)
        if strict and not (old.uses <= found.uses <= self._own.uses):
            return USE
        return ""

    def _adds_a_number(self, text: str, found: Profile, old: Profile) -> bool:
        """Whether a number of no model would stand in a query that has another one."""
        if self._own.numbers <= old.numbers or any(name == "model" for name, _ in found.values):
            return False
        return any(map(str.isdigit, text.split(" ")))

    def _is_excluded(
        self, words: Stemmed, found: Profile, term_id: int, unwanted: Collection[str]
    ) -> bool:
        if self._excluded and not self._excluded.isdisjoint(self._lexicon.upwards(term_id)):
            return True
        if not found.values.isdisjoint(self._unwanted_values):
            return True
        return any(_holds(word, unwanted) for word in words.stems)


def _lacking(word: str) -> str:
    """The "sugar" of "sugarless"."""
    return word.removesuffix(LESS_SUFFIX)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _unwanted(read: Reading) -> set[str]:
    """Stems of the excluded words."""
    return {stem(word) for x in read.exclusions for word in x.term.replace("-", " ").split()}


def _not_lacked(read: Reading) -> set[str]:
    """Stems of what is not to be lacking, and so in no text that lacks it: "not sugar free"."""
    unwanted = set()
    for start, end in read.kept_negations:
        keys = [word.key for word in read.words if start <= word.start < end]
        for at, key in enumerate(keys):
            lacks = keys[at + 1 : at + 2] == [FREE] or key.endswith(LESS_SUFFIX)
            if at and lacks and (keys[at - 1] in OR or negation(keys, at) < at):
                unwanted |= {stem(_lacking(key)), stem(_lacking(key) + LESS_SUFFIX)}
    return unwanted


def _holds(word: str, unwanted: Collection[str]) -> bool:
    if word.endswith(LESS_SUFFIX) and word not in unwanted:
        return False
    return any(
        word == part
        or (len(part) >= _SHORTEST_PART and (word.startswith(part) or word.endswith(part)))
        for part in unwanted
    )
