"""What people and keyboards do to a query, one thing at a time: to see what a model withstands.

The same text and seed give the same perturbed text. Slips are those that training never draws
(`held_back`), so that what a model was trained to read is not what it is judged with.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from triton_models.data.held_back import drawn
from triton_models.data.typos import ENGLISH, Typos, confused, neighbours, sound_alikes
from triton_models.query_text import is_ideograph

Change = Callable[[str, random.Random], str]

MARKS = "?!.,"  # that may stand at a word
SHORTEST = 4  # letters of a word that is misspelled, where a query has such a one


def keyboard_slip(word: str, rng: random.Random, own: Typos = ENGLISH) -> str:
    """A letter becomes its neighbour on the keyboard."""
    i = rng.randrange(len(word))
    return word[:i] + rng.choice(neighbours(word[i].lower(), own) or word[i]) + word[i + 1 :]


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


def sound_alike(word: str, rng: random.Random, own: Typos = ENGLISH) -> str:
    """Written as it sounds; a word that has no such spelling stays."""
    return rng.choice(sound_alikes(word, own) or [word])


SLIPS = (keyboard_slip, dropped_letter, doubled_letter, swapped_letters)


def typo(word: str, rng: random.Random, own: Typos = ENGLISH) -> str:
    """Any one slip, of the finger or by sound."""
    slips = (partial(keyboard_slip, own=own), *SLIPS[1:])
    changed = rng.choice((*slips, partial(sound_alike, own=own)))(word, rng)
    return changed if changed != word else rng.choice(slips)(word, rng)


def known(typos: Mapping[str, Sequence[str]]) -> Change:
    """Of a list of misspellings, by word."""

    def change(word: str, rng: random.Random) -> str:
        bare = word.strip(MARKS)
        return word.replace(bare, rng.choice(typos.get(bare.lower(), [bare])))

    return change


def misspelled(text: str, slips: Sequence[Change], rng: random.Random) -> str:
    """The text with one slip for each of `slips`, in different words while there are such.

    Words of four letters and more are taken first, then those of two or three; numbers and model
    names with digits stay, since a slip in them names another product. A word that a slip can do
    nothing to leaves it to the next.
    """
    words = text.split(" ")
    letters = [i for i, word in enumerate(words) if word.strip(MARKS).isalpha() and _long(word)]
    rng.shuffle(letters)
    letters.sort(key=lambda i: len(words[i]) < SHORTEST)
    for slip in slips:
        for i in letters:
            changed = slip(words[i], rng) if _long(words[i]) else words[i]
            if changed != words[i]:
                words[i] = changed
                letters = [*(j for j in letters if j != i), i]
                break
    return " ".join(words)


def _long(word: str) -> bool:
    """Whether a word has more than one letter, or is a Chinese character."""
    return len(word) > 1 or is_ideograph(word)


def _slips(*slips: Change) -> Change:
    unseen = [partial(drawn, slip=slip, held_back=True) for slip in slips]
    return lambda text, rng: misspelled(text, unseen, rng)


def shuffled_words(text: str, rng: random.Random) -> str:
    words = text.split()
    return " ".join(rng.sample(words, len(words)))


SPACES: dict[str, Change] = {
    "no spaces": lambda text, rng: "".join(text.split()),
    "extra spaces": lambda text, rng: " " + "  ".join(text.split()) + " ",
}

MOVING = ("no spaces", "word order")  # that join or move words; the others keep their places


def _of_letters(slip: Change) -> Change:
    """A slip that leaves words of Chinese characters: those have no letters to lose or swap."""
    return lambda word, rng: word if any(map(is_ideograph, word)) else slip(word, rng)


def of_language(own: Typos) -> dict[str, Change]:
    """What goes with a language, by name. Of Chinese these are characters of its confusion sets and
    spaces: it has no keyboard of letters, no cases, and words that no space tells.
    """
    if not own.keyboard:
        one = partial(confused, typos=own)
        sets = {"one typo": _slips(one), "two typos": _slips(one, one)}
        return (sets if own.confusions else {}) | SPACES
    any_one = _of_letters(partial(typo, own=own))
    slips = {
        "keyboard slip": partial(keyboard_slip, own=own),
        "dropped letter": dropped_letter,
        "doubled letter": doubled_letter,
        "swapped letters": swapped_letters,
        "sound-alike": partial(sound_alike, own=own),
    }
    return {name: _slips(_of_letters(slip)) for name, slip in slips.items()} | {
        "one typo": _slips(any_one),
        "two typos": _slips(any_one, any_one),
        "upper case": lambda text, rng: text.upper(),
        **SPACES,
        "word order": shuffled_words,
    }


PERTURBATIONS = of_language(ENGLISH)


def perturbations(
    typos: Mapping[str, Sequence[str]] | None = None, own: Typos = ENGLISH
) -> dict[str, Change]:
    """All that go with a language by name; with a list of misspellings also one by that."""
    return of_language(own) | (
        {"known misspelling": lambda text, rng: misspelled(text, [known(typos)], rng)}
        if typos
        else {}
    )


def perturbed(texts: Sequence[str], name: str, change: Change, seed: int = 0) -> list[str]:
    """The texts under a perturbation; one that nothing can be done to stays as it is."""
    return [change(text, random.Random(f"{seed} {name} {text}")) for text in texts]
