"""Which words are right, and which of them a misspelt one is near to, in one file that is mapped.

`spellings.marisa` is a trie of texts with a space and a mark behind them. A word is marked as
right, as one of the lexicon, as the last of a term or as ordinary English, or has its frequency in
names or in English behind the mark; what is left of a word without one of its letters is marked
with that letter and its place, so that words one slip apart meet there; and what a word sounds like
is marked with the word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from math import log, log10
from pathlib import Path

import marisa_trie

from worker.lexicon.misspelling import LONG, is_one_off, sound
from worker.lexicon.words import stem, word_set, words_of

SPELLINGS = "spellings.marisa"
SHORTEST, LONGEST = 3, 30  # letters of a word that is put right; of a brand's, two more at least
FREQUENT = 3_000_000  # times in the corpus of `ordinary` from which a word is surely meant
# What shoppers write of orders, of faults and of the shop, and function words that are often
# misspelt.
SERVICE = word_set("""
    account address again already another anything app arrive arrived arriving availability
    available awful balance basket because before between billing bought broke broken buying cancel
    cancellation cancelled cannot cart change changed charge charged cheaper cheapest checkout
    choose closed closing collect collection compatible complain complaint complaints confirm
    confirmation contact could coupon courier cracked credit customer damage damaged defective
    delayed delete deliver delivered delivering delivery details different disappointed
    disappointing discount dispatched driver email enough everything exchange expected expired
    faulty finally forgot forgotten guarantee hello help horrible hours hurry immediately incomplete
    incorrect instead instructions invoice item items keeps leaking local location login manual
    message minutes missing morning nearest never nobody nothing notification notifications number
    offer offers opening order ordered ordering orders overcharged package parcel password payment
    payments perfect please policy poor possible postcode preorder price problem product products
    promised purchase purchased quality question really reason receipt receive received recommend
    refund refunded refunds reorder repair repeat replace replaced replacement reset response return
    returned returning returns rubbish scratched selling send sent service shipped shipping should
    some someone something status still stock stop stopped store stores subscription suggest support
    terms terrible thank thanks their there these those thought through today tomorrow tonight track
    tracked tracking twice unacceptable under until update used useful useless voucher waiting
    wanted warranty weather website weeks where which without women womens worked working works
    worst would wrong years yesterday
""")
# Words as shoppers write them: foreign ones without their accents, contractions, and slang.
_AS_WRITTEN = word_set("""
    saute creme brulee puree pate rose fiancee entree protege resume cafe decor
    arent couldnt didnt doesnt dont hadnt hasnt havent isnt shouldnt theyre theyve wasnt werent
    whats wont wouldnt youre youve
    entre venmo
    gimme gonna gotta haha hahaha lmao nope thanx thx wanna yeah yep
""")
# Behind these a word that nobody knows is a surname; and no word is meant for one of them.
FIRST_NAMES = word_set("""
    aaron abdul adam agatha ahmad ahmed aidan alan albert alex alexander ali alice alison amanda
    amy andre andrea andrew andy angela ann anna anne anthony antonio arthur ashley barbara ben
    benjamin bernard beth betty bill billy blake bob bobby brad brandon brenda brian bruce bryan
    caleb cameron carl carla carlos carol caroline catherine charles charlie chelsea chloe chris
    christian christina christine christopher claire clara colin connor craig curtis cynthia dan
    daniel danny david dean debbie deborah debra dennis derek diana diane don donald donna doris
    dorothy doug douglas duncan dylan earl eddie edgar edward elaine eleanor elizabeth ellen
    emily emma eric erin ernest ethan eugene eva evan evelyn fiona frances francis frank fred
    frederick gareth gary geoff george gerald gillian glenn gordon graham greg gregory hannah
    harold harry hassan heather helen henry howard hugh hussein ian ibrahim isaac isabel jack
    jackie jacob jake james jamie jane janet jason jeff jeffrey jennifer jeremy jerry jessica
    jill jim jimmy joan joanna joe john johnny jon jonathan jordan jose joseph joshua juan
    judith judy julia julian julie justin karen kate katherine kathleen kathy katie katrina
    keith kelly ken kenneth kevin kim kimberly kyle larry laura lauren lawrence leonard leslie
    linda lisa liz logan lorraine louis louise lucas lucy luke lynn marc marcus margaret maria
    marie marilyn martha martin mary matt matthew megan melanie melissa michael michelle miguel
    mike mohamed mohammed molly monica nancy naomi natalie nathan neil nicholas nick nicole
    nigel noah nora oliver olivia omar oscar pamela patricia patrick paul pauline pedro peggy
    peter philip phillip rachel ralph raymond rebecca richard rick ricky rita rob robert roberto
    robin rodney roger ronald rosemary ross roy russell ruth ryan sally sam samantha samuel
    sandra sara sarah scott sean sebastian sharon sheila shirley simon sophia sophie stacy
    stanley stella stephanie stephen steve steven stuart susan suzanne sylvia tara taylor ted
    teresa terry theodore theresa thomas tim timothy tina todd tom tommy tony tracy trevor tyler
    valerie vanessa veronica victor victoria vincent virginia walter warren wayne wendy william
    zoe
