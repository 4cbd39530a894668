"""What a query does not want: "not black", "without laces", "nut free", "-silicone", "seedless".

A negation that belongs to a name ("hands free", "no show socks", any term of the lexicon) is none,
nor is one that negates what somebody does ("has not arrived") or offers ("free delivery").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from worker.lexicon.brands import Brand
from worker.lexicon.excluded_before import ExcludedBefore
from worker.lexicon.free_and_less import before_free, before_less, is_free_behind
from worker.lexicon.head_words import FOR_THINGS, HOLDERS, LIKE, LIKE_PAIRS, past_place
from worker.lexicon.model_numbers import Model
from worker.lexicon.negations import (
    CLAUSES,
    DOES_NOT_HAVE,
    EVENTS,
    FILLERS,
    FIRST_WORDS,
    FREE,
    JOINED,
    LAST_WORDS,
    LESS_SUFFIX,
    MILD,
    NEGATIONS,
    NO_PART,
    OR,
    SPEAKER,
    STOPS,
    VERBS,
    WANTS_NOT,
    described_thing,
    kept_negations,
)
from worker.lexicon.words import Word, word_set

QUALIFIERS = frozenset({"added", "artificial"})  # fillers that say which of it is not wanted
# What is not wanted only where it is artificial, unlike a "not artificial" tree.
_ADDITIVES = word_set("""
    color colors colour colours coloring colouring flavor flavors flavour flavours flavoring
    flavouring sweetener sweeteners preservative preservatives dye dyes ingredient ingredients
