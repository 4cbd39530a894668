"""The way of an event: decode → normalize → cache → computation (see there) → splice.

Equal queries in flight are computed once. A batch keeps to the snapshot that it began with. An
event that comes too late is skipped, or gets what needs no model (and what the cache holds).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from triton_models.query_text import normal_form
from worker.config.settings import Policies
from worker.errors import Reject
from worker.event import Enrichment, Event, Input, decode, empty_query, query_too_long
from worker.metrics import Metrics
from worker.understanding.cache import Key
from worker.understanding.computation import Computation
from worker.understanding.fast_lane import FastLane
from worker.understanding.snapshot import Snapshot
from worker.understanding.stage import Stage
from worker.understanding.tagging import Tagger


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
        tagger: Tagger | None = None,
    ) -> None:
        self._computation = Computation(intent, encoder, matching, metrics, tagger)
        self.snapshot = snapshot
        self._served = self._computation.served
        self._lookups = {
            result: metrics.cache.labels(result) for result in ("hit", "miss", "joined")
        }
        self._entries = metrics.cache_entries
        self._late = {
            outcome: metrics.late.labels(outcome) for outcome in ("processed", "passed", "skipped")
        }
        self._decode_seconds = metrics.stage_seconds.labels("decode")

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those of `MODELS`, then the tagging model's if there is one."""
        return self._computation.stages

    @property
    def away(self) -> list[str]:
        """The models that do not answer now, as far as is known."""
        return [stage.name for stage in self.stages if stage.caller.away]

    async def process(self, inputs: Sequence[Input]) -> list[Result]:
        """One output, or the reason why there is none, for each input, in order."""
        snapshot = self.snapshot
        with self._decode_seconds.time():
            begun_ms = _now_ms()
            decoded = [self._decode(item, begun_ms, snapshot) for item in inputs]
        waiting = [item[0] for item in decoded if isinstance(item, tuple) and item[2] is None]
        understood = iter(await self._understand(waiting, snapshot))
        self._forget_other_versions()
        now_ms = _now_ms()
        results: list[Result] = []
        for item in decoded:
            if isinstance(item, tuple):
                _, event, ready = item
                found, cached = (ready, False) if ready else next(understood)
                if isinstance(found, Enrichment):
                    self._remember(event, found, snapshot)
                    found = Output(found.splice(event, cached, now_ms), found)
                item = found
            results.append(item)
        return results

    def fast_lane(self, max_bytes: int) -> FastLane:
        """Answers queries seen before as `process` would now; for one round, in any thread.

        Args:
            max_bytes: larger events are left to `process`.
        """
        return FastLane(self.snapshot.seen, min(max_bytes, self.snapshot.max_event_bytes))

    def count_hits(self, count: int) -> None:
        """Count queries that the fast lane answered."""
        self._lookups["hit"].inc(count)

    def use(self, snapshot: Snapshot) -> None:
        """Understand with this one from the next batch on; those under way keep theirs."""
        self.snapshot = snapshot.after(self.snapshot)

    def obey(self, policies: Policies) -> None:
        """Change what the stages do when their model is away; also those that wait for one."""
        for stage in self.stages:
            stage.caller.follow(getattr(policies, stage.name), policies.patience_ms / 1000)

    def _remember(self, event: Event, found: Enrichment, snapshot: Snapshot) -> None:
        """Let the fast lane answer the query from now on, if the enrichment may be kept."""
        if found.whole and self._computation.servable(found):
            snapshot.seen.put((event.query, event.locale or None), found)

    def _forget_other_versions(self) -> None:
        """What versions made that are not served any more is not answered in the fast lane."""
        if self._served is not self._computation.served:
            self._served = self._computation.served
            self.snapshot.seen.clear()

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
        key = form, snapshot.language(form, event.locale)
        if key[1] not in snapshot.languages:
            return key, event, snapshot.composer.unserved(*key)
        if not snapshot.deadline.is_late(item.created_ms, now_ms):
            return key, event, None
        if snapshot.deadline.late == "skip":
            self._late["skipped"].inc()
            return Skipped()
        if snapshot.deadline.late == "process" or self._servable(key, snapshot):
            self._late["processed"].inc()
            return key, event, None
        self._late["passed"].inc()
        return key, event, snapshot.composer.without_models(*key)

    def _servable(self, key: Key, snapshot: Snapshot) -> bool:
        entry = snapshot.cache.get(key)
        return entry is not None and self._computation.servable(entry)

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
            if entry and self._computation.servable(entry):
                hits[key] = entry
                self._lookups["hit"].inc()
            elif key in pending:
                waits[key] = pending[key]
                self._lookups["joined"].inc()
            else:
                waits[key] = pending[key] = asyncio.get_running_loop().create_future()
                own.append(key)
                self._lookups["miss"].inc()
        await self._computation.fill(own, snapshot)
        self._entries.set(len(self.snapshot.cache))
        if waits:  # unlike `gather`, this leaves shared futures alone when we are cancelled
            await asyncio.wait(waits.values())
        return [(hits[key], True) if key in hits else (waits[key].result(), False) for key in keys]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
