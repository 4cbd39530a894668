"""Why other names of what a query names are no candidates for its expansion."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
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
    """The other names of the terms in a query that are no candidates, each with why.

    Args:
        heads: the terms that name what is asked for.
        proposed: texts of the candidates.
    """
    found, protection = [], Protection(lexicon, read, heads)
    for part, reason in _parts(lexicon, read, heads):
        for name in lexicon.names(part.term_id):
            refusal = protection.refusal(name, "synonym", part.term_id, part.surface)
            if name not in proposed and refusal != SAID:
                found.append(HeldBack(part.surface, name, reason or refusal or LEFT_OUT))
    return list(dict.fromkeys(found))


def _parts(
    lexicon: Lexicon, read: Reading, heads: Sequence[Mention]
) -> Iterator[tuple[Mention, str]]:
    """What has other names, and why none of them counts, "" if they do."""
    for head in heads:
        yield lexicon.renamable(head), ""
    if heads:
        return
    without_tags = lexicon.heads(lexicon.read(read.form)) if read.things else ()
    for mention in read.mentions:
        yield lexicon.renamable(mention), BY_TAGS if mention in without_tags else NOT_ASKED_FOR
    for brand in (a for a in read.attributes if a.name == BRAND):
        surface = read.form[brand.start : brand.end]
        term_id = lexicon.term_of(surface)
        if term_id is not None and not any(m.start == brand.start for m in read.mentions):
            yield Mention(term_id, surface, brand.start, brand.end), BRAND
