"""Queries of a brand and what it sells, with their tags, composed from the starter lexicon.

They teach tagging the names of brands that no labelled query has. A line of `brands.txt` is
`name | other name : what it sells, ...`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from triton_models.data.lexicon_terms import SOURCE

COLORS = [
    "black",
    "white",
    "red",
    "blue",
    "green",
    "pink",
    "gray",
    "navy",
    "beige",
    "brown",
    "purple",
    "gold",
    "silver",
]
STYLES = [
    "small",
    "large",
    "wireless",
    "portable",
    "waterproof",
    "organic",
    "vintage",
    "mini",
    "lightweight",
    "outdoor",
]
WHOM = ("for women", "for men", "womens", "mens", "for kids", "girls", "boys")
WORN = {"shoes", "sneakers", "shirt", "dress", "jeans", "boots", "jacket", "hoodie", "watch"}
Part = tuple[str, str]  # a tag, "" for none, and words


def compose(seed: int = 4) -> list[dict[str, list[str]]]:
    """One query for each name of a brand: its `tokens`, and their `tags` in BIO."""
    chance = random.Random(seed)
    return [_tagged(_parts(brand, sold, chance)) for brand, sold in _brands()]


def _brands() -> Iterator[tuple[str, list[str]]]:
    for line in (SOURCE / "brands.txt").read_text(encoding="utf-8").splitlines():
        names, colon, sold = line.partition(" : ")
        if colon and not line.startswith("#"):
            things = [thing.replace("&", "and") for thing in sold.rstrip(" *").split(", ")]
            for name in names.split(" | ")[:2]:
                yield name.rstrip("*").strip(), things


def _parts(brand: str, sold: list[str], chance: random.Random) -> list[Part]:
    thing = chance.choice(sold[1:] or sold)
    if chance.random() < 0.5 and not thing.endswith("s"):
        thing += "s"
    named = [("brand", brand), ("product", thing)]
    if chance.random() < 0.2:
        between = [] if chance.random() < 0.7 else [("", chance.choice(("by", "from")))]
        named = [named[1], *between, named[0]]
    if chance.random() < 0.2:
        named.insert(0, ("color", chance.choice(COLORS)))
    elif chance.random() < 0.2:
        named.insert(named.index(("product", thing)), ("style", chance.choice(STYLES)))
    if chance.random() < 0.15 and WORN & set(thing.split()):
        named.append(("gender", chance.choice(WHOM)))
    return [("brand", brand)] if chance.random() < 0.06 else named


def _tagged(parts: list[Part]) -> dict[str, list[str]]:
    tokens, tags = [], []
    for tag, text in parts:
        words = text.split()
        tokens += words
        tags += [f"B-{tag}", *[f"I-{tag}"] * (len(words) - 1)] if tag else ["O"] * len(words)
    return {"tokens": tokens, "tags": tags}
