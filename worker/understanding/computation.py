"""Understands queries that the cache does not hold: correct → tokenize → intent ∥ (encode ∥ tag →
retrieve → match) → enrich.

Tags come from the tagging model; without one from an intent model that has tags, and then retrieval
waits for intent.
There is one computation for each language with models or a lexicon of its own, and one for all
others. No event holds answers of two versions of one model.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, pairwise, repeat
from time import monotonic

from worker.errors import Reject
from worker.event import Enrichment
from worker.lexicon.correction import Correction
from worker.lexicon.lexicon import Lexicon
from worker.logs import fault, shown
from worker.metrics import Metrics
from worker.understanding.batching import StageAnswers
from worker.understanding.cache import Key
from worker.understanding.decide import Expander, Retrieved
from worker.understanding.enrichment import Composer
from worker.understanding.stage import Stage
from worker.understanding.stages import Stages
from worker.understanding.tokenize import Row

logger = logging.getLogger(__name__)

LONGEST_PAUSE_S = 0.05  # before a query is scored again that two versions scored together


class Computation:
    """What answers queries: models and a lexicon; used from one event loop.

    Attributes:
        stages: ask the models.
        expander, composer: hold the lexicon, and decide what is published.
    """

    def __init__(
        self, stages: Stages, expander: Expander, composer: Composer, metrics: Metrics
    ) -> None:
        self.stages, self.expander, self.composer = stages, expander, composer
        self._tokenize_seconds = metrics.stage_seconds.labels("tokenize")
        self._retrieve_seconds = metrics.stage_seconds.labels("retrieve")
        self._enrich_seconds = metrics.stage_seconds.labels("enrich")

    @property
    def lexicon(self) -> Lexicon:
        return self.expander.lexicon

    def servable(self, entry: Enrichment) -> bool:
        """Whether the versions that made a cached enrichment are those that are served now."""
        return entry.versions in self.stages.served

    async def compute(self, keys: list[Key]) -> list[Enrichment | Reject]:
        """What is found for each key; one on which our own code fails is rejected by itself."""
        try:
            return await self._compute(keys)
        except Exception as error:
            if len(keys) == 1:
                message = f"a fault of the worker itself ({fault(error)}); please report it"
                logger.exception("query %s: %s", shown(keys[0][0]), message)
                return [Reject("understanding", "internal_error", message)]
            middle = len(keys) // 2
            return await self.compute(keys[:middle]) + await self.compute(keys[middle:])

    async def _compute(self, keys: list[Key]) -> list[Enrichment | Reject]:
        corrections = [corrected(self.lexicon, *key) for key in keys]
        forms = [
            fixed.query if fixed else form
            for fixed, (form, _) in zip(corrections, keys, strict=True)
        ]
        with self._tokenize_seconds.time():
            for tokenizer in {stage.tokenizer for stage in self.stages.all}:
                await tokenizer.prepare(forms)
        asking = asyncio.ensure_future(self._ask(self.stages.intent, forms))
        (intents, asked_at), matched = await asyncio.gather(asking, self._matched(forms, asking))
        answered = zip(matched.answers, matched.asked_at, strict=True)
        self._observe_versions((intents, asked_at), *answered)
        with self._enrich_seconds.time():
            return self._enrich(keys, corrections, intents, matched)

    async def _ask(self, stage: Stage, forms: list[str]) -> tuple[StageAnswers, float]:
        """A model's answers, and when it was asked."""
        asked_at = monotonic()
        return await stage.answers(stage.sequences.singles(forms)), asked_at

    async def _matched(
        self, forms: list[str], intents: Awaitable[tuple[StageAnswers, float]]
    ) -> _Matched:
        """Candidates from the lexicon, and the matching model's scores of them."""
        stages = self.stages
        (vectors, asked_at), *tagged = await asyncio.gather(
            *(self._ask(stage, forms) for stage in (stages.encoder, *stages.tagging))
        )
        if stages.tagger:
            tag_answers, _ = tagged[0] if tagged else await intents
        with self._retrieve_seconds.time():
            tags = stages.tagger.tags(forms, tag_answers) if stages.tagger else repeat(())
            found = self.expander.retrieve(forms, vectors.values, tags)
        groups = [self.expander.texts(item) for item in found]
        ends = list(accumulate(map(len, groups), initial=0))
        spans = [range(*ends) for ends in pairwise(ends)]
        with self._tokenize_seconds.time():
            rows = self.stages.matching.sequences.pairs(forms, groups)
        matching_asked_at = monotonic()
        scores = await self._score(rows, spans)
        times = asked_at, matching_asked_at, *(at for _, at in tagged)
        return _Matched(found, spans, vectors, scores, [rows for rows, _ in tagged], times)

    async def _score(self, rows: list[Row], spans: list[range]) -> StageAnswers:
        """The matching model's answers; those to the pairs of one span by one version of it.

        While two versions take turns, what they answered together is asked again.
        """
        matching = self.stages.matching
        scores = await matching.answers(rows)
        while mixed := _mixed(scores, spans):
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))
            scores.replace(mixed, await matching.answers([rows[row] for row in mixed]))
        return scores

    def _observe_versions(self, *answers: tuple[StageAnswers, float]) -> None:
        """Learn which versions are served, from answers and when the models were asked for them."""
        now = monotonic()
        for stage, (rows, asked_at) in zip(self.stages.all, answers, strict=True):
            before = stage.versions.current
            if stage.versions.saw({*rows.versions} - {""}, asked_at, now) and before:
                current = ", ".join(sorted(stage.versions.current)) or "not known yet"
                logger.info("%s: version served now: %s", stage.name, current)

    def _enrich(
        self,
        keys: list[Key],
        corrections: list[Correction | None],
        intents: StageAnswers,
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
                None
                if without[0]
                else self.composer.labels(probabilities[row], found.names_a_product)
            )
            results.append(
                self.composer.enrichment(
                    key,
                    correction,
                    found.read,
                    labels,
                    self.expander.select(
                        found,
                        None if without[2] else values[span.start : span.stop],
                        labels and labels["intent"]["label"],
                    ),
                    tuple(compress(self.composer.stages, without)),
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
        asked_at: when the encoder, the matching model and a tagging model were asked.
    """

    found: list[Retrieved]
    spans: list[range]
    vectors: StageAnswers
    scores: StageAnswers
    tagged: list[StageAnswers]
    asked_at: tuple[float, ...]

    @property
    def answers(self) -> tuple[StageAnswers, ...]:
        """Of all models but that for intents."""
        return self.vectors, self.scores, *self.tagged


def corrected(lexicon: Lexicon, form: str, language: str) -> Correction | None:
    """A normal form put right, if it is likely to be misspelt; the lists of words are English."""
    return lexicon.correct(form) if language == "en" else None


def _refusal(
    row: int, span: range, others: Sequence[StageAnswers], scores: StageAnswers
) -> Reject | None:
    """Why a query, or one of its pairs, can never be answered; None if it was not rejected."""
    refusals = [rows.rejected.get(row) for rows in others]
    refusals += [scores.rejected.get(pair) for pair in span]
    return next(filter(None, refusals), None)


def _mixed(rows: StageAnswers, spans: list[range]) -> list[int]:
    """The rows of spans that several versions of a model answered together."""
    if len({*rows.versions} - {""}) < 2:
        return []
    return [
        row
        for span in spans
        if len({*rows.versions[span.start : span.stop]} - {""}) > 1
        for row in span
    ]
