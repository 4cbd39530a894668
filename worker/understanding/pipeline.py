"""The way of an event: decode → normalize → cache → tokenize → intent ∥ encode → retrieve → match →
enrich.

Equal queries in flight are computed once; a complete enrichment is cached, a degraded one is not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from worker import __version__
from worker.errors import ModelUnavailable, Reject
from worker.events import (
    SCHEMA_VERSION,
    Enrichment,
    Event,
    Input,
    decode,
    empty_query,
    query_too_long,
)
from worker.logs import fault, shown
from worker.metrics import Metrics
from worker.understanding.cache import Cache, Key
from worker.understanding.expansion import Expander, Retrieved
from worker.understanding.normalize import language, normal_form
from worker.understanding.stage import Rows, Stage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Output:
    """One understood event.

    Attributes:
        value: the output event, JSON bytes.
    """

    value: bytes
    enrichment: Enrichment


class Pipeline:
    """Understands queries, many at once; used from one event loop."""

    def __init__(
        self,
        intent: Stage,
        encoder: Stage,
        matching: Stage,
        expander: Expander,
        labels: Sequence[str],
        cache: Cache,
        default_language: str,
        max_query_chars: int,
        max_event_bytes: int,
        metrics: Metrics,
    ) -> None:
        self._intent, self._encoder, self._matching = intent, encoder, matching
        self._expander = expander
        self._labels = list(labels)
        self._cache = cache
        self._default_language = default_language
        self._max_query_chars = max_query_chars
        self._max_event_bytes = max_event_bytes
        self._versions = [""] * 3  # last seen of intent, encoder and matching
        self._exchanges = 0  # how often one of them changed
        self._pending: dict[Key, asyncio.Future[Enrichment | Reject]] = {}
        self._lookups = {
            result: metrics.cache.labels(result) for result in ("hit", "miss", "joined")
        }
        self._entries = metrics.cache_entries
        self._decode_seconds = metrics.stage_seconds.labels("decode")
        self._retrieve_seconds = metrics.stage_seconds.labels("retrieve")
        self._enrich_seconds = metrics.stage_seconds.labels("enrich")

    async def process(self, inputs: Sequence[Input]) -> list[Output | Reject]:
        """One output, or the reason why there is none, for each input, in order."""
        with self._decode_seconds.time():
            decoded = [self._decode(item) for item in inputs]
        understood = iter(await self._understand([key for key, _ in filter(_accepted, decoded)]))
        now_ms = time.time_ns() // 1_000_000
        results: list[Output | Reject] = []
        for item in decoded:
            result, cached = (item, False) if isinstance(item, Reject) else next(understood)
            if not isinstance(result, Reject):
                result = Output(result.splice(item[1], cached, now_ms), result)
            results.append(result)
        return results

    def _decode(self, item: Input) -> tuple[Key, Event] | Reject:
        try:
            event = decode(item, self._max_query_chars, self._max_event_bytes)
        except Reject as error:
            return error
        form = normal_form(event.query)
        if not form:
            return empty_query()
        if len(form) > self._max_query_chars:  # one character may become eighteen
            return query_too_long(len(form), self._max_query_chars)
        return (form, language(form, event.locale, self._default_language)), event

    async def _understand(self, keys: list[Key]) -> list[tuple[Enrichment | Reject, bool]]:
        """The enrichment of each key, and whether it came from the cache."""
        hits: dict[Key, Enrichment] = {}
        waits: dict[Key, asyncio.Future[Enrichment | Reject]] = {}
        own: list[Key] = []
        for key in keys:
            if entry := hits.get(key) or self._cache.get(key):
                hits[key] = entry
                self._lookups["hit"].inc()
            elif key in self._pending:
                waits[key] = self._pending[key]
                self._lookups["joined"].inc()
            else:
                waits[key] = self._pending[key] = asyncio.get_running_loop().create_future()
                own.append(key)
                self._lookups["miss"].inc()
        await self._fill(own)
        if waits:  # unlike `gather`, this leaves shared futures alone when we are cancelled
            await asyncio.wait(waits.values())
        return [(hits[key], True) if key in hits else (waits[key].result(), False) for key in keys]

    async def _fill(self, keys: list[Key]) -> None:
        """Compute `keys` and resolve their futures, whatever happens."""
        exchanges = self._exchanges
        try:
            results = await self._compute_or_reject(keys) if keys else []
        except BaseException:  # cancelled: those who joined the query were not
            for key in keys:
                future = self._pending.pop(key)
                future.set_exception(ModelUnavailable("stopped"))
                future.exception()  # nobody need have joined
            raise
        current = exchanges == self._exchanges  # else some of it is an older version's
        for key, result in zip(keys, results, strict=True):
            if current and isinstance(result, Enrichment) and not result.degraded:
                self._cache.put(key, result)
            self._pending.pop(key).set_result(result)
        self._entries.set(len(self._cache))

    async def _compute_or_reject(self, keys: list[Key]) -> list[Enrichment | Reject]:
        """Like `_compute`; a query on which our own code fails is rejected, the others are not."""
        try:
            return await self._compute(keys)
        except Exception as error:
            if len(keys) == 1:
                told = f"a fault of the worker itself ({fault(error)}); please report it"
                logger.exception("query %s: %s", shown(keys[0][0]), told)
                return [Reject("understanding", "internal_error", told)]
            middle = len(keys) // 2
            halves = keys[:middle], keys[middle:]
            return [item for half in halves for item in await self._compute_or_reject(half)]

    async def _compute(self, keys: list[Key]) -> list[Enrichment | Reject]:
        forms = [form for form, _ in keys]
        intents, vectors = await asyncio.gather(self._intent.run(forms), self._encoder.run(forms))
        with self._retrieve_seconds.time():
            found = self._expander.retrieve(forms, vectors.values)
        pairs = [self._expander.pairs(*item) for item in zip(forms, found, strict=True)]
        scores = await self._score([pair for group in pairs for pair in group])
        self._forget_other_versions(intents, vectors, scores)
        with self._enrich_seconds.time():
            results, start = [], 0
            for row, key in enumerate(keys):
                span = range(start, start := start + len(pairs[row]))
                results.append(self._enrich(key, row, span, intents, vectors, scores, found[row]))
            return results

    async def _score(self, pairs: list[tuple[str, str]]) -> Rows:
        """The matching model's answers: once more if it was exchanged while it gave them.

        No event may hold scores of two versions.
        """
        scores = await self._matching.run(pairs)
        if len({*scores.versions} - {""}) > 1:
            scores = await self._matching.run(pairs)
        return scores

    def _forget_other_versions(self, *stages: Rows) -> None:
        """Empty the cache when a model answers with another version than before."""
        for stage, rows in enumerate(stages):
            for version in {*rows.versions} - {"", self._versions[stage]}:
                if self._versions[stage]:
                    logger.info("a model changed to version %s: the cache is emptied", version)
                    self._cache.clear()
                    self._exchanges += 1
                self._versions[stage] = version

    def _enrich(
        self,
        key: Key,
        row: int,
        pairs: range,
        intents: Rows,
        vectors: Rows,
        scores: Rows,
        found: Retrieved,
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
        form, code = key
        matched = None if without["matching"] else scores.values[pairs.start : pairs.stop, 0]
        intent = None if without["intent"] else self._intent_of(intents.values[row])
        body = {
            "schema_version": SCHEMA_VERSION,
            "normalized_query": form,
            "language": code,
            "intent": intent,
            **self._expander.select(found, matched),
            "attributes": self._expander.lexicon.attributes(form),
            "status": "degraded" if degraded else "complete",
            "degraded": degraded,
            "provenance": {
                "worker": __version__,
                "intent": _made_by("intent", intents.versions[row]),
                "encoder": _made_by("encoder", vectors.versions[row]),
                "matching": _made_by("matching", scores.versions[pairs.start] if pairs else ""),
                "lexicon": self._expander.lexicon.version,
            },
        }
        # Open at the end: each event adds its own `cached` flag and time.
        encoded = orjson.dumps(body)[1:-2] + b',"cached":'
        return Enrichment(encoded, intent["label"] if intent else None, degraded)

    def _intent_of(self, probabilities: Any) -> dict[str, Any]:
        scores = [round(float(p), 4) for p in probabilities]
        best = max(range(len(scores)), key=scores.__getitem__)
        return {
            "label": self._labels[best],
            "confidence": scores[best],
            "scores": dict(zip(self._labels, scores, strict=True)),
        }


def _accepted(item: tuple[Key, Event] | Reject) -> bool:
    return not isinstance(item, Reject)


def _made_by(model: str, version: str) -> str | None:
    return f"{model}:{version}" if version else None
