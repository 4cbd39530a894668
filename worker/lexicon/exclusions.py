"""What a query does not want: "not black", "without laces", "nut free", "-silicone", "seedless".

A negation that belongs to a name ("hands free", "no show socks", any term of the lexicon) is none,
nor is one that negates what somebody does ("has not arrived") or offers ("free delivery").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from worker.lexicon.words import Word, word_set

# Up to three words that negate what follows.
_BEFORE = {
    *[("without",), ("w", "o"), ("minus",), ("except",), ("excluding",), ("excl",), ("sans",)],
    *[("ohne",), ("senza",), ("zonder",)],
    *[("except", "for"), ("other", "than"), ("anything", "but"), ("apart", "from")],
    *[("aside", "from"), ("free", "of"), ("free", "from"), ("not",), ("no",), ("non",)],
    *[("instead", "of"), ("rather", "than"), ("any", "colour", "but"), ("any", "color", "but")],
    *[("any", "brand", "but"), ("any", "brand", "except"), ("isnt",), ("arent",)],
}
_IS_NOT = {("isnt",), ("arent",)}
_MILD = {("not",), ("no",), ("non",), ("anything", "but"), *_IS_NOT}  # a thing may follow
_FILLERS = word_set("""
    a an the any for too very added artificial made of from with in by
""")
QUALIFIERS = frozenset({"added", "artificial"})  # fillers that say which of it is not wanted
# What is not wanted only where it is artificial, unlike a "not artificial" tree.
_ADDITIVES = word_set("""
    color colors colour colours coloring colouring flavor flavors flavour flavours flavoring
    flavouring sweetener sweeteners preservative preservatives dye dyes ingredient ingredients
""")
_FREE, LESS = "free", "less"
_FREE_FROM = frozenset({"from", "of"})
_TRIGGERS = frozenset(["free", *(words[0] for words in _BEFORE)])
# Words behind a prohibition: "no parking sign".
_SIGNS = frozenset({"allowed", "sign", "signs", "zone", "policy"})
_MARK = re.compile(r"(?<!\S)-(?=[^\W\d_])")

# Parts and ingredients that are seldom asked for by themselves: "sleeveless", "boneless".
_LACKING = word_set("""
    sleeve strap lace collar hood back bone seed salt scent odor odour rim wire tag sugar
    sting crust skin stem pit rind starch
""")
# Words before "not" that make it a sentence about what happened.
_VERBS = word_set("""
    is are was were am be been do does did has have had can could will would should may might
    must it they he she i we you still why if or yet
""")
# Behind a thing: "a tv that is not samsung" is no sentence.
_RELATIVE, _IS = frozenset({"that", "which"}), frozenset({"is", "are"})
# Words behind "not", "no" and "non" that are no property of a thing.
_EVENTS = word_set("""
    working received receive delivered delivering arrived arriving charging turning fitting
    opening connecting printing happy satisfied sure good great bad as so the same found
    recognised recognized accepted available in enough only yet again coming getting showing
    here there what refund refunds response reply delivery idea one problem problems tracking
    email answer longer more less thanks thank way matter time need news good show over under
    above below fan impressed what worth going doing able buying using like want wanted
""")
_STOPS = word_set("""
    up per each plus
    for with in on under over below above between from to at by please but and or not no non
    nor without size uk us eu than if that which is are it only just instead
""")
_JOINED = frozenset({"or", "nor", "and"})
# Words behind a negation that are nobody's property: "the world without you".
_WHO = word_set("you me us him her them it its this that they we i he she who anyone everyone")
_OTHERS = word_set("others people anyone everyone neighbors neighbours")  # behind what is done
# Before "and", "or" they end a quality of another kind: "plant based and oil free".
_NO_LIST = word_set("free based friendly made certified")
_OFFERED_FREE = word_set("""
    delivery shipping postage returns return gift gifts trial sample samples standing range
    weight weights people press wifi app apps download downloads next with when on at today uk
    parking installation to for shop store stores games game online pattern patterns printable
""")
_FREE_TO = word_set("""
    for it is are get one a an the and or buy be go set you we they with completely totally
