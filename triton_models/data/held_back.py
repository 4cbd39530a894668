"""Which misspellings training never writes, so that robustness is measured with others.

Half of all misspellings of a word, by hash: models are trained on the one half, and judged with
the other.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

TRIES = 12  # draws until one is of the half that is wanted


def is_held_back(word: str, typo: str) -> bool:
    """Whether a misspelling of a word is kept for evaluation."""
    digest = hashlib.sha256(f"typo:{word.casefold()}:{typo.casefold()}".encode()).digest()
    return digest[0] % 2 == 0


def drawn(
    word: str, rng: random.Random, slip: Callable[[str, random.Random], str], held_back: bool
) -> str:
    """A slip of the wanted half; the word itself where so many draws give none."""
    for _ in range(TRIES):
        typo = slip(word, rng)
        if typo != word and is_held_back(word, typo) == held_back:
            return typo
    return word
