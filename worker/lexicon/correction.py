"""Corrects sure misspellings: unknown words that can mean but one word of the lexicon.

Known are the lexicon's words, brands, and ordinary English words. A word is corrected to one that
is a single slip of the keyboard away, or sounds the same; a short one only if the slip is a doubled
or swapped letter, or if a term of the lexicon comes of it, as must be for an ordinary word that the
lexicon lacks: "flor lamp". What is near a brand stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from worker.lexicon.misspelling import (
    LONG,
    distance,
    is_misheard,
    is_other_letter,
    is_slip,
    is_variant,
    same_bones,
    undoubled,
    vowels,
)
from worker.lexicon.spellings import EXTRA, SERVICE, SHORTEST, Spellings, is_plain
from worker.lexicon.words import WORDS_KEPT, Kept, Word, stem

SURE, LIKELY = 0.98, 0.95  # confidence: of a word that makes a term or a brand's name, of others
_ENDINGS = ("er", "ers", "ing", "ed", "y", "ish", "able", "est")
# Words written for another, mostly one that sounds the same; corrected only where the other makes a
# term and the written one does not.
_PAIRS = """
    liter litter, litre litter, poll pole, pole poll, draws drawers, stationary stationery,
    brake break, break brake, petal pedal, chord cord, muscle mussel, plain plane, pane pain,
    course coarse, role roll, stake steak, bred bread, flower flour, heal heel, waist waste,
    waste waist, current currant, desert dessert, dinning dining, loose lose, sole soul, sail
    sale, leave leaf, leaves leaf, weather leather, wholes holes, sweat sweet, pear pair, peek
    peak, bolder boulder, board bored, cereal serial, rapping wrapping, steal steel, quilt
    kilt, sheer shear, sheers shears, hoes hose, hose hoes, cloths clothes, bathing batting,
    duel dual, vile vial, vane vein, vain vane, wail whale, sandles sandals, cushon cushion,
    curtin curtain, loosers losers, scrapping scraping, trucks trunks, thrown throw,
    hallow hollow, donning dining, statute statue, payer player
