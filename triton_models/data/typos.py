"""Misspelled text: known misspellings, and slips of the finger."""

from __future__ import annotations

import random

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def misspell(text: str, typos: dict[str, list[str]], rng: random.Random) -> str:
    """Misspell one to three words: a known misspelling where there is one, else a slip."""
    words = text.split()
    long = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for i in rng.sample(long, min(len(long), rng.choice((1, 1, 2, 2, 3)))):
        known = typos.get(words[i])
        words[i] = rng.choice(known) if known and rng.random() < 0.6 else slip(words[i], rng)
    return " ".join(words)


def slip(word: str, rng: random.Random) -> str:
    """One slip of the finger: a letter lost, doubled, swapped with the next, or its neighbour."""
    i = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:i], word[i], word[i + 1 :]
    near = rng.choice(neighbours(letter))
    swapped = before + after[0] + letter + after[1:]
    doubled = before + letter + letter + after
    return rng.choice((before + after, doubled, swapped, before + near + after))


def neighbours(letter: str) -> str:
    """The keys beside a letter's, the letter itself where it has none."""
    for row in KEYBOARD:
        if (i := row.find(letter)) >= 0:
            return row[max(0, i - 1) : i] + row[i + 1 : i + 2]
    return letter
