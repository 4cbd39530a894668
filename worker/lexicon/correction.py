"""Sure misspellings: a word that nobody knows, with one word of the lexicon that it must mean.

Known are the lexicon's words, brands, and ordinary English words. A word is corrected to one that
is a single slip of the keyboard away, or sounds the same; a short one only if the slip is a doubled
or swapped letter, or if a term of the lexicon comes of it, as must be for an ordinary word that the
lexicon lacks: "flor lamp". What is near a brand stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from worker.lexicon.misspelling import (
    LONG,
    distance,
    is_misheard,
    is_other_letter,
    is_slip,
    is_variant,
    near_words,
    one_off,
    same_bones,
    sound,
    undoubled,
    vowels,
)
from worker.lexicon.words import Word, stem, word_set, words_of

SHORTEST = 4  # letters of a word that is corrected at all, from LONG without further evidence
EXTRA = 9  # the same, if a letter is one too many
RARE = 3_000_000  # times in the corpus of `ordinary`, up to which another word may be meant
SELDOM = 1_000_000  # the same, up to which another word is hardly meant
SURE, LIKELY = 0.98, 0.95
# What shoppers write of orders, and function words that are often misspelt.
_SERVICE = word_set("""
    where order orders ordered arrive arrived return returns returned returning refund refunded
    delivery delivered deliver parcel package never received receive broken damaged missing tracking
    cancel cancelled payment address account customer service please without women womens between
    under about shipping shipped warranty exchange store password invoice receipt
""")


_ENDINGS = ("er", "ers", "ing", "ed", "y", "ish", "able", "est")
# Right words that are often written for others which sound the same.
_PAIRS = """
    liter litter, litre litter, poll pole, pole poll, draws drawers, stationary stationery,
    brake break, break brake, petal pedal, chord cord, muscle mussel, plain plane, pane pain,
    course coarse, role roll, stake steak, bred bread, flower flour, heal heel, waist waste,
    waste waist, current currant, desert dessert, dinning dining, loose lose, sole soul, sail
    sale, leave leaf, leaves leaf, weather leather, wholes holes, sweat sweet, pear pair, peek
    peak, bolder boulder, board bored, cereal serial, rapping wrapping, steal steel, quilt
    kilt, sheer shear, sheers shears, hoes hose, hose hoes, cloths clothes, bathing batting,
    duel dual, vile vial, vane vein, vain vane, wail whale, sandles sandals, cushon cushion,
    curtin curtain, loosers losers, scrapping scraping
