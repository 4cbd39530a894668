"""The way of an event: decode → normalize → cache → tokenize → intent ∥ encode → retrieve → match →
enrich.

Equal queries in flight are computed once; a complete enrichment is cached, a degraded one is not.
A batch keeps to the snapshot that it began with, and no event holds answers of two versions of one
model. An event that comes too late is skipped, or gets what needs no model (and what the cache
holds).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, product
from time import monotonic

from worker.config.settings import Policies
from worker.errors import ModelUnavailable, Reject
from worker.event import Enrichment, Event, Input, decode, empty_query, query_too_long
from worker.logs import fault, shown
from worker.metrics import Metrics
from worker.understanding.cache import Key
from worker.understanding.decide import Retrieved
from worker.understanding.normalize import language, normal_form
from worker.understanding.snapshot import Snapshot
from worker.understanding.stage import Rows, Stage
from worker.understanding.versions import Versions

logger = logging.getLogger(__name__)

LONGEST_PAUSE_S = 0.05  # before a query is scored again that two versions scored together


@dataclass(frozen=True, slots=True)
class Output:
    """One understood event.

    Attributes:
        value: the output event, JSON bytes.
    """

    value: bytes
    enrichment: Enrichment


@dataclass(frozen=True, slots=True)
class Skipped:
    """An event that came too late, and of which nothing is published."""


Result = Output | Reject | Skipped


class Pipeline:
    """Understands queries, many at once; used from one event loop.

    Attributes:
        snapshot: what the next batch is understood with; `use` replaces it.
    """

    def __init__(
        self,
        intent: Stage,
        encoder: Stage,
        matching: Stage,
        snapshot: Snapshot,
        metrics: Metrics,
    ) -> None:
        self._intent, self._encoder, self._matching = intent, encoder, matching
        self.snapshot = snapshot
        self._versions = Versions(), Versions(), Versions()  # of intent, encoder and matching
        self._served: set[tuple[str, ...]] = set()  # versions whose cached enrichments may go out
        self._lookups = {
            result: metrics.cache.labels(result) for result in ("hit", "miss", "joined")
        }
        self._entries = metrics.cache_entries
        self._late = {
            outcome: metrics.late.labels(outcome) for outcome in ("processed", "passed", "skipped")
        }
        self._decode_seconds = metrics.stage_seconds.labels("decode")
        self._retrieve_seconds = metrics.stage_seconds.labels("retrieve")
        self._enrich_seconds = metrics.stage_seconds.labels("enrich")

    @property
    def stages(self) -> tuple[Stage, Stage, Stage]:
        return self._intent, self._encoder, self._matching

    @property
    def away(self) -> list[str]:
        """The models that do not answer now, as far as is known."""
        return [stage.name for stage in self.stages if stage.guard.away]

    async def process(self, inputs: Sequence[Input]) -> list[Result]:
        """One output, or the reason why there is none, for each input, in order."""
        snapshot = self.snapshot
        with self._decode_seconds.time():
            begun_ms = _now_ms()
            decoded = [self._decode(item, begun_ms, snapshot) for item in inputs]
        waiting = [item[0] for item in decoded if isinstance(item, tuple) and item[2] is None]
        understood = iter(await self._understand(waiting, snapshot))
        now_ms = _now_ms()
        results: list[Result] = []
        for item in decoded:
            if isinstance(item, tuple):
                _, event, ready = item
                found, cached = (ready, False) if ready else next(understood)
                if isinstance(found, Enrichment):
                    found = Output(found.splice(event, cached, now_ms), found)
                item = found
            results.append(item)
        return results

    def use(self, snapshot: Snapshot) -> None:
        """Understand with this one from the next batch on; those under way keep theirs."""
        self.snapshot = snapshot.after(self.snapshot)

    def obey(self, policies: Policies) -> None:
        """Change what the stages do when their model is away; also those that wait for one."""
        for stage in self.stages:
            stage.guard.follow(getattr(policies, stage.name), policies.patience_ms / 1000)

    def _decode(
        self, item: Input, now_ms: int, snapshot: Snapshot
    ) -> tuple[Key, Event, Enrichment | None] | Reject | Skipped:
        """The query's key, its event, and for one that came too late all that it will get."""
        most = snapshot.max_query_chars
        try:
            event = decode(item, most, snapshot.max_event_bytes)
        except Reject as error:
            return error
        form = normal_form(event.query)
        if not form:
            return empty_query()
        if len(form) > most:  # one character may become eighteen
            return query_too_long(len(form), most)
        key = form, language(form, event.locale, snapshot.default_language)
        if not snapshot.deadline.passed(item, now_ms):
            return key, event, None
        if snapshot.deadline.late == "skip":
            self._late["skipped"].inc()
            return Skipped()
        if snapshot.deadline.late == "process" or snapshot.cache.get(key):
            self._late["processed"].inc()
            return key, event, None
        self._late["passed"].inc()
        return key, event, snapshot.composer.without_models(*key)

    async def _understand(
        self, keys: list[Key], snapshot: Snapshot
    ) -> list[tuple[Enrichment | Reject, bool]]:
        """The enrichment of each key, and whether it came from the cache."""
        cache, pending = snapshot.cache, snapshot.pending
        hits: dict[Key, Enrichment] = {}
        waits: dict[Key, asyncio.Future[Enrichment | Reject]] = {}
        own: list[Key] = []
        for key in keys:
            entry = hits.get(key) or cache.get(key)
            if entry and entry.versions in self._served:
                hits[key] = entry
                self._lookups["hit"].inc()
            elif key in pending:
                waits[key] = pending[key]
                self._lookups["joined"].inc()
            else:
                waits[key] = pending[key] = asyncio.get_running_loop().create_future()
                own.append(key)
                self._lookups["miss"].inc()
        await self._fill(own, snapshot)
        if waits:  # unlike `gather`, this leaves shared futures alone when we are cancelled
            await asyncio.wait(waits.values())
        return [(hits[key], True) if key in hits else (waits[key].result(), False) for key in keys]

    async def _fill(self, keys: list[Key], snapshot: Snapshot) -> None:
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
        self._entries.set(len(self.snapshot.cache))

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
            self._served = set(product(*served))

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


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
