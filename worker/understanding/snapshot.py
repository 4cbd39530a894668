"""What the queries of a batch are answered with: replaced as a whole, never changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from worker.config.languages import DEFAULT
from worker.errors import Reject
from worker.event import Enrichment
from worker.understanding.cache import Cache, Key, SeenQueries
from worker.understanding.computation import Computation
from worker.understanding.deadline import Deadline
from worker.understanding.language import Knows, language


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The models, lexicons, thresholds and limits of a batch, from its begin to its end.

    What a snapshot made is cached and joined in it alone; `after` carries it over when languages,
    models, lexicons and thresholds are unchanged.

    Attributes:
        computations: by entry: `DEFAULT` answers queries in `languages`, every other entry those
            in the language that it is named after.
        deadline: which events come too late.
        max_query_chars: longer queries, or normal forms, are rejected.
        max_event_bytes: larger records are rejected unread.
        cache, seen: what this one made, by normal form and by query as it came.
        pending: queries that are computed now.
    """

    computations: Mapping[str, Computation]
    default_language: str
    languages: frozenset[str]
    deadline: Deadline
    max_query_chars: int
    max_event_bytes: int
    cache: Cache
    seen: SeenQueries
    pending: dict[Key, asyncio.Future[Enrichment | Reject]] = field(default_factory=dict)

    @cached_property
    def by_language(self) -> Mapping[str, Computation]:
        """What answers the queries of each language; no other is served."""
        own = {entry: made for entry, made in self.computations.items() if entry != DEFAULT}
        return dict.fromkeys(self.languages, self.default) | own

    @property
    def default(self) -> Computation:
        return self.computations[DEFAULT]

    def language(self, form: str, locale: str | None) -> str:
        """The language of a normal form: ISO 639."""
        return language(form, locale, self.default_language, *self._knows)

    @cached_property
    def _knows(self) -> tuple[Knows, Mapping[str, Knows]]:
        """Which words the default lexicon knows, and which those of other languages."""
        knows = {entry: made.lexicon.knows for entry, made in self.computations.items()}
        return knows.pop(DEFAULT), knows

    @property
    def lexicon_versions(self) -> Mapping[str, str]:
        """Each lexicon's, by the setting that names it."""
        return {
            f"languages.{entry}.lexicon" if entry else "lexicon": made.lexicon.version
            for entry, made in self.computations.items()
        }

    def after(self, old: Snapshot) -> Snapshot:
        """This one in the place of `old`: takes over its `cache` and `pending` if both would answer
        alike.

        `seen` starts empty and is refilled from the cache. A change of the cache's size, or of
        `[logging]`, does not empty the cache.
        """
        if self._makes != old._makes:
            return self
        old.cache.resize(self.cache.capacity)
        return replace(self, cache=old.cache, pending=old.pending)

    @property
    def _makes(self) -> tuple[Any, ...]:
        """What decides how events of each language are answered."""
        made_by = {entry: (made.stages, made.expander) for entry, made in self.computations.items()}
        return self.default_language, self.languages, made_by
