"""Understands queries that the cache does not hold: intent ∥ encode → retrieve → match → enrich.

A complete enrichment is cached, a degraded one is not. No event holds answers of two versions of
one model.
"""

from __future__ import annotations

import asyncio
import logging
import random
from itertools import accumulate, pairwise, product
from time import monotonic

from worker.errors import ModelUnavailable, Reject
from worker.event import Enrichment
from worker.logs import fault, shown
from worker.metrics import Metrics
from worker.understanding.cache import Key
from worker.understanding.decide import Retrieved
from worker.understanding.snapshot import Snapshot
from worker.understanding.stage import Rows, Stage
from worker.understanding.versions import Versions

logger = logging.getLogger(__name__)

LONGEST_PAUSE_S = 0.05  # before a query is scored again that two versions scored together


class Computation:
    """The models' part of the way of an event; used from one event loop.

    Attributes:
        served: the versions whose cached enrichments may go out; another set when they change.
    """

    def __init__(self, intent: Stage, encoder: Stage, matching: Stage, metrics: Metrics) -> None:
        self._intent, self._encoder, self._matching = intent, encoder, matching
        self._versions = Versions(), Versions(), Versions()  # of intent, encoder and matching
        self.served: set[tuple[str, ...]] = set()
        self._retrieve_seconds = metrics.stage_seconds.labels("retrieve")
        self._enrich_seconds = metrics.stage_seconds.labels("enrich")

    @property
    def stages(self) -> tuple[Stage, Stage, Stage]:
        return self._intent, self._encoder, self._matching

    def servable(self, entry: Enrichment) -> bool:
        """Whether the versions that made a cached enrichment are those that are served now."""
        return entry.versions in self.served

    async def fill(self, keys: list[Key], snapshot: Snapshot) -> None:
        """Compute `keys` and resolve their futures, whatever happens."""
        cache, pending = snapshot.cache, snapshot.pending
        try:
            results = await self._compute_or_reject(keys, snapshot) if keys else []
        except BaseException:  # cancelled: those who joined the query were not
            for key in keys:
                future = pending.pop(key)
                future.set_exception(ModelUnavailable("stopped"))
                future.exception()  # nobody need have joined
            raise
        for key, result in zip(keys, results, strict=True):
            if isinstance(result, Enrichment) and not result.degraded:
                cache.put(key, result)
            pending.pop(key).set_result(result)

    async def _compute_or_reject(
        self, keys: list[Key], snapshot: Snapshot
    ) -> list[Enrichment | Reject]:
        """Like `_compute`; a query on which our own code fails is rejected, the others are not."""
        try:
            return await self._compute(keys, snapshot)
        except Exception as error:
            if len(keys) == 1:
                told = f"a fault of the worker itself ({fault(error)}); please report it"
                logger.exception("query %s: %s", shown(keys[0][0]), told)
                return [Reject("understanding", "internal_error", told)]
            middle = len(keys) // 2
            first = await self._compute_or_reject(keys[:middle], snapshot)
            return first + await self._compute_or_reject(keys[middle:], snapshot)

    async def _compute(self, keys: list[Key], snapshot: Snapshot) -> list[Enrichment | Reject]:
        expander, began = snapshot.expander, monotonic()
        forms = [form for form, _ in keys]
        intents, vectors = await asyncio.gather(self._intent.run(forms), self._encoder.run(forms))
        with self._retrieve_seconds.time():
            found = expander.retrieve(forms, vectors.values)
        groups = [expander.pairs(*item) for item in zip(forms, found, strict=True)]
        ends = list(accumulate(map(len, groups), initial=0))
        spans = [range(*ends) for ends in pairwise(ends)]
        scored = monotonic()
        scores = await self._score([pair for group in groups for pair in group], spans)
        self._note((intents, began), (vectors, began), (scores, scored))
        with self._enrich_seconds.time():
            rows = zip(keys, range(len(keys)), spans, found, strict=True)
            return [self._enrich(snapshot, *row, intents, vectors, scores) for row in rows]

    async def _score(self, pairs: list[tuple[str, str]], spans: list[range]) -> Rows:
        """The matching model's answers; those to the pairs of one span by one version of it.

        While two versions take turns, what they answered together is asked again.
        """
        scores = await self._matching.run(pairs)
        while mixed := [row for span in spans if _mixed(scores, span) for row in span]:
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))
            scores.replace(mixed, await self._matching.run([pairs[row] for row in mixed]))
        return scores

    def _note(self, *stages: tuple[Rows, float]) -> None:
        """Learn which versions are served, from answers to calls that began at the given times."""
        now, names, changed = monotonic(), self.stages, False
        for stage, versions, (rows, began) in zip(names, self._versions, stages, strict=True):
            before = versions.current
            if versions.saw({*rows.versions} - {""}, began, now):
                changed = True
                if before:
                    told = ", ".join(sorted(versions.current)) or "not known yet"
                    logger.info("%s: version served now: %s", stage.name, told)
        if changed:
            served = [versions.current | {""} for versions in self._versions]
            self.served = set(product(*served))

    def _enrich(
        self,
        snapshot: Snapshot,
        key: Key,
        row: int,
        pairs: range,
        found: Retrieved,
        intents: Rows,
        vectors: Rows,
        scores: Rows,
    ) -> Enrichment | Reject:
        refusals = [intents.rejected.get(row), vectors.rejected.get(row)]
        refusals += [scores.rejected.get(pair) for pair in pairs]
        for refusal in filter(None, refusals):
            return refusal
        without = {
            "intent": intents.missing(row),
            "encoder": vectors.missing(row),
            "matching": any(scores.missing(pair) for pair in pairs),
        }
        degraded = tuple(stage for stage, missing in without.items() if missing)
        matched = None if without["matching"] else scores.values[pairs.start : pairs.stop, 0]
        by_matching = scores.versions[pairs.start] if pairs and matched is not None else ""
        return snapshot.composer.enrichment(
            *key,
            None if without["intent"] else intents.values[row],
            snapshot.expander.select(found, matched),
            degraded,
            (intents.versions[row], vectors.versions[row], by_matching),
        )


def _mixed(rows: Rows, span: range) -> bool:
    """Whether versions of a model answered these rows together."""
    return len({*rows.versions[span.start : span.stop]} - {""}) > 1
