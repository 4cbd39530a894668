"""How two spellings differ: by a slip of the fingers, by what sounds alike, by region or number."""

from __future__ import annotations

import re

SHORT = 5  # letters from which a swap tells enough
LONG = 6  # letters from which two words that differ so little are hardly both meant
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = frozenset("aeiouy")
_PLACES = {key: (row, column) for row, keys in enumerate(_ROWS) for column, key in enumerate(keys)}


def is_variant(word: str, other: str) -> bool:
    """Whether it is the same word in another number or region: "organized", "organised"."""
    short, long = sorted((word, other), key=len)
    if long in (short + "s", short + "es") and short[-1] != "s":
        return True
    regions = ("z", "s"), ("ae", "e"), ("our", "or")
    return any(word.replace(a, b) == other.replace(a, b) for a, b in regions)


def is_slip(word: str, other: str) -> bool:
    """Whether just a doubled letter, or the order of two, is wrong: "cofee", "retrun"."""
    swapped = len(word) >= SHORT and sorted(word) == sorted(other)
    return swapped or undoubled(word) == undoubled(other)


def is_other_letter(word: str, other: str) -> bool:
    """Whether one letter stands for another that is not next to it, nor a vowel like it."""
    pairs = [(a, b) for a, b in zip(word, other, strict=False) if a != b]
    if len(word) != len(other) or len(pairs) != 1:
        return False
    [(a, b)] = pairs
    (row, column), (row_b, column_b) = _PLACES[a], _PLACES[b]
    near = abs(row - row_b) < 2 and abs(column - column_b) < 2
    return not (
        near
        or {a, b} <= _VOWELS
        or {a, b} <= set("cksz")
        or {a, b} <= set("td")
        or {a, b} <= set("uw")
    )


def distance(word: str, other: str) -> int:
    """Insertions, deletions, changes and swaps of neighbours that make the other of a word."""
    before, row = [], list(range(len(other) + 1))
    for i, a in enumerate(word, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and word[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def undoubled(word: str) -> str:
    return re.sub(r"(.)\1+", r"\1", word)


def is_one_off(word: str, other: str) -> bool:
    """Whether one insertion, deletion, change or swap of neighbours makes the other of a word."""
    if word == other:
        return False
    short, long = sorted((word, other), key=len)
    n = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(long) == len(short):
        swapped = short[n + 1 : n + 2] + short[n : n + 1] + short[n + 2 :]
        return short[n + 1 :] == long[n + 1 :] or swapped == long[n:]
    return len(long) == len(short) + 1 and short[n:] == long[n + 1 :]


_SOUNDS = (
    (re.compile("ph"), "f"),
    (re.compile("ck|q"), "k"),
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("c(?!h)"), "k"),
    (re.compile("x"), "ks"),
    (re.compile("z"), "s"),
    (re.compile("dg(?=[eiy])"), "g"),
    (re.compile("gh(?=t)|(?<=w)h|(?<=^)k(?=n)"), ""),
    (re.compile("(?<!^)[aeiouy]"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)


def sound(word: str) -> str:
    """What a word sounds like: its first letter and its consonants."""
    for pattern, text in _SOUNDS:
        word = pattern.sub(text, word)
    return word
