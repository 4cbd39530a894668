"""Misspelled text: slips of the finger, and words written as they sound."""

from __future__ import annotations

import random
import re

from triton_models.data.held_back import drawn

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
# Spellings of like sound in English: letters where they stand (a regular expression) > what is
# written instead. Consonants, vowels, endings, silent letters, double letters.
ALIKE = r"""
ph>f f(?=[aeiou])>ph ck>k (?<=[aeiou])k\b>ck c(?=[aouklrt])>k k(?=[aourl])>c c(?=[eiy])>s
s(?=[ei])>c sc(?=[ei])>s (?<=[aeiou])ch>tch tch>ch g(?=[ei])>j j(?=[aeiou])>g qu>kw x>ks z>s
(?<=[aeiou])s(?=e\b)>z tion\b>shun
ie>ei ei>ie ea>ee ee>ea ai>ay ay>ai oo>u ou>u au>aw oa>o igh>y (?<=[a-z]{2})i(?=[nrt])>e
(?<=[a-z]{2})e(?=n[dt])>i ite\b>ate ate\b>ite
(?:or|ar)\b>er er\b>or er\b>ar ance\b>ence ence\b>ance able\b>ible ible\b>able
\bkn>n \bwr>r \bwh>w \bps>s \brh>r mb\b>m bt\b>t (?<=[aeiou])gh> (?<=[^aeiou])e\b>
([bdfglmnprst])\1>\1 (?<=[aeiou])([lmnprt])(?=[aeiou])>\1\1
"""
SOUNDS = [
    (re.compile(letters, re.IGNORECASE), instead)
    for letters, _, instead in (rule.rpartition(">") for rule in ALIKE.split())
]
BY_SOUND = 0.2  # share of slips that write a word as it sounds, where it can be


def misspell(text: str, rng: random.Random) -> str:
    """Misspell one to three words, never as evaluation does (`held_back`)."""
    words = text.split()
    long = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for i in rng.sample(long, min(len(long), rng.choice((1, 1, 2, 2, 3)))):
        words[i] = drawn(words[i], rng, slip, held_back=False)
    return " ".join(words)


def slip(word: str, rng: random.Random) -> str:
    """One slip: a letter lost, doubled, swapped with the next, or its neighbour; or by sound."""
    if rng.random() < BY_SOUND and (alike := sound_alikes(word)):
        return rng.choice(alike)
    i = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:i], word[i], word[i + 1 :]
    near = rng.choice(neighbours(letter))
    swapped = before + after[0] + letter + after[1:]
    doubled = before + letter + letter + after
    return rng.choice((before + after, doubled, swapped, before + near + after))


def sound_alikes(word: str) -> list[str]:
    """The word with one spelling in one place changed for another of like sound: all such."""
    found = [
        word[: at.start()] + at.expand(instead) + word[at.end() :]
        for letters, instead in SOUNDS
        for at in letters.finditer(word)
    ]
    return [other for other in dict.fromkeys(found) if other != word]


def neighbours(letter: str) -> str:
    """The keys beside a letter's, the letter itself where it has none."""
    for row in KEYBOARD:
        if (i := row.find(letter)) >= 0:
            return row[max(0, i - 1) : i] + row[i + 1 : i + 2]
    return letter