"""
_ALIKE = dict(pair.split() for pair in _PAIRS.split(","))
# Foreign words that are often written without their accents.
_BORROWED = word_set("saute creme brulee puree pate rose fiancee entree protege resume cafe decor")


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


class Corrector:
    """Never changes, so any thread may correct.

    Args:
        terms: the keys of the lexicon's terms and attributes.
        vocabulary: the words that these are made of.
        written: those of them that are written so, and not derived.
        brands: the keys of brands.
        things: words that may be the last of what names a thing.
    """

    def __init__(
        self,
        terms: Collection[str],
        vocabulary: frozenset[str],
        written: Iterable[str],
        brands: Iterable[str],
        things: Collection[str] = (),
    ) -> None:
        self._terms, self._things = terms, things
        words = _SERVICE | vocabulary
        own = _SERVICE | words_of(written)
        targets = {w for word in own for w in (word, stem(word)) if _is_plain(w)}
        frequent = {word for word, count in ordinary().items() if count > RARE}
        long = {word for word in frequent if len(word) >= EXTRA - 1 and _is_plain(word)}
        self._targets = one_off(targets | long)
        branded = words_of(brands)
        self._sure = words | branded | frequent | _BORROWED
        names = branded - words - ordinary().keys()
        self._brands = one_off(word for word in names if len(word) > SHORTEST)
        self._sounds: dict[str, list[str]] = {}
        for word in targets:
            if len(word) >= LONG:
                self._sounds.setdefault(sound(word), []).append(word)

    def correct(self, form: str, found: Sequence[Word]) -> Correction | None:
        """The query put right, None if nothing in it is surely misspelt.

        Args:
            found: its words.
        """
        keys = [word.key for word in found]
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
            if (other := _ALIKE.get(key)) and self._is_meant(other, i, keys):
                meant[i] = other, LIKELY
            elif key in self._sure or not _is_plain(key) or form[word.start : word.end] != key:
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

    def _meant(self, word: str, i: int, keys: Sequence[str]) -> tuple[str, float] | None:
        near = set(near_words(word, self._targets))
        slips = (w for w in near if len(w) > len(word) and is_slip(word, w))
        if any(near_words(word, self._brands)) and not any(slips):
            return None
        if not near:
            same = self._sounds.get(sound(word), ())
            near = {w for w in same if distance(word, w) < 3 and vowels(w) == vowels(word)}
            near = near or {
                w for w in same if distance(word, w) < 4 and self._makes_a_term(w, i, keys)
            }
        near = {w for w in near if not is_variant(word, w)}
        common = self._is_known(word)  # and right, unless only another makes a term
        if not common and self._is_derived(word):
            near = {w for w in near if undoubled(word) == undoubled(w)}
        if not near:
            return None
        fitting = {w for w in near if self._makes_a_term(w, i, keys)}
        slips = {w for w in fitting or near if is_slip(word, w)}
        if common and len(fitting) != 1:
            return None
        chosen = (
            _one(word, slips)
            or _one(word, fitting or near)
            or _heard(word, near)
            or _begins_so(word, near)
        )
        if chosen is None:
            return None
        if common:
            near_enough = word[0] == chosen[0] and (
                is_slip(word, chosen) or same_bones(word, chosen)
            )
            return (chosen, LIKELY) if near_enough else None
        if fitting:
            return chosen, SURE
        if chosen in _SERVICE or self._slipped(word, chosen):
            return chosen, LIKELY
        names = i + 1 == len(keys) and chosen in self._things  # and no brand stands at the end
        likely = word[0] == chosen[0] and not is_other_letter(word, chosen)
        likely = likely and (names or not chosen.startswith(word))
        least = LONG if names else EXTRA - (i > 0)  # brands stand first
        least = least if len(chosen) >= len(word) else max(least, EXTRA)
        return (chosen, LIKELY) if likely and len(word) >= least else None

    def _slipped(self, word: str, chosen: str) -> bool:
        """Whether it is another word but for a slip of the fingers, or by what is not heard."""
        count = ordinary().get(chosen, RARE)
        if is_slip(word, chosen):
            return len(word) >= LONG or (len(word) > SHORTEST and count >= RARE)
        named = chosen in self._things or len(word) != len(chosen)
        return named and count > SELDOM and is_misheard(word, chosen)

    def _is_meant(self, other: str, i: int, keys: Sequence[str]) -> bool:
        """Whether a word that sounds the same makes a term with its neighbours, as it does not."""
        return self._makes_a_term(other, i, keys) and not self._makes_a_term(keys[i], i, keys)

    def _is_known(self, word: str) -> bool:
        return word in self._sure or word in ordinary()

    def _is_derived(self, word: str) -> bool:
        """Whether it is a known word with an ending, "mulcher"."""
        stems = (word.removesuffix(end) for end in _ENDINGS if word.endswith(end))
        return self._is_known(stem(word)) or any(
            self._is_known(part) or self._is_known(part + "e") for part in stems if len(part) > 2
        )

    def _makes_a_term(self, word: str, i: int, keys: Sequence[str]) -> bool:
        """Whether it makes a term with the word before or behind it."""
        before = f"{keys[i - 1]} {word}" if i else ""
        behind = f"{word} {keys[i + 1]}" if i + 1 < len(keys) else ""
        if before in self._terms or behind in self._terms:
            return True
        return i > 1 and f"{keys[i - 2]} {before}" in self._terms


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


def _is_plain(word: str) -> bool:
    return len(word) >= SHORTEST and word.isascii() and word.isalpha()


@lru_cache(1)
def ordinary() -> dict[str, int]:
    """Ordinary English words, 82,000 of them, with how often they stand in a large corpus."""
    path = files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    pairs = (line.split(" ") for line in lines)
    return {word: int(count) for word, count in pairs}
