"""What people and keyboards do to a query, one thing at a time: to see what a model withstands.

The same text and seed give the same perturbed text.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from triton_models.data.typos import neighbours

SHORTEST = 4  # letters of a word that is misspelled, where a query has such a one


def keyboard_slip(word: str, rng: random.Random) -> str:
    """A letter becomes its neighbour on the keyboard."""
    i = rng.randrange(len(word))
    return word[:i] + rng.choice(neighbours(word[i].lower()) or word[i]) + word[i + 1 :]


def dropped_letter(word: str, rng: random.Random) -> str:
    i = rng.randrange(1, len(word))
    return word[:i] + word[i + 1 :]


def doubled_letter(word: str, rng: random.Random) -> str:
    i = rng.randrange(len(word))
    return word[:i] + word[i] + word[i:]


def swapped_letters(word: str, rng: random.Random) -> str:
    """Two neighbours change places; a word of one letter only stays."""
    places = [i for i in range(len(word) - 1) if word[i] != word[i + 1]]
    if not places:
        return word
    i = rng.choice(places)
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


SLIPS = (keyboard_slip, dropped_letter, doubled_letter, swapped_letters)


def misspelled(text: str, slips: Sequence[Callable], rng: random.Random) -> str:
    """The text with one slip for each of `slips`, in different words while there are such.

    Words of four letters and more are taken first, then those of two or three; numbers and model
    names with digits stay, since a slip in them names another product.
    """
    words = text.split(" ")
    letters = [i for i, word in enumerate(words) if word.strip("?!.,").isalpha() and len(word) > 1]
    rng.shuffle(letters)
    letters.sort(key=lambda i: len(words[i]) < SHORTEST)
    for number, slip in enumerate(slips if letters else ()):
        i = letters[number % len(letters)]
        if len(words[i]) > 1:
            words[i] = slip(words[i], rng)
    return " ".join(words)


def _slip(slip: Callable) -> Callable[[str, random.Random], str]:
    return lambda text, rng: misspelled(text, (slip,), rng)


def shuffled_words(text: str, rng: random.Random) -> str:
    words = text.split()
    return " ".join(rng.sample(words, len(words)))


PERTURBATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "keyboard slip": _slip(keyboard_slip),
    "dropped letter": _slip(dropped_letter),
    "doubled letter": _slip(doubled_letter),
    "swapped letters": _slip(swapped_letters),
    "one typo": lambda text, rng: misspelled(text, [rng.choice(SLIPS)], rng),
    "two typos": lambda text, rng: misspelled(text, rng.choices(SLIPS, k=2), rng),
    "upper case": lambda text, rng: text.upper(),
    "no spaces": lambda text, rng: "".join(text.split()),
    "extra spaces": lambda text, rng: " " + "  ".join(text.split()) + " ",
    "word order": shuffled_words,
}


def perturbed(texts: Sequence[str], name: str, seed: int = 0) -> list[str]:
    """The texts under one of PERTURBATIONS; one that nothing can be done to stays as it is."""
    change = PERTURBATIONS[name]
    return [change(text, random.Random(f"{seed} {name} {text}")) for text in texts]
