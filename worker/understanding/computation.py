"""Understands queries that the cache does not hold: intent ∥ (encode ∥ tag → retrieve → match) →
enrich. An intent model with tags is what tags.

A complete enrichment is cached, a degraded one is not. No event holds answers of two versions of
one model.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, pairwise, product
from time import monotonic

from worker.errors import ModelUnavailable, Reject
from worker.event import Enrichment, Tag
from worker.lexicon.correction import Correction
from worker.logs import fault, shown
from worker.metrics import Metrics
from worker.understanding.batching import Rows
from worker.understanding.cache import Key
from worker.understanding.decide import Retrieved
from worker.understanding.snapshot import Snapshot
from worker.understanding.stage import Stage
from worker.understanding.tagging import Tagger
from worker.understanding.tokenize import Row
from worker.understanding.versions import Versions

logger = logging.getLogger(__name__)

LONGEST_PAUSE_S = 0.05  # before a query is scored again that two versions scored together


class Computation:
    """The models' part of the way of an event; used from one event loop.

    Attributes:
        served: the versions whose cached enrichments may go out; another set when they change.
        stages: of intent, encoder and matching, then of tagging if there is a model of its own.
    """

    def __init__(
        self,
        intent: Stage,
        encoder: Stage,
        matching: Stage,
        metrics: Metrics,
        tagger: Tagger | None = None,
    ) -> None:
        self._intent, self._encoder, self._matching = intent, encoder, matching
        self._tagger = tagger
        self._own = [tagger.stage] if tagger and tagger.stage is not intent else []
        self.stages = (intent, encoder, matching, *self._own)
        self._versions = [Versions() for _ in self.stages]
        self.served: set[tuple[str, ...]] = set()
        self._tokenize_seconds = metrics.stage_seconds.labels("tokenize")
        self._retrieve_seconds = metrics.stage_seconds.labels("retrieve")
        self._enrich_seconds = metrics.stage_seconds.labels("enrich")

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
            if isinstance(result, Enrichment) and result.whole:
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
                message = f"a fault of the worker itself ({fault(error)}); please report it"
                logger.exception("query %s: %s", shown(keys[0][0]), message)
                return [Reject("understanding", "internal_error", message)]
            middle = len(keys) // 2
            first = await self._compute_or_reject(keys[:middle], snapshot)
            return first + await self._compute_or_reject(keys[middle:], snapshot)

    async def _compute(self, keys: list[Key], snapshot: Snapshot) -> list[Enrichment | Reject]:
        corrections = [snapshot.correction(form, language) for form, language in keys]
        forms = [
            fixed.query if fixed else form
            for fixed, (form, _) in zip(corrections, keys, strict=True)
        ]
        with self._tokenize_seconds.time():
            for texts in {stage.texts for stage in self.stages}:
                await texts.learn(forms)
        asking = asyncio.ensure_future(self._ask(self._intent, forms))
        (intents, asked), matched = await asyncio.gather(
            asking, self._matched(forms, snapshot, asking)
        )
        self._note((intents, asked), *matched.asked)
        with self._enrich_seconds.time():
            return self._enrich(snapshot, keys, corrections, intents, matched)

    async def _ask(self, stage: Stage, forms: list[str]) -> tuple[Rows, float]:
        """A model's answers, and when it was asked."""
        began = monotonic()
        return await stage.answers(stage.sequences.singles(forms)), began

    async def _matched(
        self, forms: list[str], snapshot: Snapshot, intents: Awaitable[tuple[Rows, float]]
    ) -> _Matched:
        """Candidates from the lexicon, and the matching model's scores of them."""
        (vectors, asked), *tagged = await asyncio.gather(
            *(self._ask(stage, forms) for stage in (self._encoder, *self._own))
        )
        by_intent = [await intents] if self._tagger and not self._own else []
        with self._retrieve_seconds.time():
            tags = self._tags(forms, *(rows for rows, _ in tagged or by_intent))
            found = snapshot.expander.retrieve(forms, vectors.values, tags)
        groups = [snapshot.expander.texts(item) for item in found]
        ends = list(accumulate(map(len, groups), initial=0))
        spans = [range(*ends) for ends in pairwise(ends)]
        with self._tokenize_seconds.time():
            rows = self._matching.sequences.pairs(forms, groups)
        began = monotonic()
        scores = await self._score(rows, spans)
        asked_all = ((vectors, asked), (scores, began), *tagged)
        return _Matched(found, spans, vectors, scores, [rows for rows, _ in tagged], asked_all)

    def _tags(self, forms: list[str], tagged: Rows | None = None) -> list[Sequence[Tag]]:
        if not self._tagger or tagged is None:
            return [()] * len(forms)
        return self._tagger.tags(forms, tagged)

    async def _score(self, rows: list[Row], spans: list[range]) -> Rows:
        """The matching model's answers; those to the pairs of one span by one version of it.

        While two versions take turns, what they answered together is asked again.
        """
        scores = await self._matching.answers(rows)
        while mixed := _mixed(scores, spans):
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))
            scores.replace(mixed, await self._matching.answers([rows[row] for row in mixed]))
        return scores

    def _note(self, *stages: tuple[Rows, float]) -> None:
        """Learn which versions are served, from answers to calls that began at the given times."""
        now, names, changed = monotonic(), self.stages, False
        for stage, versions, (rows, began) in zip(names, self._versions, stages, strict=True):
            before = versions.current
            if versions.saw({*rows.versions} - {""}, began, now):
                changed = True
                if before:
                    current = ", ".join(sorted(versions.current)) or "not known yet"
                    logger.info("%s: version served now: %s", stage.name, current)
        if changed:
            served = [versions.current | {""} for versions in self._versions]
            self.served = set(product(*served))

    def _enrich(
        self,
        snapshot: Snapshot,
        keys: list[Key],
        corrections: list[Correction | None],
        intents: Rows,
        matched: _Matched,
    ) -> list[Enrichment | Reject]:
        vectors, scores = matched.vectors, matched.scores
        probabilities, values = intents.values.tolist(), scores.values[:, 0].tolist()
        others = (intents, vectors, *matched.tagged)
        some_rejected = any(rows.rejected for rows in (*others, scores))
        results: list[Enrichment | Reject] = []
        for row, (key, correction, found, span) in enumerate(
            zip(keys, corrections, matched.found, matched.spans, strict=True)
        ):
            if some_rejected and (refusal := _refusal(row, span, others, scores)):
                results.append(refusal)
                continue
            by_matching = scores.versions[span.start : span.stop]
            without = (
                intents.missing(row),
                vectors.missing(row),
                "" in by_matching,
                *(rows.missing(row) for rows in matched.tagged),
            )
            labels = (
                None if without[0] else snapshot.composer.labels(probabilities[row], found.plain)
            )
            results.append(
                snapshot.composer.enrichment(
                    key,
                    correction,
                    found.read,
                    labels,
                    snapshot.expander.select(
                        found,
                        None if without[2] else values[span.start : span.stop],
                        labels and labels["intent"]["label"],
                    ),
                    tuple(compress(snapshot.composer.stages, without)),
                    (
                        intents.versions[row],
                        vectors.versions[row],
                        by_matching[0] if by_matching and not without[2] else "",
                        *(rows.versions[row] for rows in matched.tagged),
                    ),
                )
            )
        return results


@dataclass(frozen=True, slots=True)
class _Matched:
    """Retrieval and matching of n queries.

    Attributes:
        spans: of each query, its rows in `scores`.
        tagged: the answers of a tagging model of its own; [] without it.
        asked: the answers of all but the intent model, and when they were asked.
    """

    found: list[Retrieved]
    spans: list[range]
    vectors: Rows
    scores: Rows
    tagged: list[Rows]
    asked: tuple[tuple[Rows, float], ...]


def _refusal(row: int, span: range, others: Sequence[Rows], scores: Rows) -> Reject | None:
    """Why a query, or one of its pairs, can never be answered; None if it was not rejected."""
    refusals = [rows.rejected.get(row) for rows in others]
    refusals += [scores.rejected.get(pair) for pair in span]
    return next(filter(None, refusals), None)


def _mixed(rows: Rows, spans: list[range]) -> list[int]:
    """The rows of spans that several versions of a model answered together."""
    if len({*rows.versions} - {""}) < 2:
        return []
    return [
        row
        for span in spans
        if len({*rows.versions[span.start : span.stop]} - {""}) > 1
        for row in span
    ]
