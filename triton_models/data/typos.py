"""Misspelled text: slips of the finger, words written as they sound, and characters taken for
others that sound or look alike.

Keyboard and sounds are those of a language (`sounds`). Chinese is misspelled by confusion sets
alone, which a file brings: a line for each character, itself and then those that it is taken for,
in columns between tabs; lines that begin with # are comments.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from triton_models.data.held_back import drawn
from triton_models.data.sounds import KEYBOARDS, RULES
from triton_models.query_text import is_ideograph
from triton_models.settings import UsageError

CHINESE = "zh"
WITHOUT_SETS = "--misspelled: Chinese is misspelled by confusion sets alone: give --confusions"
OTHER_LANGUAGE = "--confusions misspells Chinese alone: give --language zh, or leave the sets out"
BY_SOUND = 0.2  # share of slips that write a word as it sounds, where it can be
SHORTEST = 4  # letters of a word that is misspelled


@dataclass(frozen=True)
class Typos:
    """How a language is misspelled.

    Attributes:
        keyboard: its rows of letters.
        sounds: what is written, and what else is of like sound.
        confusions: the characters that each is taken for.
    """

    keyboard: tuple[str, ...] = ()
    sounds: tuple[tuple[re.Pattern[str], str], ...] = ()
    confusions: Mapping[str, str] = field(default_factory=dict)

    def spoils(self, word: str) -> bool:
        """Whether a slip can be made in a word."""
        if any(map(is_ideograph, word)):
            return any(character in self.confusions for character in word)
        return bool(self.keyboard) and len(word) >= SHORTEST and word.isalpha()


@cache
def typos_of(language: str, confusions: tuple[str, ...] = ()) -> Typos:
    """Those of one of settings.LANGUAGES, with the confusion sets of files.

    Raises UsageError that names the file, and the line that is wrong.
    """
    rules = (rule.rpartition(">") for rule in RULES.get(language, "").split())
    sounds = tuple((re.compile(letters, re.IGNORECASE), to) for letters, _, to in rules)
    sets: dict[str, str] = {}
    for file in confusions:
        for character, others in read_confusions(Path(file)).items():
            sets[character] = "".join(dict.fromkeys(sets.get(character, "") + others))
    return Typos(KEYBOARDS.get(language, ()), sounds, sets)


def read_confusions(file: Path) -> dict[str, str]:
    """The confusion sets of a file; see above."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read ({error}); give a file of UTF-8") from None
    found = {}
    for number, line in enumerate(lines, 1):
        character, *others = line.strip().split("\t")
        if not line.strip() or line.startswith("#"):
            continue
        if len(character) != 1:
            raise UsageError(
                f"{file}:{number}: begins with {character!r:.20}; write one character, a tab, and"
                " those that it is taken for"
            )
        if alike := "".join(others).replace(" ", "").replace(character, ""):
            found[character] = alike
    if not found:
        raise UsageError(f"{file}: no confusion set in it; write a character, a tab, and others")
    return found


ENGLISH = typos_of("en")


def misspell(text: str, rng: random.Random, typos: Typos = ENGLISH) -> str:
    """Misspell one to three words, never as evaluation does (`held_back`)."""
    words, one = text.split(), partial(slip, typos=typos)
    places = [i for i, word in enumerate(words) if typos.spoils(word)]
    for i in rng.sample(places, min(len(places), rng.choice((1, 1, 2, 2, 3)))):
        words[i] = drawn(words[i], rng, one, held_back=False)
    return " ".join(words)


def slip(word: str, rng: random.Random, typos: Typos = ENGLISH) -> str:
    """One slip: a letter lost, doubled, swapped with the next, or its neighbour; by sound; or a
    character taken for another.
    """
    if any(map(is_ideograph, word)):
        return confused(word, rng, typos)
    if rng.random() < BY_SOUND and (alike := sound_alikes(word, typos)):
        return rng.choice(alike)
    i = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:i], word[i], word[i + 1 :]
    near = rng.choice(neighbours(letter, typos))
    swapped = before + after[0] + letter + after[1:]
    doubled = before + letter + letter + after
    return rng.choice((before + after, doubled, swapped, before + near + after))


def confused(word: str, rng: random.Random, typos: Typos) -> str:
    """A character taken for another; the word as it is where none is in the confusion sets."""
    places = [i for i, character in enumerate(word) if character in typos.confusions]
    if not places:
        return word
    i = rng.choice(places)
    return word[:i] + rng.choice(typos.confusions[word[i]]) + word[i + 1 :]


def sound_alikes(word: str, typos: Typos = ENGLISH) -> list[str]:
    """The word with one spelling in one place changed for another of like sound: all such."""
    found = [
        word[: at.start()] + at.expand(instead) + word[at.end() :]
        for letters, instead in typos.sounds
        for at in letters.finditer(word)
    ]
    return [other for other in dict.fromkeys(found) if other != word]


def neighbours(letter: str, typos: Typos = ENGLISH) -> str:
    """The keys beside a letter's, the letter itself where it has none."""
    for row in typos.keyboard:
        if (i := row.find(letter)) >= 0:
            return row[max(0, i - 1) : i] + row[i + 1 : i + 2]
    return letter
