"""Things that share a name with what stands beside them: the drill battery of "battery for my
drill", the dog beds of "dog and cat bed"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from worker.lexicon.head_words import EMPTY, JOINED
from worker.lexicon.profile import SPLITS
from worker.lexicon.reading import Mention, Reading
from worker.lexicon.words import covered, meets

MOST_WORDS = 4  # in the name of what a thing is for


def for_another(read: Reading, thing: Mention, term_of: Callable[[str], int | None]) -> int:
    """The term of a thing with what it is for, "drill battery" for a "battery for my drill"; the
    thing's own where there is none.

    What it is for is named by all the words behind "for", or by the last of them, but for those
    that only tell which one: a "chair for high school" is no high chair.
    """
    keys = [word.key for word in read.words]
    behind = covered(read.words, thing.start, thing.end)[1] + 1
    if behind >= len(keys) or keys[behind - 1] != "for":
        return thing.term_id
    persons = [(a.start, a.end) for a in read.attributes if a.name in ("gender", "age")]
    others = [(a.start, a.end) for a in read.attributes]
    words = enumerate(read.words[behind:], behind)
    end = next((n for n, word in words if word.key in SPLITS or meets(word, persons)), len(keys))
    while end > behind:
        for first in range(max(behind, end - MOST_WORDS), end):
            if (term := term_of(" ".join([*keys[first:end], thing.surface]))) is not None:
                return term
        end -= 1
        if not (keys[end] in EMPTY or meets(read.words[end], others)):  # "iphone 11"
            break
    return thing.term_id


def sharing_ends(
    read: Reading, found: Sequence[Mention], term_of: Callable[[str], int | None]
) -> list[Mention]:
    """What stands before "and" and shares the last word of a head, or lends it the first: the dog
    beds of "dog and cat bed", the phone of "phone and case".

    Args:
        found: the heads.
    """
    keys = [word.key for word in read.words]
    sharing: list[Mention] = []
    for mention in found if not JOINED.isdisjoint(keys) else ():
        first, last = covered(read.words, mention.start, mention.end)
        if first < 2 or keys[first - 1] not in JOINED:
            continue
        word = read.words[first - 2]
        if meets(word, [(other.start, other.end) for other in found]):
            continue  # "washer and spin dryer"
        if mention not in read.mentions and last - first == 1:
            own = term_of(word.key)
            term = mention.term_id if own is None else own
        else:
            term = term_of(f"{word.key} {keys[last - 1]}") if last - first > 1 else None
            if term is None:
                continue
        sharing.append(Mention(term, read.form[word.start : word.end], word.start, word.end))
    return sharing
