"""Which part of a mention has another name, by which a search finds the same things."""

from __future__ import annotations

from collections.abc import Callable

from worker.lexicon.profile import Stemmed
from worker.lexicon.reading import Mention
from worker.lexicon.terms import Terms
from worker.lexicon.words import words

Stems = Callable[[str], Stemmed]


def has_other_name(terms: Terms, stemmed: Stems, term_id: int, surface: str) -> bool:
    """Whether a term that stands in a query as `surface` has a name with other words."""
    said = stemmed(surface).stems
    return any(not stemmed(text).stems <= said for text in terms.names(term_id))


def broader_part(terms: Terms, stemmed: Stems, mention: Mention) -> Mention | None:
    """The longest end of a mention that is a broader term with another name ("tv" of "50 inch tv"),
    or what stands in it before "for"; None without one."""
    line, found = {*terms.upwards(mention.term_id)}, words(mention.surface)
    parts = [(k, len(found)) for k in range(1, len(found))]
    parts += [(0, k) for k, word in enumerate(found) if k and word.key == "for"]
    for first, last in parts:
        term_id = terms.term_of(" ".join(word.key for word in found[first:last]))
        start, end = found[first].start, found[last - 1].end
        surface = mention.surface[start:end]
        if term_id in line and has_other_name(terms, stemmed, term_id, surface):
            return Mention(term_id, surface, mention.start + start, mention.start + end)
    return None