"""
_CONFUSED = dict(pair.split() for pair in _PAIRS.split(","))


class Edit(NamedTuple):
    """A word put right.

    Attributes:
        start, end: of the word as it was typed.
        text: what it was meant to be.
    """

    start: int
    end: int
    text: str


class Correction(NamedTuple):
    """A query put right.

    Attributes:
        query: the corrected normal form.
        confidence: probability of being right.
        edits: in order.
    """

    query: str
    confidence: float
    edits: tuple[Edit, ...]

    def typed(self, start: int, end: int) -> tuple[int, int]:
        """Where a span of the corrected query stands in the query as it was typed."""
        return self._typed(start, 0), self._typed(end, 1)

    def _typed(self, offset: int, is_end: int) -> int:
        shift = 0
        for edit in self.edits:
            first = edit.start + shift
            last = first + len(edit.text)
            if offset < first + is_end:
                break
            if offset < last + is_end:
                return edit.end if is_end else edit.start
            shift += len(edit.text) - (edit.end - edit.start)
        return offset - shift


class _Near(NamedTuple):
    """What an unknown word may be meant for.

    Attributes:
        words: words so near that one is meant.
        far: words that sound the same, if there are no nearer ones; one of them must make a term.
        ordinary: whether it is a word of the language, and so right, unless only another makes a
            term.
    """

    words: frozenset[str]
    far: frozenset[str]
    ordinary: bool


_RIGHT = _Near(frozenset(), frozenset(), True)


class Corrector:
    """Corrects queries.

    Answers never change. Caches are plain dicts: threads may repeat work, not corrupt it.

    Args:
        terms: collections of the keys of the lexicon's terms and attributes.
        brands: keys of brand names.
        spellings: which words are right, and what others may be misspelt for.
        things: words that may be the last of what names a thing.
    """

    def __init__(
        self,
        terms: Sequence[Container[str]],
        brands: Container[str],
        spellings: Spellings,
        things: Container[str] = (),
    ) -> None:
        self._terms, self._brands, self._spellings = terms, brands, spellings
        self._things = things
        self._near = Kept(WORDS_KEPT)  # by word

    def correct(self, form: str, found: Sequence[Word]) -> Correction | None:
        """The query put right, None if nothing in it is surely misspelt.

        Args:
            found: its words.
        """
        keys = [word.key for word in found]
        if all([self._is_right(key) for key in keys]):
            return None
        meant: dict[int, tuple[str, float]] = {}
        for _ in found:  # what words that were put right tell of the others
            more = self._corrections(form, found, keys)
            if not more:
                break
            meant |= more
        if not meant:
            return None
        parts, at, edits = [], 0, []
        for i in sorted(meant):
            word, (text, _) = found[i], meant[i]
            edits.append(Edit(word.start, word.end, text))
            parts += [form[at : word.start], text]
            at = word.end
        confidence = min(sure for _, sure in meant.values())
        return Correction("".join([*parts, form[at:]]), confidence, tuple(edits))

    def _corrections(
        self, form: str, found: Sequence[Word], keys: list[str]
    ) -> dict[int, tuple[str, float]]:
        """What words were meant to be, by their positions, and how sure that is; changes `keys`."""
        meant = {}
        for i, word in enumerate(found):
            key = keys[i]
            if key != word.key:
                continue
            if (other := _CONFUSED.get(key)) and self._is_meant(other, i, keys):
                meant[i] = other, LIKELY
            elif self._may_be_for(key) is _RIGHT or form[word.start : word.end] != key:
                continue
            elif not self._is_part(form, word) and (right := self._meant(key, i, keys)):
                meant[i] = right
            if i in meant:
                keys[i] = meant[i][0]
        return meant

    def _is_part(self, form: str, word: Word) -> bool:
        """Whether it belongs to an address, a code or a hyphenated name."""
        around = form[max(word.start - 1, 0) : word.start] + form[word.end : word.end + 1]
        return any(character not in " ,.!?\"'()" for character in around)

    def _is_right(self, word: str) -> bool:
        return word not in _CONFUSED and self._may_be_for(word) is _RIGHT

    def _may_be_for(self, word: str) -> _Near:
        """What a word may be meant for, as far as it alone says; `_RIGHT` if it is surely right."""
        if (known := self._near.get(word)) is None:
            known = self._near.put(word, self._found_near(word))
        return known

    def _found_near(self, word: str) -> _Near:
        spellings = self._spellings
        if not is_plain(word) or spellings.is_right(word) or (near := spellings.near(word)) is None:
            return _RIGHT
        far: set[str] = set()
        if not near:
            apart = {w: distance(word, w) for w in spellings.alike(word)}
            near = {w for w in apart if apart[w] < 3 and vowels(w) == vowels(word)}
            far = set() if near else {w for w in apart if apart[w] < 4}
        ordinary = spellings.is_ordinary(word)
        derived = not ordinary and self._is_derived(word)
        near, far = (frozenset(_likely(word, some, derived)) for some in (near, far))
        return _Near(near, far, ordinary) if near or far else _RIGHT

    def _meant(self, word: str, i: int, keys: Sequence[str]) -> tuple[str, float] | None:
        near, far, ordinary = self._may_be_for(word)
        near = near or {w for w in far if self._makes_a_term(w, i, keys)}
        if not near:
            return None
        fitting = {w for w in near if self._makes_a_term(w, i, keys)}
        if not (fitting or ordinary):  # "blak and decker", but not "my preteen" for a "myprotein"
            fitting = {w for w in near if self._makes_one_of([self._brands], w, i, keys)}
        slips = {w for w in fitting or near if is_slip(word, w)}
        if ordinary and len(fitting) != 1:
            return None
        chosen = (
            _one(word, slips)
            or _one(word, fitting or near)
            or _heard(word, near)
            or _begins_so(word, near)
        )
        if chosen is None:
            return None
        if ordinary:
            near_enough = word[0] == chosen[0] and (
                is_slip(word, chosen) or same_bones(word, chosen)
            )
            return (chosen, LIKELY) if near_enough else None
        if fitting:
            return chosen, SURE
        if self._is_service(word, chosen, i, keys) or self._slipped(word, chosen):
            return chosen, LIKELY
        names = i + 1 == len(keys) and chosen in self._things  # and no brand stands at the end
        likely = word[0] == chosen[0] and not is_other_letter(word, chosen)
        likely = likely and (names or not chosen.startswith(word))
        least = LONG if names else EXTRA - (i > 0)  # brands stand first
        least = least if len(chosen) >= len(word) else max(least, EXTRA)
        return (chosen, LIKELY) if likely and len(word) >= least else None

    def _is_service(self, word: str, chosen: str, i: int, keys: Sequence[str]) -> bool:
        """Whether a word of service is meant. Beside a thing, or alone, it may be a name: "eset
        antivirus", "stockx"."""
        if chosen not in SERVICE:
            return False
        if is_slip(word, chosen):
            return True
        if len(keys) == 1:
            return word[0] == chosen[0] and len(word) <= len(chosen)
        beside = any(key in self._things for n, key in enumerate(keys) if n != i)
        return word[0] == chosen[0] or not beside

    def _slipped(self, word: str, chosen: str) -> bool:
        """Whether it is another word but for a slip of the fingers, or by what is not heard."""
        if is_slip(word, chosen):
            short = len(word) < LONG
            return len(word) > SHORTEST and not (short and self._spellings.is_rare(chosen))
        named = chosen in self._things or len(word) != len(chosen)
        seldom = self._spellings.is_rare(chosen, much=True)
        return named and not seldom and is_misheard(word, chosen)

    def _is_meant(self, other: str, i: int, keys: Sequence[str]) -> bool:
        """Whether a word that sounds the same makes a term with its neighbours, as it does not."""
        return self._makes_a_term(other, i, keys) and not self._makes_a_term(keys[i], i, keys)

    def _is_known(self, word: str) -> bool:
        return self._spellings.is_right(word) or self._spellings.is_ordinary(word)

    def _is_derived(self, word: str) -> bool:
        """Whether it is a known word with an ending, "mulcher"."""
        stems = (word.removesuffix(end) for end in _ENDINGS if word.endswith(end))
        return self._is_known(stem(word)) or any(
            self._is_known(part) or self._is_known(part + "e") for part in stems if len(part) > 2
        )

    def _makes_a_term(self, word: str, i: int, keys: Sequence[str]) -> bool:
        """Whether it makes a term with one or two words before or behind it."""
        return self._makes_one_of(self._terms, word, i, keys)

    def _makes_one_of(
        self, names: Sequence[Container[str]], word: str, i: int, keys: Sequence[str]
    ) -> bool:
        around = [*keys[max(i - 2, 0) : i], word, *keys[i + 1 : i + 3]]
        at = min(i, 2)
        spans = ((at - 1, at + 1), (at, at + 2), (at - 2, at + 1), (at - 1, at + 2), (at, at + 3))
        return any(
            " ".join(around[first:last]) in some
            for first, last in spans
            if first >= 0 and last <= len(around)
            for some in names
        )


def _one(word: str, near: Collection[str]) -> str | None:
    """The one word that candidates are, in the number that is nearest; None if they are several."""
    if len({stem(other) for other in near}) != 1:
        return None
    plural = word.endswith("s")
    return min(near, key=lambda other: (other.endswith("s") != plural, len(other), other))


def _heard(word: str, near: Collection[str]) -> str | None:
    """The one candidate that sounds as the word does; None if they are several."""
    return _one(word, [other for other in near if is_misheard(word, other)])


def _begins_so(word: str, near: Collection[str]) -> str | None:
    """The one candidate that begins as the word does; None if they are several."""
    return _one(word, [other for other in near if other[0] == word[0]])


def _likely(word: str, near: Iterable[str], derived: bool) -> Iterator[str]:
    """Those of near words that are not the same one in another form, nor what it derives from."""
    for other in near:
        if not is_variant(word, other) and (not derived or undoubled(word) == undoubled(other)):
            yield other
