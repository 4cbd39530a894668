"""Queries of our own: different ones made from word lists, and how often each is asked."""

from __future__ import annotations

from functools import cache

import numpy as np


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


QUALITIES = [
    "",
    *_listed("""
    cheap, best, used, small, large, waterproof, vintage, modern, folding, portable, wireless, soft,
    heavy duty, lightweight, organic, electric, mini
"""),
]
COLORS = _listed("red, blue, green, black, white, grey, brown, pink, navy, beige, purple")
MATERIALS = _listed("""
    cotton, leather, wooden, metal, plastic, glass, wool, ceramic, linen, bamboo, steel, velvet,
    rubber
""")
NOUNS = _listed("""
    running shoes, sofa, table lamp, tent, phone case, kettle, jacket, drill, puzzle, desk,
    backpack, sneakers, coffee maker, office chair, headphones, laptop, dress, bookshelf,
    garden hose, bicycle, yoga mat, frying pan, toaster, blender, camera, suitcase, watch, curtains,
    pillow, dog bed, cat litter, car seat, stroller, guitar, keyboard, monitor, printer,
    vacuum cleaner, hair dryer, razor, shampoo, perfume, lipstick, necklace, ring, boots, sandals,
    socks, t shirt, jeans, sweater, coat, hat
""")
USES = [
    "",
    *_listed("""
    for women, for men, for kids, for small rooms, for the garden, for travel, for winter,
    with free delivery, for beginners, on sale, for the office, gift, size 9, under $50, 2 pack,
    10 inch
"""),
]
LISTS = QUALITIES, COLORS, MATERIALS, NOUNS, USES
COUNT = int(np.prod([len(words) for words in LISTS]))
STRIDE = 1_000_003  # a prime that does not divide COUNT: every query once, neighbours unlike

# The exponent s of p(rank) ~ rank**-s with the largest likelihood, given the probabilities of the
# 10,000 queries of elastic/rally-tracks' wikipedia track. It gives the first 100 queries 12.1 % and
# the first 1,000 35.6 % of all; the data have 12.2 % and 34.1 %.
ZIPF_EXPONENT = 0.561


def text(number: int) -> str:
    """A query; numbers below `COUNT` have different ones."""
    if not 0 <= number < COUNT:
        raise ValueError(f"query {number}: only {COUNT:,} different queries can be made")
    rest, words = number * STRIDE % COUNT, []
    for choices in LISTS:
        rest, index = divmod(rest, len(choices))
        words.append(choices[index])
    return " ".join(filter(None, words))


def asked(shape: str, count: int, different: int, seed: int = 0) -> np.ndarray:
    """Which query each event asks for.

    Args:
        shape: `distinct` (each once), `uniform` or `zipf` over `different` queries.

    Returns:
        Query numbers, int64, shape [count].
    """
    random = np.random.default_rng(seed)
    if shape == "distinct":
        return np.arange(count)
    if shape == "uniform":
        return random.integers(0, different, count)
    if shape == "zipf":
        return np.searchsorted(_cumulative(different), random.random(count), side="right")
    raise ValueError(f"shape {shape!r}: choose distinct, uniform or zipf")


@cache
def _cumulative(different: int) -> np.ndarray:
    weights = np.arange(1, different + 1, dtype=float) ** -ZIPF_EXPONENT
    cumulative = np.cumsum(weights) / weights.sum()
    cumulative[-1] = 1.0
    return cumulative


class Encoder:
    """Input records of about 120 bytes; the start of each query's is kept.

    Args:
        first: number of the first query, so that another run has others.
    """

    def __init__(self, first: int = 0, kept: int = 20_000) -> None:
        self._first, self._kept = first, kept
        self._heads: dict[int, bytes] = {}

    def record(self, number: int, query: int, timestamp_ms: int) -> bytes:
        """The record of event `number`, which is its `query_id`."""
        head = self._heads.get(query)
        if head is None:
            locale = "en-GB" if query % 5 == 0 else "en-US"
            head = b'{"query":"%s","locale":"%s"' % (
                text(self._first + query).encode(),
                locale.encode(),
            )
            if len(self._heads) < self._kept:
                self._heads[query] = head
        return b'%s,"query_id":"%d","timestamp":%d,"user_id":"u%d"}' % (
            *(head, number, timestamp_ms),
            number % 99_991,
        )
