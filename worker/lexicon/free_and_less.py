"""What a thing lacks by the word: "gluten and dairy free", "-less" in "boneless"."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from worker.lexicon.negations import (
    BEFORE_LESS,
    FREE,
    FREE_FROM,
    JOINED,
    LESS_SUFFIX,
    is_given,
    negation,
)
from worker.lexicon.words import Word, word_set

# Before "and", "or" they end a quality of another kind: "plant based and oil free".
_NO_LIST = word_set("free based friendly made certified")
# These make it a word of their own, though no shop need give them: "not sugar free gift basket".
_FREE_OF_NOTHING = word_set("""
    gift gifts sample samples standing range weight weights people press wifi app apps next with
    when on at today uk parking to for shop store stores games game online pattern patterns
    printable
""")
_FREE_TO = word_set("""
    not so for it is are get one a an the and or buy be go set you we they with completely totally
""")


def is_free_behind(form: str, found: Sequence[Word], i: int) -> bool:
    """Whether a word is the "free" behind what is lacking, not that of "free from"."""
    if found[i].key != FREE:
        return False
    hyphen = form[found[i].start - 1 : found[i].start] == "-"
    return hyphen or i + 1 == len(found) or found[i + 1].key not in FREE_FROM


def before_free(
    form: str, found: Sequence[Word], i: int, known: Callable[[str], bool]
) -> Iterator[tuple[int, int]]:
    """Start and end of what the "free" at word `i` says that a thing lacks.

    Args:
        known: whether a key is a term, an attribute's word or a brand.
    """
    if not i or found[i - 1].key in _FREE_TO or found[i - 1].key[0].isdigit():
        return
    keys = [word.key for word in found]
    if is_given(form, found, keys, i):
        return
    hyphen = form[found[i - 1].end : found[i].start] == "-"
    if not hyphen and i + 1 < len(found) and found[i + 1].key in _FREE_OF_NOTHING:
        return
    starts = (s for s in (i - 3, i - 2) if s >= 0 and known(" ".join(keys[s:i])))
    first = next(starts, i - 1)
    yield found[first].start, found[i - 1].end
    while first >= 2 and keys[first - 1] in JOINED and keys[first - 2] not in _NO_LIST:
        first -= 2
        yield found[first].start, found[first].end
    listed = first < i - 1
    while listed and first and form[found[first - 1].end : found[first].start] == ", ":
        first -= 1  # "soy, dairy and nut free"
        yield found[first].start, found[first].end


def before_less(
    found: Sequence[Word],
    named: Collection[int],
    kept: Collection[int],
    known: Callable[[str], bool],
    is_kept: Callable[[str], bool],
) -> Iterator[tuple[int, int]]:
    """Start and end of what words in -less say that a thing lacks.

    Args:
        named: words of phrases in which a negation keeps its meaning.
        kept: words of what is not to be lacking.
        known: whether a key is a term, an attribute's word or a brand.
        is_kept: whether a word in -less names a property of its own, as "wireless".
    """
    keys = [word.key for word in found]
    for i, (key, word) in enumerate(zip(keys, found, strict=True)):
        if not key.endswith(LESS_SUFFIX) or is_kept(key) or i in kept:
            continue
        if negation(keys, i) < i:
            continue  # "not sleeveless"
        stem = key[: -len(LESS_SUFFIX)]
        is_known = len(stem) > 2 and (known(stem) or known(stem + "s"))
        if stem in BEFORE_LESS or (is_known and i not in named):  # "seedless grapes" are a term
            yield word.start, word.end - len(LESS_SUFFIX)
