"""Corrects misspellings.

- What the table of misspellings says: "maniquin", "chest of draws".
- A word that nobody knows, which another is near to. Known are the lexicon's words, brands and
  frequent English words. How sure it is that the other was meant is a sum of signs, fitted on the
  1,157 words of 10,105 real queries that nobody knows, of which 325 are misspelt
  (`triton_models/starter/labels/misspellings.tsv`), and on 2,000 slips in sentences of ours.
- A word written for one that sounds the same, if that one makes a term: "tent poll".
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from math import exp
from typing import NamedTuple

from worker.lexicon.brands import Brands
from worker.lexicon.head_words import ONLY_ABROAD
from worker.lexicon.misspelling import LONG, distance, is_other_letter, is_slip, is_variant
from worker.lexicon.spellings import FIRST_NAMES, SERVICE, Spellings, is_plain
from worker.lexicon.words import WORDS_KEPT, Kept, Phrases, Word, key, stem, word_set, words_of

TOLD, LIKELY = 0.98, 0.95  # confidence: of the table, of a word that sounds the same
BESIDE = 3  # letters of a word that is only meant where it makes a term
LEAST = 0.45  # probability from which a word is put right
FARTHEST = 3  # edits, of words that sound the same
PASSES = 4  # over a query at most: what was put right tells of the words around it
_POSSESSIVE = re.compile("['’]")
# Marks beside a word that make it a part of something longer; before it within two characters.
_LINKED_BEFORE = re.compile(r"(?:[^\s,.;:!?\"'()/&]|[\w/][.:]|//)$")
_LINKED_BEHIND = re.compile(r"[^\s,.;:!?\"'()/&]|[.:][\w/]|//")
# What each sign adds to the log-odds.
BASE = -6.74
SIGNS = {
    "edits": -1.26,
    "first": 1.78,
    "last": 1.12,
    "slip": 2.34,
    "other_letter": -3.09,
    "letters": 0.61,
    "short_other": 0.63,
    "longer": -1.52,
    "shorter": 0.75,
    "brand": -1.39,
    "names": 0.47,
    "english": 0.44,
    "rivals": -0.46,
    "nearer_rivals": -1.18,
    "makes_term": 2.81,
    "makes_brand": 2.81,
    "prose": -0.11,
    "prose_english": 0.29,
}
# Words of a sentence and of service, beside which a word that nobody knows is seldom a name.
_PROSE = SERVICE | word_set("""
    i my me is are do does did can could will would where when what which who how why you your it
    its was were have has had been am not dont please need want the this that these those to
