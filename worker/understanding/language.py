"""The language of a query: by script, by the words of shoppers, by letters, and by its locale.

Words that a lexicon knows speak for its own language, so that an English query with a foreign name
or dish in it stays English, as does one such word alone ("rucksack"). One such word is enough for a
language that has a lexicon of its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from triton_models.query_text import SCRIPTS

# Words of shoppers; those that English has as well are left out, or weigh nothing by themselves.
_TABLES = tomllib.loads((Path(__file__).parent / "languages.toml").read_text(encoding="utf-8"))
_SHARED, _TELLING, _ENGLISH = (
    frozenset(_TABLES[name].split()) for name in ("shared", "telling", "english")
)
_LETTERS = (
    ("ß", "de"),
    ("äü", "de"),
    ("ñ¿¡", "es"),
    ("œêëîïûù", "fr"),
    ("ãõ", "pt"),
    ("łżśąęźćń", "pl"),
    ("å", "sv"),
    ("ğış", "tr"),
)
_WORD = re.compile(r"[^\W\d_]+")
_LOANED_FIRST = frozenset(
    _WORD.findall(phrase)[0] for phrase in _TABLES["loaned"].strip().splitlines()
)
_LOANED = re.compile(rf"\b(?:{'|'.join(map(re.escape, _TABLES['loaned'].strip().splitlines()))})\b")

_VOTES: dict[str, list[tuple[str, float]]] = {}
for _language, _line in _TABLES["words"].items():
    for _word in _line.split():
        _strong = len(_word) > 4 or _word in _TELLING
        _vote = 0.5 if _word in _SHARED or len(_word) < 3 else 2.0 if _strong else 1.0
        _VOTES.setdefault(_word, []).append((_language, _vote))

LEAST_VOTES = 2.0
LOCALE_VOTES = 1.5
Knows = Callable[[str], bool]


def language(
    form: str,
    locale: str | None,
    default: str,
    known: Knows = lambda word: False,
    others: Mapping[str, Knows] = MappingProxyType({}),
) -> str:
    """ISO 639 code: what the text's script and words say, else the locale's, else `default`.

    Args:
        known: whether a word is one of the lexicon's, which is in the language `default`.
        others: the same of the lexicons of other languages, by language.
    """
    said = _of_locale(locale)
    if not form.isascii() and (script := _by_script(form)):
        return said if said and script == "ru" and said in ("uk", "bg", "sr") else script
    alone = not said and " " not in form and known(form)
    if alone and not any(knows(form) for knows in others.values()):
        return default
    votes = _votes(form, default, known, others)
    if not votes:
        return said or default
    if not said and votes.keys() == {default}:
        return default
    if said:
        votes[said] = votes.get(said, 0) + LOCALE_VOTES
    best = max(votes, key=lambda code: (votes[code], code == said, code == default))
    if best == default or votes[best] >= LEAST_VOTES:
        return best
    if best in others and _known(_WORD.findall(form), best, others[best]):
        return best
    return said or default


def _votes(form: str, default: str, known: Knows, others: Mapping[str, Knows]) -> dict[str, float]:
    """How far the words and letters speak for each language; nothing if none but known words."""
    votes: dict[str, float] = {}
    words = _WORD.findall(form)
    if not _LOANED_FIRST.isdisjoint(words):
        words = _WORD.findall(_LOANED.sub(" ", form))
    own = 0.0
    for word in words:
        told = _VOTES.get(word, ())
        if known(word) or (default == "en" and word in _ENGLISH):
            own += 1.0
        elif not told and not word.isascii():
            told = _by_letters(word)
        for code, vote in told:
            votes[code] = votes.get(code, 0.0) + vote
    if own:
        votes[default] = votes.get(default, 0.0) + own
    for code, knows in others.items():
        if count := _known(words, code, knows):
            votes[code] = votes.get(code, 0.0) + count
    return votes


def _known(words: Sequence[str], code: str, knows: Knows) -> int:
    """How many words the lexicon of a language knows."""
    return sum(knows(word) or (code == "en" and word in _ENGLISH) for word in words)


def _by_letters(word: str) -> list[tuple[str, float]]:
    return [(code, 1.0) for letters, code in _LETTERS if any(c in letters for c in word)]


def _by_script(form: str) -> str | None:
    points = [ord(character) for character in form if ord(character) > 0x36F]
    return next(
        (code for first, last, code in SCRIPTS if any(first <= point <= last for point in points)),
        None,
    )


def _of_locale(locale: str | None) -> str | None:
    if not locale:
        return None
    tag = locale.replace("_", "-").split("-")[0].lower()
    return tag if tag.isascii() and tag.isalpha() and 2 <= len(tag) <= 3 else None
