"""Corrects sure misspellings.

- What the table of misspellings says: "maniquin", "chest of draws".
- A word that nobody knows, which another is near to. Known are the lexicon's words, brands and
  frequent English words. How sure it is that the other was meant is a sum of signs, fitted on the
  1,330 words of 10,105 real queries that nobody knows, of which 320 are misspelt.
- A word written for one that sounds the same, if that one makes a term: "tent poll".
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from math import exp
from typing import NamedTuple

from worker.lexicon.brands import Brands
from worker.lexicon.misspelling import LONG, distance, is_other_letter, is_slip, is_variant
from worker.lexicon.spellings import Spellings, is_plain
from worker.lexicon.words import WORDS_KEPT, Kept, Phrases, Word, stem

TOLD, LIKELY = 0.98, 0.95  # confidence: of the table, of a word that sounds the same
LEAST = 0.49  # probability from which a word is put right
_POSSESSIVE = re.compile("['’]")
FARTHEST = 3  # edits, of words that sound the same
# What each sign adds to the log-odds.
BASE = -6.44
SIGNS = {
    "edits": -1.14,
    "first": 1.93,
    "last": 1.06,
    "slip": 2.08,
    "other_letter": -3.04,
    "letters": 0.57,
    "short_other": 0.80,
    "longer": -1.51,
    "shorter": 0.49,
    "english": -2.47,
    "brand": -1.99,
    "names": 0.59,
    "rivals": -0.47,
    "nearer_rivals": -0.89,
    "makes_term": 3.24,
    "makes_brand": 2.96,
}
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


class _Other(NamedTuple):
    """A word that one was perhaps meant for.

    Attributes:
        log_odds: of that, as far as the two words tell.
    """

    word: str
    log_odds: float


class Corrector:
    """Corrects queries.

    Answers never change. Caches are plain dicts: threads may repeat work, not corrupt it.

    Args:
        terms: collections of the keys of the lexicon's terms and attributes.
        brands: keys of brand names.
        spellings: which words are right, and what others may be misspelt for.
        told: what misspelt words and phrases are meant to be, where they are no names.
    """

    def __init__(
        self,
        terms: Sequence[Container[str]],
        brands: Brands,
        spellings: Spellings,
        told: Mapping[str, str],
    ) -> None:
        self._terms, self._brands, self._spellings = terms, brands, spellings
        self._told = {
            wrong: right
            for wrong, right in told.items()
            if not any(wrong in some for some in terms) and brands.called(wrong) != wrong
        }
        self._wrong = Phrases(self._told)
        self._others = Kept(WORDS_KEPT)  # by word

    def correct(self, form: str, found: Sequence[Word]) -> Correction | None:
        """The query put right, None if nothing in it is surely misspelt.

        Args:
            found: its words.
        """
        told = self._wrong.find(found)
        if not told and all([self._is_right(word.key) for word in found]):
            return None
        meant: dict[int, tuple[str, float]] = {}
        if told:
            found, meant = self._with_told(form, found, told)
        keys = [meant[i][0] if i in meant else word.key for i, word in enumerate(found)]
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

    def _with_told(
        self, form: str, found: Sequence[Word], told: list[tuple[int, int, str]]
    ) -> tuple[list[Word], dict[int, tuple[str, float]]]:
        """The words, phrases of the table as one, and what these were meant to be."""
        kept, meant, at = [], {}, 0
        for first, last, key in sorted(told, key=lambda hit: (hit[0], -hit[1])):
            whole = Word(key, found[first].start, found[last - 1].end)
            if first < at or self._is_part(form, whole) or _POSSESSIVE.search(form, *whole[1:]):
                continue
            kept += found[at:first]
            meant[len(kept)] = self._told[key], TOLD
            kept.append(whole)
            at = last
        return [*kept, *found[at:]], meant

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
            elif not self._perhaps(key) or form[word.start : word.end] != key:
                continue
            elif not self._is_part(form, word) and (right := self._likeliest(key, i, keys)):
                meant[i] = right
            if i in meant:
                keys[i] = meant[i][0]
        return meant

    def _is_part(self, form: str, word: Word) -> bool:
        """Whether it belongs to an address, a code or a hyphenated name."""
        around = form[max(word.start - 1, 0) : word.start] + form[word.end : word.end + 1]
        return any(character not in " ,.;:!?\"'()/&" for character in around)

    def _is_right(self, word: str) -> bool:
        return word not in _CONFUSED and not self._perhaps(word)

    def _is_meant(self, other: str, i: int, keys: Sequence[str]) -> bool:
        """Whether a word that sounds the same makes a term with its neighbours, as it does not."""
        return self._makes(self._terms, other, i, keys) and not self._makes(
            self._terms, keys[i], i, keys
        )

    def _likeliest(self, word: str, i: int, keys: Sequence[str]) -> tuple[str, float] | None:
        """What a word was most likely meant to be where it stands; None if that is not sure."""
        # An English word is meant for no brand, and what stands alone is as likely another's name.
        branded = len(keys) > 1 and not self._spellings.is_ordinary(word)
        chosen, most = "", 0.0
        for other, log_odds in self._perhaps(word):
            if self._makes(self._terms, other, i, keys):
                log_odds += SIGNS["makes_term"]
            if branded and (other in self._brands or self._makes([self._brands], other, i, keys)):
                log_odds += SIGNS["makes_brand"]
            if log_odds > most or not chosen:
                chosen, most = other, log_odds
        sure = 1 / (1 + exp(-most))
        return (self._told.get(chosen, chosen), round(sure, 2)) if sure >= LEAST else None

    def _perhaps(self, word: str) -> Sequence[_Other]:
        """What a word may be meant for; nothing where it is surely right."""
        if (known := self._others.get(word)) is None:
            known = self._others.put(word, tuple(self._found_others(word)))
        return known

    def _found_others(self, word: str) -> Iterator[_Other]:
        if not is_plain(word) or self._spellings.is_right(word):
            return
        near = self._near(word)
        for other in near:
            signs = self.signs(word, other, near)
            yield _Other(other, BASE + sum(SIGNS[name] * value for name, value in signs.items()))

    def _near(self, word: str) -> dict[str, int]:
        """The words that one may be meant for, with how many edits they are away."""
        spellings = self._spellings
        near = dict.fromkeys(spellings.near(word), 1)
        for other in spellings.alike(word):
            if other not in near and (away := distance(word, other)) <= FARTHEST:
                near[other] = away
        if word.endswith("s") and not word.endswith("ss"):  # a plural that no list has
            plurals = (one + "s" for one in spellings.near(word[:-1]) if one[-1] not in "sy")
            near |= {other: 1 for other in plurals if other not in near and other != word}
        return {other: away for other, away in near.items() if not is_variant(word, other)}

    def signs(self, word: str, other: str, near: Mapping[str, int]) -> dict[str, float]:
        """What tells of two words whether one was meant by the other, by the names of SIGNS."""
        spellings, more = self._spellings, len(word) - len(other)
        rivals = [away for one, away in near.items() if stem(one) != stem(other)]
        return {
            "edits": near[other],
            "first": word[0] == other[0],
            "last": word[-1] == other[-1],
            "slip": is_slip(word, other),
            "other_letter": is_other_letter(word, other),
            "letters": min(len(word), 12),
            "short_other": len(word) < LONG and is_other_letter(word, other),
            "longer": more > 0,
            "shorter": more < 0,
            "english": spellings.is_ordinary(word),
            "brand": spellings.is_brand(other),
            "names": spellings.frequency(other),
            "rivals": min(rivals.count(near[other]), 4),
            "nearer_rivals": min(sum(away < near[other] for away in rivals), 3),
        }

    def _makes(
        self, names: Sequence[Container[str]], word: str, i: int, keys: Sequence[str]
    ) -> bool:
        """Whether it makes a name with one or two words before or behind it."""
        around = [*keys[max(i - 2, 0) : i], word, *keys[i + 1 : i + 3]]
        at = min(i, 2)
        spans = ((at - 1, at + 1), (at, at + 2), (at - 2, at + 1), (at - 1, at + 2), (at, at + 3))
        return any(
            " ".join(around[first:last]) in some
            for first, last in spans
            if first >= 0 and last <= len(around)
            for some in names
        )