""")


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
        kept_less: words in -less that name a property of their own, such as "wireless".
    """

    known: Callable[[str], bool]
    kept_less: Collection[str]

    def find(
        self, form: str, found: Sequence[Word], names: Callable[[], Sequence[tuple[int, int]]]
    ) -> list[Exclusion]:
        """What a normal form excludes, in order, without overlap.

        Args:
            found: its words.
            names: gives first and one past the last word of each phrase in which a negation keeps
                its meaning; called only if there may be an exclusion.
        """
        triggers = [i for i, word in enumerate(found) if word.key in _TRIGGERS]
        if not (triggers or "-" in form or LESS in form):
            return []
        named = {i for first, last in names() for i in range(first, last)}
        spans = [*self._marked(form, found), *self._less(found, named)]
        for i in triggers:
            if i not in named:
                free = found[i].key == _FREE and not (
                    i + 1 < len(found)
                    and found[i + 1].key in _FREE_FROM
                    and form[found[i].start - 1 : found[i].start] != "-"
                )
                spans += self._free(form, found, i) if free else self._negated(form, found, i)
        return _without_overlap(form, spans)

    def _marked(self, form: str, found: Sequence[Word]) -> Iterator[tuple[int, int]]:
        """Words behind a minus sign, as search engines take it."""
        marks = {match.end() for match in _MARK.finditer(form)}
        yield from ((word.start, word.end) for word in found if word.start in marks)

    def _less(self, found: Sequence[Word], named: Collection[int]) -> Iterator[tuple[int, int]]:
        for i, word in enumerate(found):
            key = word.key
            if i in named or not key.endswith(LESS) or key in self.kept_less:
                continue
            stem = key[: -len(LESS)]
            if stem in _LACKING or (len(stem) > 2 and (self.known(stem) or self.known(stem + "s"))):
                yield word.start, word.end - len(LESS)

    def _negated(self, form: str, found: Sequence[Word], i: int) -> Iterator[tuple[int, int]]:
        keys = [word.key for word in found]
        trigger = next((t for n in (3, 2, 1) if (t := tuple(keys[i : i + n])) in _BEFORE), None)
        if trigger is None:
            return
        first = i + len(trigger)
        mild = trigger in _MILD
        before = keys[i - 1] if i else ""
        if trigger in _IS_NOT:
            relative = i > 1 and before in _RELATIVE
        else:
            relative = i > 2 and before in _IS and keys[i - 2] in _RELATIVE
        sentence = (before in _VERBS or trigger in _IS_NOT) and not relative
        if mild and (sentence or (first < len(keys) and keys[first] in _EVENTS)):
            return
        while first < len(keys) and keys[first] in _FILLERS:
            first += 1
        end = self._segment(form, found, first)
        if relative and self._name(keys, first, end) == first:
            return
        if first < len(keys) and (keys[first] in _WHO or _is_done_to_others(keys[first:end])):
            return
        if not _SIGNS.isdisjoint(keys[first : end + 1]) and mild:
            return
        if end == first or (keys[first].isdigit() and trigger not in {("not",), ("without",)}):
            return
        wanted_follows = mild and not any(key not in _FILLERS | _STOPS for key in keys[:i])
        last = self._extent(keys, first, end, wanted_follows)
        if not mild and end - last == 1 and len(keys) == end:  # "without leather straps"
            last = end
        begin = first - (keys[first - 1] in QUALIFIERS)  # not any sugar but the "added sugar"
        of_it = keys[begin] == "added" or keys[first] in _ADDITIVES
        if begin < first and wanted_follows and not of_it:
            last = first  # "not artificial christmas tree"
        yield found[begin].start, found[last - 1].end
        while last + 1 < len(keys) and keys[last] in _JOINED:
            begin = again = last + 1
            again += keys[again] in QUALIFIERS
            stop = self._segment(form, found, again)
            if stop == again or (keys[last] == "and" and stop < len(keys)):
                return
            last = self._extent(keys, again, stop, wanted_follows)
            yield found[begin].start, found[last - 1].end

    def _segment(self, form: str, found: Sequence[Word], first: int) -> int:
        """One past the last word that a negation before `first` may reach."""
        end = first
        while end < len(found) and end - first < 4 and found[end].key not in _STOPS:
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
            return longest if longest - first <= 2 and not wanted_follows else first + 1
        if not wanted_follows and last < end and self._name(keys, last, end) == end:
            return end
        return last

    def _name(self, keys: Sequence[str], first: int, end: int) -> int:
        """One past the last word of the longest known phrase that begins at `first`."""
        ends = (last for last in range(end, first, -1) if self.known(" ".join(keys[first:last])))
        return next(ends, first)

    def _free(self, form: str, found: Sequence[Word], i: int) -> Iterator[tuple[int, int]]:
        if not i or found[i - 1].key in _FREE_TO or found[i - 1].key[0].isdigit():
            return
        hyphen = form[found[i - 1].end : found[i].start] == "-"
        if not hyphen and i + 1 < len(found) and found[i + 1].key in _OFFERED_FREE:
            return
        keys = [word.key for word in found[:i]]
        starts = (s for s in (i - 3, i - 2) if s >= 0 and self.known(" ".join(keys[s:i])))
        first = next(starts, i - 1)
        yield found[first].start, found[i - 1].end
        while first >= 2 and keys[first - 1] in _JOINED and keys[first - 2] not in _NO_LIST:
            first -= 2
            yield found[first].start, found[first].end
        listed = first < i - 1
        while listed and first and form[found[first - 1].end : found[first].start] == ", ":
            first -= 1  # "soy, dairy and nut free"
            yield found[first].start, found[first].end


def _is_done_to_others(keys: Sequence[str]) -> bool:
    """Whether it is no thing that is lacking: "disturbing others"."""
    return bool(keys) and keys[0].endswith("ing") and not _OTHERS.isdisjoint(keys[1:])


def _without_overlap(form: str, spans: Sequence[tuple[int, int]]) -> list[Exclusion]:
    taken: list[Exclusion] = []
    for start, end in sorted(spans):
        if not taken or start >= taken[-1].end:
            taken.append(Exclusion(form[start:end], start, end))
    return taken
