"""What an enrichment is made with, other than the models: replaced as a whole, never changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from worker.errors import Reject
from worker.event import Enrichment
from worker.lexicon.correction import Correction
from worker.understanding.cache import Cache, Key, SeenQueries
from worker.understanding.deadline import Deadline
from worker.understanding.decide import Expander
from worker.understanding.enrichment import Composer
from worker.understanding.language import language


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The lexicon, thresholds and limits of a batch, from its begin to its end.

    What one snapshot made is cached in it and joined in it alone: after a reload, nothing of the
    old one is served or kept.

    Attributes:
        deadline: which events come too late.
        languages: those that the models and the lexicon serve.
        max_query_chars: longer queries, or normal forms, are rejected.
        max_event_bytes: larger records are rejected unread.
        cache, seen: what this one made, by normal form and by query as it came.
        pending: queries that are computed now.
    """

    expander: Expander
    composer: Composer
    deadline: Deadline
    default_language: str
    languages: frozenset[str]
    max_query_chars: int
    max_event_bytes: int
    cache: Cache
    seen: SeenQueries
    pending: dict[Key, asyncio.Future[Enrichment | Reject]] = field(default_factory=dict)

    def language(self, form: str, locale: str | None) -> str:
        """The language of a normal form: ISO 639."""
        return language(form, locale, self.default_language, self.expander.lexicon.knows)

    def correction(self, form: str, language: str) -> Correction | None:
        """A normal form put right, if it is surely misspelt; the lists of words are English."""
        return self.expander.lexicon.correct(form) if language == "en" else None

    @property
    def lexicon_version(self) -> str:
        return self.expander.lexicon.version

    def after(self, old: Snapshot) -> Snapshot:
        """This one in the place of `old`: what that one made is kept if this would make the same.

        A change of the cache's size, or of the log, does not empty the cache.
        """
        mine, theirs = self.expander, old.expander
        own = self.default_language, self.languages
        if mine != theirs or own != (old.default_language, old.languages):
            return self
        old.cache.resize(self.cache.capacity)
        return replace(self, cache=old.cache, pending=old.pending)