""")
_RIGHT, _ORDINARY, _MEANT, _BRAND, _SOUND, _NAMES = "!", "o", "m", "b", "s", "n"  # marks
_ENGLISH, _OWN, _LAST = "e", "k", "l"
_FIRST = ord("0")  # stands for the first letter's place, and for a frequency of 0
RARE = 5  # digits of a count in the corpus of `ordinary` from which a word is not rare


def pack(
    vocabulary: Collection[str],
    last: Iterable[str],
    names: Iterable[str],
    brands: Iterable[str],
    lines: Iterable[str] = (),
) -> bytes:
    """What `spellings.marisa` holds.

    Args:
        vocabulary: the words of terms and attributes.
        last: those that a term ends with.
        names: the keys of terms and attributes, as they are written and not derived.
        brands: the keys of brands.
        lines: those of makers' lines that need no maker; right, and no word is meant for one.
    """
    known, names = SERVICE.union(vocabulary), [*names]
    counts = Counter(one for name in names for one in {*map(stem, name.split(" "))})
    own = SERVICE.union(words_of(names))
    frequent = {word for word, count in ordinary().items() if count > FREQUENT}
    meant = {w for word in own for w in (word, stem(word))} | frequent
    meant = {word for word in meant if is_plain(word) and (word in own or word not in FIRST_NAMES)}
    branded = words_of(brands)
    others = branded - known - ordinary().keys()
    others = {word for word in others if is_plain(word) and len(word) >= SHORTEST + 2}
    right = known.union(branded, frequent, _AS_WRITTEN, words_of(lines))
    texts = {f"{word} {_RIGHT}" for word in right}
    texts |= {f"{word} {_OWN}" for word in vocabulary}
    texts |= {f"{word} {_LAST}" for word in last}
    texts |= {f"{word} {_ORDINARY}" for word in ordinary()}
    texts.update(text for word in meant for text in _left_over(word, _MEANT))
    texts.update(text for word in others for text in _left_over(word, _BRAND))
    for word in meant:
        texts.add(f"{word} {_NAMES}{chr(_FIRST + round(log(1 + counts[stem(word)])))}")
        if (tenths := round(10 * (log10(1 + ordinary().get(word, 0)) - RARE))) > 0:
            texts.add(f"{word} {_ENGLISH}{chr(_FIRST + tenths)}")
    texts |= {f"{sound(word)} {_SOUND}{word}" for word in meant if len(word) >= LONG}
    return marisa_trie.Trie(sorted(texts)).tobytes()


def _left_over(word: str, mark: str) -> Iterator[str]:
    yield f"{word} {mark}"
    for n, letter in enumerate(word):
        yield f"{word[:n]}{word[n + 1 :]} {mark}{chr(_FIRST + n)}{letter}"


class Spellings:
    """Never changes, so any thread may search.

    Raises:
        OSError, RuntimeError: the file is not such as `pack` makes.
    """

    def __init__(self, folder: Path) -> None:
        self._trie = marisa_trie.Trie()
        self._trie.mmap(str(folder / SPELLINGS))

    def is_right(self, word: str) -> bool:
        """Whether a word is the lexicon's, a brand's, or so frequent that it is surely meant."""
        return f"{word} {_RIGHT}" in self._trie

    def is_own(self, word: str) -> bool:
        """Whether a word stands in a term or says something of a thing."""
        return f"{word} {_OWN}" in self._trie

    def ends_a_term(self, word: str) -> bool:
        """Whether a word is the last of a term, so that it may name a thing."""
        return f"{word} {_LAST}" in self._trie

    def is_ordinary(self, word: str) -> bool:
        """Whether it is an English word."""
        return f"{word} {_ORDINARY}" in self._trie

    def is_brand(self, word: str) -> bool:
        """Whether it is of a brand's name alone, and others may be meant for it: it is neither the
        lexicon's nor English, nor too short."""
        return f"{word} {_BRAND}" in self._trie

    def frequency(self, word: str) -> int:
        """How many names have a word: the logarithm of one more, rounded."""
        return self._number(word, _NAMES)

    def in_english(self, word: str) -> float:
        """How frequent an English word is: the decimal logarithm of how often it stands in the
        corpus of `ordinary`, less RARE; 0 for a rare one."""
        return self._number(word, _ENGLISH) / 10

    def _number(self, word: str, mark: str) -> int:
        found = self._trie.keys(f"{word} {mark}")
        return max((ord(text[-1]) - _FIRST for text in found), default=0)

    def near(self, word: str) -> set[str]:
        """The words that it may be meant for by one slip: an insertion, deletion, change or swap.

        These are words of the lexicon, of brands, and frequent ones.
        """
        near = set()
        for text in {word, *(word[:n] + word[n + 1 :] for n in range(len(word)))}:
            for found in self._trie.keys(f"{text} "):
                mark, left_out = found[len(text) + 1], found[len(text) + 2 :]
                if mark in (_MEANT, _BRAND):
                    n = ord(left_out[0]) - _FIRST if left_out else 0
                    other = text[:n] + left_out[1:] + text[n:]
                    if is_one_off(word, other):
                        near.add(other)
        return near

    def alike(self, word: str) -> list[str]:
        """Longer words that it may be meant for, since they sound the same; no brand's."""
        start = f"{sound(word)} {_SOUND}"
        return [text[len(start) :] for text in self._trie.keys(start)]


def is_plain(word: str) -> bool:
    """Whether it is of letters, and neither too short nor too long to be put right."""
    return SHORTEST <= len(word) <= LONGEST and word.isascii() and word.isalpha()


@lru_cache(1)
def ordinary() -> dict[str, int]:
    """Ordinary English words, 82,000 of them, with how often they stand in a large corpus."""
    path = files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    pairs = (line.split(" ") for line in lines)
    return {word: int(count) for word, count in pairs}
