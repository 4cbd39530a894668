"""Phrases of titles that name kinds of products, by statistics alone.

Counted level by level: a phrase of n words is frequent only if both phrases of n - 1 words in it
are (the Apriori rule), so that a million titles fit in memory. A phrase is kept if

- enough titles of several brands have it: what one brand alone writes is a series or a model;
- its parts go together: normalized pointwise mutual information (Bouma, "Normalized (Pointwise)
  Mutual Information in Collocation Extraction", 2009), the least over the ways to split it;
- it ends where such names end: before a number, punctuation, a colour or the end of the title. A
  word that something else follows nearly always, as an adjective, is no head;
- and it is not the mere tail of one longer phrase, which has nearly all its titles (C-value's rule:
  Frantzi, Ananiadou, Mima, "Automatic recognition of multi-word terms", 2000).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from worker.lexicon.building.corpus import Corpus
from worker.lexicon.building.counting import apart, counted, numbered, paired, starts
from worker.lexicon.head_words import ABROAD, EMPTY, LIKE, is_foreign
from worker.lexicon.profile import SPLITS
from worker.lexicon.spellings import ordinary

LONGEST = 4  # words
FEWEST = 3  # titles
FEWEST_BRANDS = 2
LEAST_NPMI = 0.15
LEAST_ENDING = 0.15  # share of its titles in which it ends where names end
LEAST_HEAD = 0.15  # the same of its last word, and of a phrase of one word
MOST_NESTED = 0.8  # share of its titles that one longer phrase may have
ONE_BRAND, FEW_BRANDS = 0.9, 3  # share of a word's titles from which it is that brand's own word,
ONE_BRAND_OF_MANY = 0.98  # if fewer brands, or more, have it
NAMED = 0.5  # the same of a word that is the brand's name
MOSTLY = 0.5  # share of a word's places


class Phrase(NamedTuple):
    """A phrase of titles.

    Attributes:
        titles: how many have it.
        brands: how many brands' titles these are.
        npmi: least over the ways to split it; 1 of a single word.
        ending: share of its titles in which it ends where names end.
    """

    text: str
    titles: int
    brands: int
    npmi: float
    ending: float


@dataclass
class _Level:
    """Phrases of n words.

    Attributes:
        words: int32, shape [phrases, n].
        at: the phrase that begins at each token, or -1.
        titles, brands, endings: of each phrase.
        most: of each phrase, the titles of the brand that has most of them.
        heads, tails: of each phrase, which one of n - 1 words it begins with, and ends with.
    """

    words: np.ndarray
    at: np.ndarray
    titles: np.ndarray
    brands: np.ndarray
    most: np.ndarray
    endings: np.ndarray
    heads: np.ndarray
    tails: np.ndarray


def find(corpus: Corpus, described: Collection[str], own: Collection[str] = ()) -> list[Phrase]:
    """The phrases that name kinds of products, in the order of the alphabet.

    Args:
        described: words of attributes: colours, materials and the like; no name begins with one.
        own: words and phrases of attributes that a name may begin with: the catalogue's own, of
            which some are things as well, "beach towel".
    """
    if not len(corpus):
        return []
    splits = SPLITS | _splits_abroad(corpus)
    values = {*described, *own}
    levels = _levels(corpus, EMPTY | LIKE | splits | values)
    may_name = partial(_may_name, described=described, values=values, splits=splits)
    return sorted(_kept(corpus, levels, may_name))


def _splits_abroad(corpus: Corpus) -> set[str]:
    """The words of `ABROAD` that mostly stand beside words that English has not."""
    tokens, english = np.frombuffer(corpus.tokens, np.int32), ordinary().__contains__
    number = {word: n for n, word in enumerate(corpus.words) if word in ABROAD}
    if not number:
        return set()
    foreign = np.array([is_foreign(word, english) for word in corpus.words] + [False])[tokens]
    beside = np.roll(foreign, 1) | np.roll(foreign, -1)
    return {word for word, n in number.items() if beside[tokens == n].mean() > MOSTLY}


def _levels(corpus: Corpus, ends: Collection[str]) -> list[_Level]:
    tokens = np.frombuffer(corpus.tokens, np.int32)
    is_end = np.array([word in ends for word in corpus.words] + [True])  # BREAK is the last
    ended = np.append(is_end[tokens[1:]], True)  # what stands behind each token
    brand_of = np.frombuffer(corpus.brand_of, np.int32)
    counting = _Counting(tokens, corpus.docs(), ended, brand_of)
    places = np.flatnonzero(tokens >= 0)
    levels = [counting.level(places, tokens[places], len(corpus.words), 1)]
    while len(levels) < LONGEST:
        before = levels[-1].at
        places = np.flatnonzero((before[:-1] >= 0) & (before[1:] >= 0))
        number, count = numbered(paired(before[places], before[places + 1]))
        levels.append(counting.level(places, number, count, len(levels) + 1, before))
    return levels


@dataclass(frozen=True)
class _Counting:
    """Of each token, the title, and whether a name may end there; and the brand of each title."""

    tokens: np.ndarray
    docs: np.ndarray
    ended: np.ndarray
    brand_of: np.ndarray

    def level(
        self,
        places: np.ndarray,
        number: np.ndarray,
        count: int,
        size: int,
        before: np.ndarray | None = None,
    ) -> _Level:
        """The frequent ones among phrases.

        Args:
            places: where a phrase begins.
            number: of the phrase that begins there, less than `count`.
            size: words of a phrase.
            before: at each token the phrase of a word less, of those that were frequent.
        """
        example = np.zeros(count, np.int64)
        example[number] = places
        # The title, the phrase, and whether it ends there: nearly sorted, as titles are in order.
        seen = paired(self.docs[places], number) << 1 | self.ended[places + size - 1]
        seen = np.sort(seen, kind="stable")
        last = np.append(starts(seen >> 1)[1:], len(seen)) - 1 if len(seen) else []
        docs, phrase = apart(seen[last] >> 1)
        titles = np.bincount(phrase, minlength=count)
        frequent = titles >= FEWEST
        brand = self.brand_of[docs]
        sold, _, sold_titles = counted(paired(phrase, brand)[(brand >= 0) & frequent[phrase]])
        most = np.zeros(count, np.int64)
        np.maximum.at(most, sold, sold_titles)
        ending = phrase[seen[last] & 1 == 1]
        at = np.full(len(self.tokens), -1, np.int32)
        at[places] = np.where(frequent, np.cumsum(frequent) - 1, -1)[number]
        example = example[frequent]
        parts = [] if before is None else [before[example], before[example + 1]]
        return _Level(
            self.tokens[example[:, None] + np.arange(size)],
            at,
            titles[frequent],
            np.bincount(sold, minlength=count)[frequent],
            most[frequent],
            np.bincount(ending, minlength=count)[frequent],
            *parts or [example[:0]] * 2,
        )


def _kept(
    corpus: Corpus, levels: list[_Level], may_name: Callable[[list[str]], bool]
) -> Iterator[Phrase]:
    names = corpus.words
    has_brands = len(corpus.brands) >= FEWEST_BRANDS
    single = levels[0].words[:, 0]
    head, own = np.zeros(len(names)), np.zeros(len(names), bool)
    head[single] = levels[0].endings / levels[0].titles
    if has_brands:
        own[single] = _own_words(corpus, levels[0])
    for size, level in enumerate(levels, 1):
        ending = level.endings / level.titles
        kept = (level.endings >= FEWEST) & (ending >= LEAST_ENDING)
        kept &= head[level.words[:, -1]] >= LEAST_HEAD
        kept &= _most_of_longer(level, levels[size:]) <= MOST_NESTED * level.titles
        if has_brands:
            kept &= (level.brands >= FEWEST_BRANDS) & ~own[level.words].any(axis=1)
        for n in np.flatnonzero(kept).tolist():
            texts = [names[word] for word in level.words[n].tolist()]
            if not may_name(texts):
                continue
            npmi = _npmi(levels, size, n, len(corpus))
            if npmi >= LEAST_NPMI:
                counts = int(level.titles[n]), int(level.brands[n])
                yield Phrase(" ".join(texts), *counts, round(npmi, 3), round(float(ending[n]), 3))


def _most_of_longer(level: _Level, longer: list[_Level]) -> np.ndarray:
    """Of each phrase, the titles of the most frequent one that is a word longer."""
    found = np.zeros(len(level.titles), np.int64)
    for above in longer[:1]:
        for parts in (above.heads, above.tails):
            np.maximum.at(found, parts, above.titles)
    return found


def _may_name(
    texts: list[str],
    described: Collection[str],
    values: Collection[str],
    splits: Collection[str],
) -> bool:
    """Whether a phrase can be a name: `described` words begin none, `values` end none."""
    first, last = texts[0], texts[-1]
    if last in EMPTY or last in LIKE or not last.isalpha() or len(last) < 3:
        return False
    if first in described or first in EMPTY:
        return False
    if any(" ".join(texts[n:]) in values for n in range(len(texts))):
        return False
    return last not in texts[:-1] and not any(word in splits for word in texts)


def _own_words(corpus: Corpus, words: _Level) -> np.ndarray:
    """Which words one brand's titles, or that brand's name, have nearly alone: series and names."""
    least = np.where(words.brands < FEW_BRANDS, ONE_BRAND, ONE_BRAND_OF_MANY)
    texts, names = corpus.words, {*corpus.brands}
    named = np.array([texts[word] in names for word in words.words[:, 0]], bool)
    return words.most >= np.where(named, NAMED, least) * words.titles


def _npmi(levels: list[_Level], size: int, number: int, count: int) -> float:
    """Of a phrase of a level, the least over the ways to split it; `count` titles are there."""
    together = levels[size - 1].titles[number] / count
    if size == 1 or together >= 1:
        return 1.0
    values = []
    for cut in range(1, size):
        head = tail = number
        for level in levels[size - 1 : cut - 1 : -1]:
            head = level.heads[head]
        for level in levels[size - 1 : size - 1 - cut : -1]:
            tail = level.tails[tail]
        parts = levels[cut - 1].titles[head] / count * levels[size - cut - 1].titles[tail] / count
        values.append(np.log(together / parts) / -np.log(together))
    return float(min(values))