""")
_TRIGGERS = frozenset({FREE, *FIRST_WORDS, *LAST_WORDS})
# Words behind a prohibition: "no parking sign".
_SIGNS = frozenset({"allowed", "sign", "signs", "zone", "policy"})
_MARK = re.compile(r"(?<!\S)-(?=[^\W\d_])")

_OF_MODEL = 6  # words, with the brand
# At the end they belong to what is before: "not pop up", "not airpods max", "not eos r".
_PARTICLES = word_set("up on in out off down pro max ultra lite")
PARTS = FOR_THINGS | HOLDERS
_RANKS = {"color": 0, "pattern": 1, "material": 2, "brand": 3}
_OTHERS = word_set("others people anyone everyone neighbors neighbours")  # behind what is done


class Exclusion(NamedTuple):
    """A thing or property that is not wanted.

    Attributes:
        term: the words that name it.
        start: offset of its first character in the normal form.
        end: one past its last.
    """

    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Finds them; never changes, so any thread may search.

    Args:
        known: whether a key is a term, an attribute's word or a brand.
        is_term: whether a key is a term.
        fixed: keys of phrases in which a negation keeps its meaning.
        models: finds the models in a normal form, of some of its words.
        before: finds what is named before words that exclude it.
    """

    known: Callable[[str], bool]
    is_term: Callable[[str], bool]
    fixed: Collection[str]
    models: Callable[[str, Sequence[Word]], Sequence[Model]]
    before: ExcludedBefore

    def kept_negations(
        self, form: str, found: Sequence[Word], brands: Sequence[Brand]
    ) -> list[tuple[int, int]]:
        """First and one past the last word of negations that exclude nothing, and of those that do
        not say which of the names before them they exclude.

        Args:
            brands: those in it.
        """
        spans = kept_negations(form, found, self._is_kept)
        for i, word in enumerate(found):
            if word.key in LAST_WORDS:
                unsure = self.before.find(form, found, i, brands)
                spans += [(unsure.names[-1][0], i + 1)] if not unsure.sure else []
        return spans

    def find(
        self,
        form: str,
        found: Sequence[Word],
        kept: Sequence[tuple[int, int]],
        brands: Sequence[Brand],
        names: Callable[[], Sequence[tuple[int, int]]],
    ) -> list[Exclusion]:
        """What a normal form excludes, in order, without overlap.

        Args:
            found: its words.
            kept, brands: as `kept_negations` returns and takes them.
            names: gives first and one past the last word of each phrase in which a negation keeps
                its meaning; called only if there may be an exclusion.
        """
        triggers = [i for i, word in enumerate(found) if word.key in _TRIGGERS]
        if not (triggers or "-" in form or LESS_SUFFIX in form):
            return []
        named = {i for first, last in names() for i in range(first, last)}
        kept_words = {i for first, last in kept for i in range(first, last)}
        spans = list(self._marked(form, found))
        spans += before_less(found, named, kept_words, self.known, self._is_kept)
        for first, last in kept:
            spans += self._behind_kept(form, found, first, last)
        for i in triggers:
            if i in named:
                continue
            if found[i].key in LAST_WORDS:
                before = self.before.find(form, found, i, brands)
                spans += [(found[a].start, found[b - 1].end) for a, b in before.names]
            elif is_free_behind(form, found, i):
                spans += before_free(form, found, i, self.known)
            else:
                spans += self._negated(form, found, i)
        return _without_overlap(form, spans)

    def _marked(self, form: str, found: Sequence[Word]) -> Iterator[tuple[int, int]]:
        """Words behind a minus sign, as search engines take it."""
        marks = {match.end() for match in _MARK.finditer(form)}
        yield from ((word.start, word.end) for word in found if word.start in marks)

    def _is_kept(self, key: str) -> bool:
        """Whether a word in -less names a property of its own, as "wireless"."""
        return self.is_term(key) or key in self.fixed

    def _negated(self, form: str, found: Sequence[Word], i: int) -> Iterator[tuple[int, int]]:
        keys = [word.key for word in found]
        tried = (tuple(keys[i : i + n]) for n in (4, 3, 2, 1))
        trigger = next((words for words in tried if words in NEGATIONS), None)
        if trigger is None:
            return
        first = i + len(trigger)
        mild = trigger in MILD
        before = keys[i - 1] if i else ""
        thing = described_thing(keys, i, trigger)
        sentence = (before in VERBS or trigger in CLAUSES) and trigger not in WANTS_NOT
        if mild and sentence and not thing:
            return
        if (place := past_place(keys, first)) > first:  # "no over the knee boots"
            yield found[first].start, found[place - 1].end
            return
        if mild and first < len(keys) and keys[first] in EVENTS:
            return
        if trigger == ("neither",) and "nor" not in keys[first:]:
            return
        if trigger[0] == "avoid" and before == "to":
            return
        if trigger[-1] == "like" and trigger in WANTS_NOT and i and before not in SPEAKER:
            return  # "people who don't like mugs"
        while first < len(keys) and keys[first] in FILLERS:
            if keys[first] == "the" and trigger in WANTS_NOT:
                return  # "don't want the shoes that came"
            first += 1
        if trigger == ("not",) and keys[first : first + 1] == ["size"] and first + 1 < len(keys):
            yield found[first].start, found[first + 1].end
            return
        end = self._segment(form, found, first)
        of_thing = thing and trigger not in DOES_NOT_HAVE
        if of_thing and not self._is_property(keys, first, end, thing):
            return
        model = self._past_model(form, found, first)
        if trigger in WANTS_NOT and not self._is_all_known(keys, max(first, model), end):
            return
        if first < len(keys) and (keys[first] in NO_PART or _is_done_to_others(keys[first:end])):
            return
        if not _SIGNS.isdisjoint(keys[first : end + 1]) and mild:
            return
        if end == first or (keys[first].isdigit() and trigger not in {("not",), ("without",)}):
            return
        wanted_follows = mild and all(key in FILLERS | STOPS | SPEAKER for key in keys[:i])
        last = model or self._extent(keys, first, end, wanted_follows)
        if wanted_follows and (trigger == ("no",) or trigger in WANTS_NOT):
            last = self._past_run(keys, first, last, end)
        whole = not mild or trigger == ("no",) or trigger in DOES_NOT_HAVE
        # "without leather straps", but "no hood black"
        if whole and not wanted_follows and end - last == 1 and len(keys) == end:
            last = end
        last += _is_split(found, last)
        begin = first - (keys[first - 1] in QUALIFIERS)  # not any sugar but the "added sugar"
        of_it = keys[begin] == "added" or keys[first] in _ADDITIVES
        if begin < first and wanted_follows and not of_it:
            last = first  # "not artificial christmas tree"
        yield found[begin].start, found[last - 1].end
        yield from self._listed(form, found, last, wanted_follows)

    def _behind_kept(
        self, form: str, found: Sequence[Word], first: int, last: int
    ) -> Iterator[tuple[int, int]]:
        """What "or" adds to what is not to be lacking: the red of "not sleeveless or red"."""
        keys = [word.key for word in found]
        lacks = keys[last - 1] == FREE or keys[last - 1].endswith(LESS_SUFFIX)
        if lacks and last < len(keys) and keys[last] in OR:
            wanted_follows = all(key in FILLERS | STOPS | SPEAKER for key in keys[:first])
            for start, end in self._listed(form, found, last, wanted_follows):
                if not self.is_term(form[start:end]):  # "or a dress with sleeves"
                    yield start, end

    def _listed(
        self, form: str, found: Sequence[Word], last: int, wanted_follows: bool
    ) -> Iterator[tuple[int, int]]:
        """What goes on a list of what is not wanted that ends before word `last`."""
        keys = [word.key for word in found]
        while last < len(keys):
            if keys[last] not in JOINED:  # "neither nike nor adidas shoes nor puma"
                last = next((n for n in range(last, len(keys)) if keys[n] == "nor"), len(keys))
                wanted_follows = False
            if last + 1 >= len(keys):
                return
            begin = last + 1
            while begin + 1 < len(keys) and keys[begin] in FILLERS - QUALIFIERS:
                begin += 1
            again = begin + (keys[begin] in QUALIFIERS)
            stop = self._segment(form, found, again)
            if stop == again or (keys[last] == "and" and stop < len(keys)):
                return
            model = self._past_model(form, found, again)
            last = model or self._extent(keys, again, stop, wanted_follows)
            yield found[begin].start, found[last - 1].end

    def _past_model(self, form: str, found: Sequence[Word], first: int) -> int:
        """One past the last word of the model that begins at a word, or behind the brand there; 0
        where there is none."""
        own = found[first : first + _OF_MODEL]
        for model in self.models(form, own):
            starts = [word.start for word in own]
            at = starts.index(model.start)
            if at == 0 or (at == 1 and self.known(own[0].key) and not self.is_term(own[0].key)):
                return first + sum(start < model.end for start in starts)
        return 0

    def _segment(self, form: str, found: Sequence[Word], first: int) -> int:
        """One past the last word that a negation before `first` may reach."""
        end = first
        while end < len(found) and end - first < 4 and found[end].key not in STOPS:
            if end > first:
                between = form[found[end - 1].end : found[end].start]
                if between not in (" ", "-") or found[end].key[0].isdigit():
                    break
            end += 1
        return end

    def _extent(self, keys: Sequence[str], first: int, end: int, wanted_follows: bool) -> int:
        """One past the last word of what is excluded: the longest name, with what it describes."""
        longest = end - 1 if wanted_follows and end - first > 1 else end
        last = self._name(keys, first, longest)
        if last == first:
            if longest - first <= 2 and not wanted_follows:
                return longest
            last = first + 1
        elif not wanted_follows and last < end and self._name(keys, last, end) == end:
            return end
        if wanted_follows and last - first > 2 and tuple(keys[first : first + 2]) in LIKE_PAIRS:
            # "no pull out sofa bed", though a "pull out sofa" is a thing as well
            return first + 2 if self.is_term(" ".join(keys[first + 2 : end])) else last
        # "no spaghetti strap dress", but "no leather phone case"
        if wanted_follows and end - last > 1 and keys[last] in PARTS:
            behind = self._name(keys, last + 1, end) == end
            return last + (behind and self._name(keys, last, end) < end)
        return last

    def _is_property(self, keys: Sequence[str], first: int, end: int, thing: str) -> bool:
        """Whether a thing may be so, unlike "working": it is known, by itself or of the thing."""
        if self._name(keys, first, end) > first:
            return True
        return first < end and (keys[first] in LIKE or self.known(f"{keys[first]} {thing}"))

    def _is_all_known(self, keys: Sequence[str], first: int, end: int) -> bool:
        """Whether one or two names are all that stands there, unlike "shoes anymore"."""
        last = self._past_run(keys, first, self._name(keys, first, end), end)
        if last == first < end and keys[first] in LIKE and keys[first - 1] != "never":
            last += 1  # but "never summer" is a brand
        return last > first and (last == end or self._name(keys, last, end) == end)

    def _past_run(self, keys: Sequence[str], first: int, last: int, end: int) -> int:
        """One past the last of the properties from `first` on, of which the one up to `last` is
        the first, in the order in which they stand before a thing: not "nike black"."""
        before = self._rank(keys[first:last])
        while before is not None and last < (n := self._name(keys, last, end - 1)):
            rank = self._rank(keys[last:n])
            if rank is None or rank <= before:
                break
            last, before = n, rank
        return last

    def _rank(self, name: Sequence[str]) -> int | None:
        """Where a property of a known name stands before a thing; None of other names."""
        key = " ".join(name)
        kind = self.before.kind(key)
        is_brand = not kind and self.known(key) and not self.is_term(key)
        return _RANKS.get("brand" if is_brand else kind)

    def _name(self, keys: Sequence[str], first: int, end: int) -> int:
        """One past the last word of the longest known phrase that begins at `first`."""
        ends = (last for last in range(end, first, -1) if self.known(" ".join(keys[first:last])))
        return next(ends, first)


def goes_on(found: Sequence[Word], last: int) -> bool:
    """Whether two words that belong together stand around `last`, so that a name ends before it
    only in looks: "no touch screen", "no pull out"."""
    return 0 < last < len(found) and (found[last - 1].key, found[last].key) in LIKE_PAIRS


def _is_split(found: Sequence[Word], last: int) -> bool:
    """Whether the word behind what ends before word `last` belongs to it: the "up" of "pop up"."""
    end = found[last].key if last + 1 == len(found) else ""
    is_letter = len(end) == 1 and end.isalpha() and end not in "sml"  # sizes
    return end in _PARTICLES or is_letter or goes_on(found, last)


def _is_done_to_others(keys: Sequence[str]) -> bool:
    """Whether it is no thing that is lacking: "disturbing others"."""
    return bool(keys) and keys[0].endswith("ing") and not _OTHERS.isdisjoint(keys[1:])


def _without_overlap(form: str, spans: Sequence[tuple[int, int]]) -> list[Exclusion]:
    taken: list[Exclusion] = []
    for start, end in sorted(spans):
        if not taken or start >= taken[-1].end:
            taken.append(Exclusion(form[start:end], start, end))
    return taken
