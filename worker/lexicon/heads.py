"""Which terms of a query name the thing that is asked for: "case" in "case for a phone".

The head is the last term before words such as "for" or "with". Behind it stand only a brand, a
model, values and words without a meaning of their own: the "gun" of "nail gun" is another thing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

from worker.lexicon.attributes import Attribute
from worker.lexicon.brands import NAMES
from worker.lexicon.head_words import (
    ABROAD,
    DEEDS,
    EMPTY,
    FOR_THINGS,
    HOLDERS,
    JOINED,
    LIKE,
    LIKE_PAIRS,
    LINKING,
    LOOSE,
    MEDIA,
    MINOR,
    OF_A_QUALITY,
    PLATFORMS,
    VERSIONS,
)
from worker.lexicon.negations import with_negation
from worker.lexicon.profile import SPLITS, USES
from worker.lexicon.reading import Reading
from worker.lexicon.terms import NO_TERM
from worker.lexicon.words import covered, meets, stem

_SPLITS_ABROAD = SPLITS | ABROAD


def heads(
    read: Reading, describes: Callable[[str], bool], names: Callable[[str], bool]
) -> list[int]:
    """Positions among the mentions of those that name what is asked for; none if it is unknown.

    Args:
        describes: whether a word may belong to the value of an attribute.
        names: whether a word ends a term, or is unknown.
    """
    words = read.words
    if not read.mentions:
        return []
    owner = {i: n for n, (first, last, _) in enumerate(read.places) for i in range(first, last)}
    attribute_words = _attribute_words(read)
    for first, last in _segments(read):
        if not any(_says(read, i, owner) for i in range(first, last)):
            continue
        found = _in_segment(read, first, last, owner, attribute_words, describes, names)
        holds = last < len(words) and words[last].key == "of" and words[last - 1].key in HOLDERS
        named = any(i in owner for i in range(first, last))
        if holds or not (named or _goes_on(read, last)):  # "bag of rice", "hello, any rice"
            continue
        return found or _before_names(read, first, last) or _medium(read, owner, named)
    return []


def _goes_on(read: Reading, last: int) -> bool:
    """Whether what follows a segment, if anything does, is no clause of its own."""
    words = read.words
    return last == len(words) or "," not in read.form[words[last - 1].end : words[last].start]


def _medium(read: Reading, owner: dict[int, int], named: bool) -> list[int]:
    """The last word, if it is what a title is sold as: the "book" of "c# for beginners book"."""
    last = len(read.words) - 1
    if named or last not in owner or read.words[last].key not in MEDIA:
        return []
    return [owner[last]] if read.words[last - 1].key not in SPLITS else []


def _says(read: Reading, i: int, owner: dict[int, int]) -> bool:
    """Whether a word says more than what a thing is like."""
    key = read.words[i].key
    return i in owner or not (key in EMPTY or key in LIKE)


def _before_names(read: Reading, first: int, last: int) -> list[int]:
    """A term of several words before others that are no thing for it: "bathroom rug fish"."""
    inside = [n for n, (start, end, _) in enumerate(read.places) if first <= start and end <= last]
    if len(inside) != 1:
        return []
    start, end, key = read.places[inside[0]]
    behind = [read.words[i].key for i in range(end, last)]
    beside = behind[:1] and behind[0] in JOINED  # "paint rollers and tray"
    for_another = not beside and any(_is_for(stem(word)) or word in DEEDS for word in behind)
    return inside if " " in key and not for_another else []


def naming(read: Reading) -> list[str]:
    """Stems of the words that may name what is asked for where no term does, the last first; none
    from one on that names a thing for another: "lamp", but not of "lamp base"."""
    for first, last in _segments(read):
        if any(_says(read, i, {}) for i in range(first, last)):
            words = [stem(word.key) for word in reversed(read.words[first:last])]
            words = [word for word in words if not (word in EMPTY or word in LIKE)]
            end = next((n for n, word in enumerate(words) if _is_for(word)), len(words))
            return words[: end + 1]
    return []


def named_brands(read: Reading) -> list[Attribute]:
    """The brands, or else the content, of which something is asked for, and no thing for them: the
    "lego" of "lego star wars", both of "dyson or bosch"; one of each."""
    names = [a for a in read.attributes if a.name in NAMES]
    brands = [a for a in names if a.name == "brand"] or names
    one = {brand.value: brand for brand in brands}
    return list(one.values()) if names and is_asked_for(read, names) else []


def is_asked_for(read: Reading, names: Sequence[Attribute]) -> bool:
    """Whether something of this name is asked for, and no thing for it."""
    others = [word for word in read.words if not meets(word, [(a.start, a.end) for a in names])]
    before = {word.key for word in others if word.start < names[0].start}
    return before.isdisjoint(_splits(read)) and not any(_is_for(stem(w.key)) for w in others)


def _is_for(word: str) -> bool:
    """Whether a stem names a thing for another, or what is done with one."""
    return word in FOR_THINGS or word in DEEDS


def apart(
    read: Reading, term_of: Callable[[str], int | None], describes: Callable[[str], bool]
) -> tuple[int, int] | None:
    """A term of two words whose parts stand apart: "iphone 11 pro case", "case for iphone".

    Returns:
        The position of its last word, and the term; None if there is none.
    """
    keys = [word.key for word in read.words]
    attribute_words = _attribute_words(read)
    named = {i for start, end, _ in read.places if end - start > 1 for i in range(start, end)}
    for first, last in _segments(read):
        i = last - 1
        while i >= first and (keys[i] in EMPTY or keys[i] in LIKE or i in attribute_words):
            i -= 1
        if i < first:
            continue
        for n in range(i - 1, first - 1, -1):
            if n in named and not _is_version(n, keys, named):  # "hair dye spray" is no hair spray
                break
            if (term := term_of(f"{keys[n]} {keys[i]}")) not in (None, NO_TERM):
                return i, term
            if not (n in attribute_words or _tells(keys[n], describes)):
                break
        else:
            for n in range(last + 1, len(keys)) if keys[last:] and keys[last] == "for" else ():
                if (term := term_of(f"{keys[n]} {keys[i]}")) not in (None, NO_TERM):
                    return i, term
                if not (n in attribute_words or keys[n] in EMPTY):
                    break
        return None
    return None


def turned(
    read: Reading,
    place: tuple[int, int, str],
    term_of: Callable[[str], int | None],
    is_value: Callable[[str], bool],
) -> tuple[int, int, int] | None:
    """A term whose words stand the other way round, with the word behind a mention first: "plants
    artificial".

    Args:
        place: of the mention: its first word, one past its last, and its key.
        is_value: whether a word is an attribute's, "women", and so belongs to no name.

    Returns:
        The term, where it starts and where it ends.
    """
    first, last, _ = place
    words = read.words
    if last == len(words) or words[last].start - words[last - 1].end != 1:
        return None
    behind = words[last]
    for n in range(first, last) if not is_value(behind.key) else ():
        if n > first and words[n - 1].key in USES:
            break  # "dog coat waterproof" is no waterproof coat
        term = term_of(" ".join(word.key for word in (behind, *words[n:last])))
        if term not in (None, NO_TERM):
            return term, words[n].start, behind.end
    return None


def _is_version(n: int, keys: Sequence[str], named: Collection[int]) -> bool:
    """Whether a word of a longer term belongs to a name with a version, "macbook pro"."""
    return keys[n] in VERSIONS or (n + 1 in named and keys[n + 1] in VERSIONS)


def _tells(key: str, describes: Callable[[str], bool]) -> bool:
    """Whether a word only says which one: "pro", "xr", "glitter"."""
    return key in VERSIONS or key in LIKE or describes(key) or not key.isalpha() or len(key) < 3


def _segments(read: Reading) -> list[tuple[int, int]]:
    """First and one past the last word of the parts between words such as "for"."""
    count = len(read.words)
    splits = _splits(read)
    if splits.isdisjoint([word.key for word in read.words]):
        return _clauses(read, 0, count)
    inside = {i for first, last, _ in read.places for i in range(first + 1, last)}
    behind = {last for _, last, _ in read.places}
    linked = any(word.key in LINKING for word in read.words)
    cuts = [
        i
        for i, word in enumerate(read.words)
        if word.key in splits
        and i not in inside
        and (word.key not in LOOSE or i in behind)
        and not (linked and word.key == "to")
        and (word.key not in ABROAD or _leads(read, i))
    ]
    spans = pairwise([-1, *cuts, count])
    return [part for before, last in spans for part in _clauses(read, before + 1, last)]


def _splits(read: Reading) -> Collection[str]:
    """The words that part a query, without those of other languages where it is English."""
    return _SPLITS_ABROAD if read.abroad else SPLITS


def _leads(read: Reading, i: int) -> bool:
    """Whether a word that English has, too, leads to what is behind it: not in "oven mit red"."""
    if i + 1 == len(read.words) or any(first == i for first, *_ in read.places):
        return False
    behind = read.words[i + 1]
    others = [(a.start, a.end) for a in read.attributes if a.name not in ("gender", "age", "price")]
    return behind.key not in EMPTY and not meets(behind, others)


def _clauses(read: Reading, first: int, last: int) -> list[tuple[int, int]]:
    """The parts between commas, if what stands behind them begins a sentence of its own."""
    if "," not in read.form:
        return [(first, last)]
    cuts = [
        i
        for i in range(first + 1, last)
        if "," in read.form[read.words[i - 1].end : read.words[i].start]
        and read.words[i].key in EMPTY
    ]
    return list(pairwise([first, *cuts, last]))


def _attribute_words(read: Reading) -> set[int]:
    """Positions of the words of attributes, of negations that are kept, and of exclusions with what
    negates them."""
    spans = [(span.start, span.end) for span in read.attributes] + [*read.kept_negations]
    found = {i for span in spans for i in range(*covered(read.words, *span))}
    for x in read.exclusions:
        found.update(range(*with_negation(read.words, x.start, x.end)))
    return found


def _in_segment(
    read: Reading,
    first: int,
    last: int,
    owner: dict[int, int],
    attribute_words: set[int],
    describes: Callable[[str], bool],
    names: Callable[[str], bool],
) -> list[int]:
    found: list[int] = []
    i = last - 1
    while i >= first:
        key = read.words[i].key
        if i in owner and not _only_tells(read, owner, attribute_words, first, i):
            found.append(owner[i])
            i = read.places[owner[i]][0] - 1
            while i >= first and read.words[i].key not in JOINED:  # what describes it
                comma = "," in read.form[read.words[i].end : read.words[i + 1].start]
                i -= 1
                if comma:
                    break
            if i >= first and read.words[i].key in JOINED:
                i -= 1
            continue
        ends = all(n in attribute_words for n in range(i + 1, last))
        if ends and i > first and (read.words[i - 1].key, key) in LIKE_PAIRS:
            i -= 2
            continue
        skipped = (
            i in attribute_words
            or key in EMPTY
            or key in LIKE
            or key in SPLITS
            or key in OF_A_QUALITY
            or describes(key)
            or not key.isalpha()
            or len(key) < 3  # a version: "iphone xr"
            or i in owner
        )
        if not skipped and (names(key) or key in DEEDS):
            break
        i -= 2 if key in OF_A_QUALITY and i - 1 not in owner else 1  # "mold resistant"
    return sorted(found)


def _only_tells(
    read: Reading, owner: dict[int, int], attribute_words: Collection[int], first: int, i: int
) -> bool:
    """Whether a term, up to word `i`, says something of another thing and is not asked for."""
    start, end, _ = read.places[owner[i]]
    if end < len(read.words) and (
        read.words[end].key in OF_A_QUALITY
        or read.form[read.words[end - 1].end : read.words[end].start] == "-"  # "wire-framed"
    ):
        return True
    if end - start > 1:
        return False
    key = read.words[i].key
    if key in PLATFORMS:
        return any(
            n not in attribute_words and read.words[n].key not in EMPTY for n in range(first, i)
        )
    if not any(n in owner for n in range(first, i)):
        return False
    return key in MINOR or i in attribute_words or (key in HOLDERS and i - 1 in attribute_words)
