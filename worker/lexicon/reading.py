"""Reads a query once for all that is asked of it: terms, brands, exclusions, attributes.

The longest phrase wins. What is excluded is no term and no attribute; a brand's words are no
attribute, and no term unless it is longer. Addresses are not read; tags count as `tagged.py` says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from worker.event import Tag
from worker.lexicon import number_bounds
from worker.lexicon.attributes import Attribute, Attributes, Span
from worker.lexicon.brands import Brand, Brands
from worker.lexicon.conditions import naming_nothing
from worker.lexicon.described import described
from worker.lexicon.excluded_before import ExcludedBefore
from worker.lexicon.exclusions import Exclusion, Exclusions, goes_on
from worker.lexicon.head_words import ABROAD, EMPTY, is_foreign
from worker.lexicon.negations import NEGATING, negation_behind
from worker.lexicon.spellings import Spellings
from worker.lexicon.tagged import Tagged, Thing, is_near
from worker.lexicon.terms import NO_TERM, Terms
from worker.lexicon.words import WORDS_KEPT, Kept, Phrases, Word, covered, keys, named, words

_SHORT_NAME = 5  # letters; so short ones are often a letter from another brand's

_ADDRESS = re.compile(r"\S+@\S+|\bhttps?://\S+|\bwww\.\S+")


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


class Reading(NamedTuple):
    """A normal form, read.

    Attributes:
        term_keys: every key of a term that stands in it.
        mentions: the terms in it, in order, without overlap; longer ones are taken first.
        places: of each mention, its first word, one past its last, and its key.
        exclusions: what is not wanted, in order.
        excluded_terms: the terms in these.
        attributes: colour, size, brand, price …, in order.
        things: what the tagging model takes for the thing that is asked for.
        described: what it says beside the attributes; see `worker.lexicon.described`.
        abroad: whether words such as "con" and "pour" are those of another language in it.
        kept_negations: start and end of negations that exclude nothing: "no show", "not too heavy".
    """

    form: str
    words: Sequence[Word]
    term_keys: Sequence[str]
    mentions: Sequence[Mention]
    places: Sequence[tuple[int, int, str]]
    exclusions: Sequence[Exclusion]
    excluded_terms: frozenset[int]
    attributes: Sequence[Attribute]
    things: Sequence[Thing] = ()
    described: Sequence[Attribute] = ()
    abroad: bool = False
    kept_negations: Sequence[tuple[int, int]] = ()


class Reader:
    """Reads queries.

    Answers never change. Caches are plain dicts: threads may repeat work, not corrupt it.

    Args:
        fixed: keys of phrases in which a negation keeps its meaning.
        spellings: which words the lexicon and the language have.
    """

    def __init__(
        self,
        terms: Terms,
        attributes: Attributes,
        brands: Brands,
        fixed: Collection[str],
        spellings: Spellings,
    ) -> None:
        self._terms = terms
        self._attributes, self._brands = attributes, brands
        self._fixed = Phrases(fixed)
        self._spellings = spellings
        self._exclusions = Exclusions(
            self._known,
            terms.__contains__,
            frozenset(fixed),
            attributes.models.find,
            ExcludedBefore(self._known, terms.__contains__, attributes.name_of),
        )
        self._heads = Kept(WORDS_KEPT)  # by key

    def read(self, form: str, tags: Sequence[Tag] = (), inside: bool = True) -> Reading:
        """The words of a normal form, and what they mean.

        Args:
            tags: of the tagging model, of this form.
            inside: whether words that count beside a term do so in its own name: "glass kettle".
        """
        text = _ADDRESS.sub(_blank, form) if "@" in form or "www" in form or "//" in form else form
        found = words(text)
        hits = self._terms.find(found)
        hits.sort(key=_longest_first)
        uncut = self._without_cut_terms(hits)
        places = self._taken(uncut, ())
        tagged = Tagged(tags, found) if tags else None
        sure = tagged.brand() if tagged else 0
        brands = self._brands.find(
            found, lambda *at: self._beside(found, places, *at), sure, self._is_written_term
        )
        if tagged and not brands:
            terms = {first: self._terms.department(term) for first, _, _, term in places}
            brands = tagged.new_brand(self._is_new, terms)
        nothings = naming_nothing(text, found, hits)
        mild = [*self._exclusions.kept_negations(text, found, brands), *nothings]
        fixed = [span[:2] for span in self._fixed.find(found) if not goes_on(found, span[1])] + mild
        exclusions = self._exclusions.find(
            text, found, mild, brands, lambda: self._names(fixed, places, brands)
        )
        if tagged:
            exclusions = tagged.exclusions(exclusions, fixed, text, self._attributes)
        if exclusions:  # "no smaller than 65 inch"
            exclusions = [x for x in exclusions if not number_bounds.stands(text, x.start)]
        contents = tagged.contents() if tagged else ()
        excluded = [covered(found, x.start, x.end) for x in exclusions]
        if brands or excluded or contents or mild:
            blocked = [(b.first, b.last, self._is_only_brand(b, places)) for b in brands]
            blocked += [(a, b, True) for a, b in (*contents, *mild)]
            for (a, b), x in zip(excluded, exclusions, strict=True):
                part = x.end < found[b - 1].end  # "sleeveless"
                uncut = [hit for hit in uncut if _says(found, hit, a, b, part)]
            places = self._taken(uncut, blocked)
        mentions = [self._mention(form, found, place) for place in places]
        ids = {self._terms.term_of(k) for i, j, k in hits for a, b in excluded if a <= i and j <= b}
        unwanted = [(x.start, x.end) for x in exclusions]
        if exclusions:  # "excluded" is no style
            own = [word.key for word in found]
            behind = [n for _, b in excluded for n in range(b, negation_behind(own, b))]
            unwanted += [(found[n].start, found[n].end) for n in behind]
        nothing = unwanted + [
            (found[i].start, found[j - 1].end)
            for i, j in fixed
            if j - i > 1 and all((i, j) != (b.first, b.last) for b in brands)  # "not your mothers"
        ]
        attributes = self._attributes.find(
            text, found, lambda: self._spans(found, places, mentions), brands, nothing, inside
        )
        if tagged:
            lists, is_ordinary = self._attributes, self._spellings.is_ordinary
            attributes = tagged.attributes(
                attributes, lists, nothing, text, self._is_term, is_ordinary
            )
        keys, spans = [hit[2] for hit in hits], [place[:3] for place in places]
        excluded_ids = frozenset(ids - {NO_TERM})
        things = tagged.things() if tagged else ()
        tell = self._is_term, self._attributes.name_of, self._spellings.is_ordinary
        said = described(tags, found, attributes, unwanted, nothings, *tell)
        read = form, found, keys, mentions, spans, exclusions, excluded_ids, attributes, things
        meant = [span for span in fixed if span in mild or found[span[0]].key in NEGATING]
        kept_negations = [(found[i].start, found[j - 1].end) for i, j in meant]
        return named(Reading, (*read, said, self._is_abroad(found, brands), kept_negations))

    def attributes(self, form: str) -> Sequence[Attribute]:
        """The attributes of a normal form, without those inside the names of its terms; cheaper
        than `read` if it has none."""
        found = keys(form)
        if self._attributes.may_stand(form, found) or self._brands.may_stand(found):
            return self.read(form, inside=False).attributes
        return ()

    def _without_cut_terms(
        self, hits: Sequence[tuple[int, int, str]]
    ) -> Sequence[tuple[int, int, str]]:
        """Without those whose last word begins another term: not the "adjustable desk" of
        "adjustable desk chair", which is a desk chair."""
        ends = [(a, b) for a, b, key in hits if b - a > 1 and self._terms.term_of(key) != NO_TERM]
        if len(ends) < 2:
            return hits
        return [hit for hit in hits if not any(hit[0] < a < hit[1] < b for a, b in ends)]

    def _taken(
        self, hits: Sequence[tuple[int, int, str]], blocked: Sequence[tuple[int, int, bool]]
    ) -> list[tuple[int, int, str, int]]:
        """The terms among the hits, without overlap.

        Args:
            blocked: first and one past the last word of spans that no term may meet unless it
                holds all of one and more, or just all of it where the third value is false.
        """
        used, taken = 0, []  # a bit a word
        for i, j, key in hits:
            covered = (1 << j) - (1 << i)
            if used & covered or any(
                a < j and i < b and not (i <= a and b <= j and b - a < j - i + (not whole))
                for a, b, whole in blocked
            ):
                continue
            used |= covered
            if (term_id := self._terms.term_of(key)) != NO_TERM:
                taken.append((i, j, key, term_id))
        taken.sort()
        return taken

    def _mention(self, form: str, found: Sequence[Word], place: tuple) -> Mention:
        start, end = found[place[0]].start, found[place[1] - 1].end
        return named(Mention, (place[3], form[start:end], start, end))

    def _is_new(self, word: str) -> bool:
        """Whether nobody knows a word, nor one that it may be misspelt for."""
        if self._spellings.is_own(word) or self._spellings.is_ordinary(word) or not word.isalpha():
            return False
        brands = self._brands.keys
        if len(word) > _SHORT_NAME and word not in brands and is_near(word, brands.__contains__):
            return False
        return not is_near(word, self._spellings.is_own)

    def _is_written_term(self, key: str) -> bool:
        """Whether a term is written so, and not in another number: "boots", but not "apple"."""
        return self._terms.text_of(key) == key

    def _is_term(self, key: str) -> bool:
        return self._terms.term_of(key) not in (None, NO_TERM)

    def _is_abroad(self, found: Sequence[Word], brands: Sequence[Brand]) -> bool:
        """Whether a query has one of `ABROAD` and a word, of no brand, that English has not."""
        if ABROAD.isdisjoint([word.key for word in found]):
            return False
        named = {n for brand in brands for n in range(brand.first, brand.last)}
        others = [word.key for n, word in enumerate(found) if n not in named]
        return any(is_foreign(word, self._spellings.is_ordinary) for word in others)

    def _known(self, key: str) -> bool:
        return key in self._terms or key in self._attributes or key in self._brands

    def _names(
        self, fixed: Iterable[tuple], places: Iterable[tuple], brands: Iterable[Brand]
    ) -> list[tuple[int, int]]:
        """First and one past the last word of what keeps its meaning whatever stands in it."""
        names = [*fixed, *((place[0], place[1]) for place in places)]
        return names + [(brand.first, brand.last) for brand in brands]

    def _beside(
        self, found: Sequence[Word], places: Sequence[tuple], first: int, last: int
    ) -> Iterator[str]:
        """Keys of what stands next to some words: the words, the terms, and those above them."""
        for i in range(first - 1, -1, -1):
            if not self._attributes.describes(found[i].key):
                yield found[i].key
                break
        for i in range(last, len(found)):
            if not self._attributes.describes(found[i].key):
                yield found[i].key
                yield " ".join([word.key for word in found[i : i + 2]])  # "air fryer liners"
                break
        for i, j, key, term_id in places:
            if j <= first or last <= i or (i <= first and last <= j):
                near = range(j, first) if j <= first else range(last, i)
                if all(self._attributes.describes(found[n].key) for n in near):
                    yield key
                    for above in self._terms.upwards(term_id):
                        yield from self._kinds(above)

    def _is_only_brand(self, brand: Brand, places: Sequence[tuple]) -> bool:
        """Whether the words are the brand and not, at once, a term for what it sells: "hoover"."""
        terms = [term_id for i, j, _, term_id in places if (i, j) == (brand.first, brand.last)]
        return brand.kinds is not None and not any(
            kind in brand.kinds
            for term in terms
            for above in self._terms.upwards(term)
            for kind in self._kinds(above)
        )

    def _kinds(self, term_id: int) -> Iterator[str]:
        """Keys of a term's name, and levels of its paths."""
        for path in {self._terms.category(term_id), self._terms.sense(term_id)}:
            yield from path.lower().split(" > ")
        yield self._terms.key(term_id)

    def _spans(
        self, found: Sequence[Word], places: Sequence[tuple], mentions: Sequence[Mention]
    ) -> list[Span]:
        """The terms, each with its head: the last of its words that name it, or a broader term."""
        spans = []
        for mention, (i, _, key, term_id) in zip(mentions, places, strict=True):
            head = found[i + self._head(key, term_id)].start
            spans.append(Span(mention.start, mention.end, head, self._terms.department(term_id)))
        return spans

    def _head(self, key: str, term_id: int) -> int:
        """Which word of a term's key the head begins with."""
        if " " not in key:
            return 0
        if (head := self._heads.get(key)) is None:
            line, parts = {*self._terms.upwards(term_id)}, key.split(" ")
            tails = (
                k for k in range(1, len(parts)) if self._terms.term_of(" ".join(parts[k:])) in line
            )
            head = self._heads.put(key, next(tails, 0))
        return head


def _says(found: Sequence[Word], hit: tuple, a: int, b: int, part: bool) -> bool:
    """Whether a term is not met by what is excluded, or says itself that it is: "fluoride free
    toothpaste", but not the "wireless mouse" of "not wireless mouse".

    Args:
        a, b: first and one past the last word of what is excluded.
        part: whether that is only part of its word: "sleeveless".
    """
    i, j, _ = hit
    if j <= a or b <= i:
        return True
    return i <= a and b <= j and (part or any(found[n].key in NEGATING for n in range(i, j)))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _longest_first(hit: tuple[int, int, str]) -> tuple[int, int]:
    """Of two of one length the later: the "laptop bag" of "gaming laptop bag" is asked for."""
    return hit[0] - hit[1], -hit[0]


def only_terms_and_attributes(read: Reading, mentions: Sequence[Mention]) -> bool:
    """Whether every word stands in one of the mentions or an attribute, or carries no meaning."""
    spans = [(item.start, item.end) for item in (*mentions, *read.attributes)]
    return all(
        word.key in EMPTY or any(start <= word.start < end for start, end in spans)
        for word in read.words
    )