""")
MOST_PROSE = 3
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


class _Part(NamedTuple):
    """A word of a query, or a phrase that was put right.

    Attributes:
        start, end: of what was typed.
        text: what was meant, where it was put right.
        sure: probability of that; 0 where nothing was.
    """

    key: str
    start: int
    end: int
    text: str = ""
    sure: float = 0.0


class _Other(NamedTuple):
    """A word that one was perhaps meant for.

    Attributes:
        log_odds: of that, as far as the two words tell.
        in_prose: what each word of a sentence adds to these.
    """

    word: str
    log_odds: float
    in_prose: float


class Corrector:
    """Corrects queries.

    Answers never change. Caches are plain dicts: threads may repeat work, not corrupt it.

    Args:
        terms: collections of the keys of the lexicon's terms and attributes.
        brands: the lexicon's.
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
            wrong: right for wrong, right in told.items() if self._is_no_name(wrong, right)
        }
        self._wrong = Phrases(self._told)
        self._known = words_of(map(key, self._told.values()))
        self._others = Kept(WORDS_KEPT)  # by word

    def _is_no_name(self, wrong: str, right: str) -> bool:
        """Whether a misspelling is no term, and at most another name of the brand that is meant."""
        called = self._brands.called(wrong)
        return called in ("", key(right)) and not any(wrong in some for some in self._terms)

    def correct(self, form: str, found: Sequence[Word]) -> Correction | None:
        """The query put right, None if nothing in it is likely to be misspelt.

        Args:
            found: its words.
        """
        if not self._wrong.find(found) and all([self._is_right(word.key) for word in found]):
            return None
        parts = [_Part(*word) for word in found]
        for _ in range(PASSES):
            before = parts
            parts = self._each(form, self._phrases(form, parts))
            if parts == before:
                break
        edits = tuple(Edit(part.start, part.end, part.text) for part in parts if part.sure)
        if not edits:
            return None
        texts, at = [], 0
        for edit in edits:
            texts += [form[at : edit.start], edit.text]
            at = edit.end
        sure = min(part.sure for part in parts if part.sure)
        return Correction("".join([*texts, form[at:]]), sure, edits)

    def _phrases(self, form: str, parts: list[_Part]) -> list[_Part]:
        """The parts, with what the table tells of them; what it puts right becomes one part."""
        kept, at = [], 0
        hits = self._wrong.find(parts)
        for first, last, wrong in sorted(hits, key=lambda hit: (hit[0], -hit[1])):
            start, end = parts[first].start, parts[last - 1].end
            if first < at or _is_linked(form, start, end) or _POSSESSIVE.search(form, start, end):
                continue
            right = self._told[wrong]
            kept += [*parts[at:first], _Part(key(right), start, end, right, TOLD)]
            at = last
        return [*kept, *parts[at:]]

    def _each(self, form: str, parts: list[_Part]) -> list[_Part]:
        """The parts, each word that is likely to be misspelt put right."""
        keys = [part.key for part in parts]
        for i, (word, start, end, _, sure) in enumerate(parts):
            if sure or self._is_right(word) or _is_linked(form, start, end):
                continue
            if i and keys[i - 1] in FIRST_NAMES:
                continue
            if not ONLY_ABROAD.isdisjoint(keys[max(i - 1, 0) : i + 2]):
                continue  # "bier ohne alkohol"
            if (other := _CONFUSED.get(word)) and self._is_meant(other, i, keys):
                meant = other, LIKELY
            elif form[start:end] != word or (meant := self._likeliest(word, i, keys)) is None:
                continue
            keys[i] = meant[0]
            parts[i] = _Part(meant[0], start, end, *meant)
        return parts

    def _is_right(self, word: str) -> bool:
        return word not in _CONFUSED and not self._perhaps(word)

    def _is_meant(self, other: str, i: int, keys: Sequence[str]) -> bool:
        """Whether a word that sounds the same makes a term with its neighbours, as it does not."""
        return self._makes(self._terms, other, i, keys) and not self._makes(
            self._terms, keys[i], i, keys
        )

    def _likeliest(self, word: str, i: int, keys: Sequence[str]) -> tuple[str, float] | None:
        """What a word was most likely meant to be where it stands; None if that is not likely."""
        english = self._spellings.is_ordinary(word)
        chosen, most = "", 0.0
        prose = min(sum(one in _PROSE for one in keys), MOST_PROSE)
        for other, log_odds, in_prose in self._perhaps(word):
            log_odds += prose * in_prose
            if self._makes(self._terms, other, i, keys):
                log_odds += SIGNS["makes_term"]
            elif english or min(len(word), len(other)) <= BESIDE:
                continue  # is right where no other word makes a term
            # What stands alone is as likely another's name.
            elif len(keys) > 1 and (
                other in self._brands or self._makes([self._brands], other, i, keys)
            ):
                log_odds += SIGNS["makes_brand"]
            if log_odds > most or not chosen:
                chosen, most = other, log_odds
        sure = 1 / (1 + exp(-most))
        return (chosen, round(sure, 2)) if chosen and sure >= LEAST else None

    def _perhaps(self, word: str) -> Sequence[_Other]:
        """What a word may be meant for; nothing where it is surely right."""
        if (known := self._others.get(word)) is None:
            known = self._others.put(word, tuple(self._found_others(word)))
        return known

    def _found_others(self, word: str) -> Iterator[_Other]:
        if not is_plain(word) or self._is_known(word):
            return
        if self._is_known(_singular(word)) and not self._spellings.is_ordinary(word):
            return  # "keurigs"
        near = self._near(word)
        for other in near:
            signs = self.signs(word, other, near)
            log_odds = BASE + sum(SIGNS[name] * value for name, value in signs.items())
            yield _Other(
                other, log_odds, SIGNS["prose"] + SIGNS["prose_english"] * signs["english"]
            )

    def _is_known(self, word: str) -> bool:
        return self._spellings.is_right(word) or word in self._known

    def _near(self, word: str) -> dict[str, int]:
        """The words that one may be meant for, with how many edits they are away."""
        spellings = self._spellings
        near = dict.fromkeys(spellings.near(word), 1)
        for other in spellings.alike(word) if len(word) > BESIDE else ():
            if other not in near and (away := distance(word, other)) <= FARTHEST:
                near[other] = away
        if (one := _singular(word)) != word:  # a plural that no list has
            some = (other for other in spellings.near(one) if spellings.frequency(other))
            near |= {f"{other}s": 1 for other in some if not other.endswith(("s", "y", "ed"))}
        right = ((self._told.get(other, other), away) for other, away in near.items())
        return {
            other: away
            for other, away in right
            if other != word and is_plain(other) and not is_variant(word, other)
        }

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
            "brand": spellings.is_brand(other),
            "names": spellings.frequency(other),
            "english": spellings.in_english(other),
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


def _is_linked(form: str, start: int, end: int) -> bool:
    """Whether what is typed belongs to an address, a code or a hyphenated name."""
    before = _LINKED_BEFORE.search(form, max(start - 2, 0), start)
    return bool(before or _LINKED_BEHIND.match(form, end))


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
