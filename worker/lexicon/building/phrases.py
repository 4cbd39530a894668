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
from worker.lexicon.head_words import EMPTY, LIKE
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
    """

    words: np.ndarray
    at: np.ndarray
    titles: np.ndarray
    brands: np.ndarray
    endings: np.ndarray


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
    docs = corpus.docs()
    brand_of = np.frombuffer(corpus.brand_of, np.int32)[docs]
    is_end = np.array([word in ends for word in corpus.words] + [True])  # BREAK is the last
    ended = np.append(is_end[tokens[1:]], True)  # what stands behind each token
    counting = _Counting(docs, brand_of, ended)
    levels = [counting.level(tokens, tokens.astype(np.int64), 1)]
    while len(levels) < LONGEST:
        before = levels[-1]
        tail = np.append(before.at[1:], -1)
        pair = np.where((before.at >= 0) & (tail >= 0), before.at * len(before.titles) + tail, -1)
        levels.append(counting.level(tokens, pair, len(levels) + 1))
    return levels


@dataclass(frozen=True)
class _Counting:
    """Of each token, the title, the title's brand, and whether a name may end there."""

    docs: np.ndarray
    brand_of: np.ndarray
    ended: np.ndarray

    def level(self, tokens: np.ndarray, keys: np.ndarray, size: int) -> _Level:
        """The frequent ones among phrases that are given by a key at each token, -1 for none."""
        places = np.flatnonzero(keys >= 0)
        _, first, inverse = np.unique(keys[places], return_index=True, return_inverse=True)
        count, docs, brands = len(first), self.docs[places], self.brand_of[places]
        titles = _distinct(inverse, docs, count)
        ending = self.ended[places + size - 1]
        frequent = titles >= FEWEST
        at = np.full(len(keys), -1, np.int64)
        at[places] = np.where(frequent, np.cumsum(frequent) - 1, -1)[inverse]
        return _Level(
            tokens[places[first[frequent]][:, None] + np.arange(size)],
            at,
            titles[frequent],
            _distinct(inverse[brands >= 0], brands[brands >= 0], count)[frequent],
            _distinct(inverse[ending], docs[ending], count)[frequent],
        )


def _distinct(groups: np.ndarray, members: np.ndarray, count: int) -> np.ndarray:
    """How many different members each group has."""
    if not len(groups):
        return np.zeros(count, np.int64)
    width = int(members.max()) + 1
    pairs = np.unique(groups.astype(np.int64) * width + members)
    return np.bincount(pairs // width, minlength=count)


def _kept(
    corpus: Corpus, levels: list[_Level], ends: Collection[str], described: Collection[str]
) -> Iterator[Phrase]:
    names = corpus.words
    has_brands = len(corpus.brands) >= FEWEST_BRANDS
    own = _own_words(corpus, levels[0]) if has_brands else set()
    titles: dict[tuple[int, ...], int] = {}
    nested: dict[tuple[int, ...], int] = {}  # titles of the most frequent phrase one word longer
    for level in levels:
        for phrase, count in zip(level.words.tolist(), level.titles.tolist(), strict=True):
            titles[tuple(phrase)] = count
            for part in (tuple(phrase[1:]), tuple(phrase[:-1])):
                nested[part] = max(nested.get(part, 0), count)
    head = levels[0].endings / levels[0].titles
    heads = dict(zip(levels[0].words[:, 0].tolist(), head.tolist(), strict=True))
    for level in levels:
        counts = np.stack([level.titles, level.brands, level.endings], axis=1).tolist()
        for words, (count, brands, endings) in zip(level.words.tolist(), counts, strict=True):
            phrase = tuple(words)
            if has_brands and (brands < FEWEST_BRANDS or not own.isdisjoint(phrase)):
                continue
            ending = endings / count
            if endings < FEWEST or ending < LEAST_ENDING or heads[phrase[-1]] < LEAST_HEAD:
                continue
            if nested.get(phrase, 0) > MOST_NESTED * count:
                continue
            texts = [names[word] for word in phrase]
            npmi = _npmi(phrase, titles, len(corpus))
            if npmi >= LEAST_NPMI and _may_name(texts, ends, described):
                text = " ".join(texts)
                yield Phrase(text, count, brands, round(npmi, 3), round(ending, 3))


def _may_name(texts: list[str], ends: Collection[str], described: Collection[str]) -> bool:
    first, last = texts[0], texts[-1]
    if last in ends or not last.isalpha() or len(last) < 3:
        return False
    if first in described or first in EMPTY or first in SPLITS:
        return False
    return last not in texts[:-1] and not any(word in SPLITS for word in texts)


def _own_words(corpus: Corpus, words: _Level) -> set[int]:
    """Words that one brand's titles, or that brand's name, have nearly alone: series and names."""
    docs, brand_of = corpus.docs(), np.frombuffer(corpus.brand_of, np.int32)
    places = np.flatnonzero(words.at >= 0)
    number, doc = words.at[places], docs[places]
    width = len(corpus)
    pairs = np.unique(number * width + doc)
    number, brand = pairs // width, brand_of[pairs % width]
    width = len(corpus.brands) + 1
    counts = np.unique(number * width + brand + 1, return_counts=True)
    best = np.zeros(len(words.titles), np.int64)
    sold = counts[0] % width > 0
    np.maximum.at(best, counts[0][sold] // width, counts[1][sold])
    least = np.where(words.brands < FEW_BRANDS, ONE_BRAND, ONE_BRAND_OF_MANY)
    texts, names = corpus.words, {*corpus.brands}
    named = np.array([texts[word] in names for word in words.words[:, 0]], bool)
    own = best >= np.where(named, NAMED, least) * words.titles
    return set(words.words[own, 0].tolist())


def _npmi(phrase: tuple[int, ...], titles: dict[tuple[int, ...], int], count: int) -> float:
    if len(phrase) == 1:
        return 1.0
    together = titles[phrase] / count
    if together >= 1:
        return 1.0
    values = []
    for cut in range(1, len(phrase)):
        apart = titles[phrase[:cut]] / count * titles[phrase[cut:]] / count
        values.append(np.log(together / apart) / -np.log(together))
    return float(min(values))
