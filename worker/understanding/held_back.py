"""Why other names of what a query names are no candidates for its expansion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from worker.lexicon.lexicon import Lexicon
from worker.lexicon.reading import Mention, Reading
from worker.understanding.protect import SAID, Protection

NOT_ASKED_FOR = "not what is asked for"
BY_TAGS = "not what is asked for, by the tags"
BRAND = "brand"  # the words are a brand's name, so no term
LEFT_OUT = "more than understanding.max_candidates"


class HeldBack(NamedTuple):
    """A name that might have been a candidate.

    Attributes:
        term: in the query, as the query has it.
    """

    term: str
    name: str
    reason: str


def held_back(
    lexicon: Lexicon, read: Reading, heads: Sequence[Mention], proposed: Collection[str] = ()
) -> list[HeldBack]:
    """The other names of the terms in a query that are no candidates, each with why; those of what
    is not asked for only where what is asked for has none.

    Args:
        heads: the terms that name what is asked for.
        proposed: texts of the candidates.
    """
    protection = Protection(lexicon, read, heads)

    def refused(parts: Iterable[tuple[Mention, str]]) -> list[HeldBack]:
        found = []
        for part, reason in parts:
            for name in lexicon.names(part.term_id):
                refusal = protection.refusal(name, "synonym", part.term_id, part.surface)
                if name not in proposed and refusal != SAID:
                    found.append(HeldBack(part.surface, name, reason or refusal or LEFT_OUT))
        return list(dict.fromkeys(found))

    found = refused((lexicon.renamable(head), "") for head in heads)
    return found if found or proposed else refused(_others(lexicon, read, heads))


def _others(
    lexicon: Lexicon, read: Reading, heads: Sequence[Mention]
) -> Iterator[tuple[Mention, str]]:
    """What else has names, and why none of them counts."""
    without_tags = lexicon.heads(lexicon.read(read.form)) if read.things else ()
    for mention in (one for one in read.mentions if one not in heads):
        yield lexicon.renamable(mention), BY_TAGS if mention in without_tags else NOT_ASKED_FOR
    for brand in (a for a in read.attributes if a.name == BRAND):
        surface = read.form[brand.start : brand.end]
        term_id = lexicon.term_of(surface)
        if term_id is not None and not any(m.start == brand.start for m in read.mentions):
            yield Mention(term_id, surface, brand.start, brand.end), BRAND
