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

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from worker.lexicon.building.corpus import Corpus
from worker.lexicon.building.counting import apart, counted, distinct, paired, starts
from worker.lexicon.heads import EMPTY, LIKE
from worker.lexicon.profile import SPLITS

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
        heads, tails: of each phrase, which one of n - 1 words it begins with, and ends with.
    """

    words: np.ndarray
    at: np.ndarray
    titles: np.ndarray
    brands: np.ndarray
    endings: np.ndarray
    heads: np.ndarray
    tails: np.ndarray


def find(corpus: Corpus, described: Collection[str]) -> list[Phrase]:
    """The phrases that name kinds of products, in the order of the alphabet.

    Args:
        described: words of attributes: colours, materials and the like.
    """
    if not len(corpus):
        return []
    ends = EMPTY | LIKE | SPLITS | {*described}
    levels = _levels(corpus, ends)
    return sorted(_kept(corpus, levels, ends, described))


def _levels(corpus: Corpus, ends: Collection[str]) -> list[_Level]:
    tokens = np.frombuffer(corpus.tokens, np.int32)
    is_end = np.array([word in ends for word in corpus.words] + [True])  # BREAK is the last
    ended = np.append(is_end[tokens[1:]], True)  # what stands behind each token
    brand_of = np.frombuffer(corpus.brand_of, np.int32)
    counting = _Counting(tokens, corpus.docs(), ended, brand_of)
    levels = [counting.level(tokens.astype(np.int64), 1)]
    while len(levels) < LONGEST:
        before = levels[-1]
        tail = np.append(before.at[1:], -1)
        pair = np.where((before.at >= 0) & (tail >= 0), paired(before.at, tail), -1)
        levels.append(counting.level(pair, len(levels) + 1))
    return levels


@dataclass(frozen=True)
class _Counting:
    """Of each token, the title, and whether a name may end there; and the brand of each title."""

    tokens: np.ndarray
    docs: np.ndarray
    ended: np.ndarray
    brand_of: np.ndarray

    def level(self, keys: np.ndarray, size: int) -> _Level:
        """The frequent ones among phrases that are given by a key at each token, -1 for none."""
        places = np.flatnonzero(keys >= 0)
        order = np.argsort(keys[places])
        begins = starts(keys[places[order]])
        number = np.empty(len(places), np.int64)
        number[order] = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(places)))
        # Twice the title, and one more where the phrase ends there: sorted, the last tells.
        flagged = 2 * self.docs[places].astype(np.int64) + self.ended[places + size - 1]
        seen = np.sort(paired(number, flagged))
        last = np.append(starts(seen >> 1)[1:], len(seen)) - 1 if len(seen) else []
        phrase, flagged = apart(seen[last])
        titles = np.bincount(phrase, minlength=len(begins))
        frequent = titles >= FEWEST
        brand = self.brand_of[flagged >> 1]
        sold = distinct(paired(phrase, brand)[(brand >= 0) & frequent[phrase]])
        ending = phrase[flagged & 1 == 1]
        at = np.full(len(keys), -1, np.int64)
        at[places] = np.where(frequent, np.cumsum(frequent) - 1, -1)[number]
        examples = places[order[begins[frequent]]]
        return _Level(
            self.tokens[examples[:, None] + np.arange(size)],
            at,
            titles[frequent],
            np.bincount(apart(sold)[0], minlength=len(begins))[frequent],
            np.bincount(ending, minlength=len(begins))[frequent],
            *apart(keys[examples]),
        )


def _kept(
    corpus: Corpus, levels: list[_Level], ends: Collection[str], described: Collection[str]
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
            if not _may_name(texts, ends, described):
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


def _may_name(texts: list[str], ends: Collection[str], described: Collection[str]) -> bool:
    first, last = texts[0], texts[-1]
    if last in ends or not last.isalpha() or len(last) < 3:
        return False
    if first in described or first in EMPTY or first in SPLITS:
        return False
    return last not in texts[:-1] and not any(word in SPLITS for word in texts)


def _own_words(corpus: Corpus, words: _Level) -> np.ndarray:
    """Which words one brand's titles, or that brand's name, have nearly alone: series and names."""
    docs, brand_of = corpus.docs(), np.frombuffer(corpus.brand_of, np.int32)
    places = np.flatnonzero(words.at >= 0)
    number, doc = apart(distinct(paired(words.at[places], docs[places])))
    brand = brand_of[doc]
    number, _, titles = counted(paired(number, brand)[brand >= 0])
    best = np.zeros(len(words.titles), np.int64)
    np.maximum.at(best, number, titles)
    least = np.where(words.brands < FEW_BRANDS, ONE_BRAND, ONE_BRAND_OF_MANY)
    texts, names = corpus.words, {*corpus.brands}
    named = np.array([texts[word] in names for word in words.words[:, 0]], bool)
    return best >= np.where(named, NAMED, least) * words.titles


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
