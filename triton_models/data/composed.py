"""Queries with tags, composed from the starter lexicon in the words of labelled ones.

They teach tagging the brands and things that no labelled query names. A labelled query lends its
words and its tags; in the place of its brand stands one of `brands.txt`, and in the place of its
product what this brand sells, or a term.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from triton_models.data.lexicon_terms import SOURCE, read_names

BRAND, PRODUCT, OUTSIDE = "brand", "product", ""
FIXED = {"model", "content"}  # these tell of one brand or product, so their queries lend nothing
ALONE = 0.06  # share of the brands that stand without a product
PLURAL = 0.5  # chance that a thing takes an s, where that is its plural
MOST_WORDS = 3  # of a term: longer ones often say what a thing is like
Parts = list[tuple[str, str]]  # a tag, OUTSIDE for none, and words
Row = tuple[Sequence[str], Sequence[str]]  # tokens, and their tags in BIO


def compose(labelled: Iterable[Row], seed: int = 4) -> list[dict[str, list[str]]]:
    """A query for each name of a brand and for each short term: `tokens`, and `tags` in BIO.

    Args:
        labelled: queries that may be learned from.
    """
    chance, known = random.Random(seed), [_parts(*row) for row in labelled]
    lent = [parts for parts in known if _lends(parts)]
    branded = [parts for parts in lent if any(tag == BRAND for tag, _ in parts)]
    plain = [parts for parts in lent if all(tag != BRAND for tag, _ in parts)]
    if not (branded and plain):
        return []
    made = [
        [(BRAND, brand)]
        if chance.random() < ALONE
        else _put(chance.choice(branded), _one_of(things, chance), brand)
        for brand, things in _brands()
    ]
    made += [_put(chance.choice(plain), term) for term in _terms(known)]
    asked = {*map(_text, known)}
    return [_tagged(parts) for parts in made if _text(parts) not in asked]


def _parts(tokens: Sequence[str], tags: Sequence[str]) -> Parts:
    parts: Parts = []
    for token, label in zip(tokens, tags, strict=True):
        tag = label[2:]
        if parts and not label.startswith("B-") and parts[-1][0] == tag:
            parts[-1] = tag, f"{parts[-1][1]} {token}"
        else:
            parts.append((tag, token))
    return parts


def _text(parts: Parts) -> str:
    return " ".join(words for _, words in parts).lower()


def _lends(parts: Parts) -> bool:
    counts = Counter(tag for tag, _ in parts)
    return counts[PRODUCT] == 1 and counts[BRAND] < 2 and not FIXED & set(counts)


def _put(parts: Parts, product: str, brand: str = "") -> Parts:
    others = {PRODUCT: product, BRAND: brand}
    return [(tag, others.get(tag, words)) for tag, words in parts]


def _one_of(things: Sequence[str], chance: random.Random) -> str:
    thing = chance.choice(things)
    takes_s = thing[-1] not in "fhsxyz" and not thing.endswith(("fe", "ing"))
    return thing + "s" if takes_s and chance.random() < PLURAL else thing


def _brands() -> Iterator[tuple[str, list[str]]]:
    """Names of brands, and what each sells, but for the first of several, often a department.

    A line of `brands.txt` is `name | other name : what it sells, ...`.
    """
    for line in (SOURCE / "brands.txt").read_text(encoding="utf-8").splitlines():
        names, colon, sold = line.partition(" : ")
        if colon and not line.startswith("#"):
            things = [thing.replace("&", "and") for thing in sold.rstrip(" *").split(", ")]
            for name in names.split(" | ")[:2]:
                yield name.rstrip("*").strip(), things[1:] or things


def _terms(known: Iterable[Parts]) -> list[str]:
    """Terms of the lexicon without a word that mostly has another tag than a product's."""
    said = [(word, tag) for parts in known for tag, words in parts for word in words.split()]
    product = Counter(word for word, tag in said if tag == PRODUCT)
    other = Counter(word for word, tag in said if tag not in (PRODUCT, OUTSIDE))
    names = dict.fromkeys(read_names())
    return [
        name
        for name in names
        if len(words := name.split()) <= MOST_WORDS
        and not any(other[word] > product[word] for word in words)
    ]


def _tagged(parts: Parts) -> dict[str, list[str]]:
    tokens, tags = [], []
    for tag, text in parts:
        words = text.split()
        tokens += words
        tags += [f"B-{tag}", *[f"I-{tag}"] * (len(words) - 1)] if tag else ["O"] * len(words)
    return {"tokens": tokens, "tags": tags}
