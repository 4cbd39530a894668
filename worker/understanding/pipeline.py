"""The way of an event: decode → normalize → detect language → cache → computation → splice.

Equal queries in flight are computed once. A complete enrichment is cached, a degraded one is not. A
batch keeps to the snapshot that it began with. An event that comes too late is skipped, or gets
what needs no model (and what the cache holds).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from triton_models.query_text import normal_form
from worker.config.settings import Policies
from worker.errors import ModelUnavailable, Reject
from worker.event import Enrichment, Event, Input, decode, empty_query, query_too_long
from worker.metrics import Metrics
from worker.understanding.cache import Key
from worker.understanding.computation import Computation
from worker.understanding.fast_lane import FastLane
from worker.understanding.snapshot import Snapshot


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
Future = asyncio.Future[Enrichment | Reject]


class _Decoded(NamedTuple):
    """A decoded event.

    Attributes:
        settled: the enrichment that it gets whatever models say; None of one that they understand.
    """

    key: Key
    event: Event
    settled: Enrichment | None


class Pipeline:
    """Understands queries, many at once; used from one event loop.

    Attributes:
        snapshot: what the next batch is understood with; `use` replaces it.
        stages: of all models, each once.
    """

    def __init__(self, snapshot: Snapshot, metrics: Metrics) -> None:
        self.snapshot = snapshot
        self._stages = [computation.stages for computation in snapshot.computations.values()]
        self.stages = tuple(dict.fromkeys(stage for of in self._stages for stage in of.all))
        self._lookups = {
            result: metrics.cache.labels(result) for result in ("hit", "miss", "joined")
        }
        self._entries = metrics.cache_entries
        self._late = {
            outcome: metrics.late.labels(outcome) for outcome in ("processed", "passed", "skipped")
        }
        self._decode_seconds = metrics.stage_seconds.labels("decode")

    @property
    def away(self) -> list[str]:
        """The models that do not answer now, as far as is known."""
        return [stage.name for stage in self.stages if stage.caller.away]

    async def process(self, inputs: Sequence[Input]) -> list[Result]:
        """One output, or the reason why there is none, for each input, in order."""
        snapshot = self.snapshot
        self._forget_other_versions()
        with self._decode_seconds.time():
            begun_ms = _now_ms()
            decoded = [self._decode(item, begun_ms, snapshot) for item in inputs]
        waiting = [
            item.key for item in decoded if isinstance(item, _Decoded) and item.settled is None
        ]
        understood = iter(await self._understand(waiting, snapshot))
        self._forget_other_versions()
        now_ms = _now_ms()
        results: list[Result] = []
        for item in decoded:
            if not isinstance(item, _Decoded):
                results.append(item)
                continue
            found, cached = (item.settled, False) if item.settled else next(understood)
            if isinstance(found, Reject):
                results.append(found)
                continue
            self._remember(item, found, snapshot)
            results.append(Output(found.splice(item.event, cached, now_ms), found))
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
            stage.caller.follow(getattr(policies, stage.kind), policies.patience_ms / 1000)

    def _remember(self, item: _Decoded, found: Enrichment, snapshot: Snapshot) -> None:
        """Let the fast lane answer the query from now on, if the enrichment may be kept."""
        computation = snapshot.by_language.get(item.key[1], snapshot.default)
        if found.complete and computation.servable(found):
            snapshot.seen.put((item.event.query, item.event.locale or None), found)

    def _forget_other_versions(self) -> None:
        """What versions made that are not served any more is not answered in the fast lane."""
        changed = [stages.refresh() for stages in self._stages]
        if any(changed):
            self.snapshot.seen.clear()

    def _decode(self, item: Input, now_ms: int, snapshot: Snapshot) -> _Decoded | Reject | Skipped:
        """The event with its query's key, or why it is understood no further."""
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
        computation = snapshot.by_language.get(key[1])
        if computation is None:
            return _Decoded(key, event, snapshot.default.composer.unserved(*key))
        if snapshot.deadline.is_late(item.created_ms, now_ms):
            return self._by_late_policy(key, event, computation, snapshot)
        return _Decoded(key, event, None)

    def _by_late_policy(
        self, key: Key, event: Event, computation: Computation, snapshot: Snapshot
    ) -> _Decoded | Skipped:
        """An event that came too late: all that it will get, unless models are asked all the same
        or the cache has their answer."""
        if snapshot.deadline.late == "skip":
            self._late["skipped"].inc()
            return Skipped()
        entry = snapshot.cache.get(key)
        cached = entry is not None and computation.servable(entry)
        if snapshot.deadline.late == "process" or cached:
            self._late["processed"].inc()
            return _Decoded(key, event, None)
        self._late["passed"].inc()
        return _Decoded(key, event, computation.composer.without_models(*key))

    async def _understand(
        self, keys: list[Key], snapshot: Snapshot
    ) -> list[tuple[Enrichment | Reject, bool]]:
        """The enrichment of each key, and whether it came from the cache."""
        cache, pending = snapshot.cache, snapshot.pending
        hits: dict[Key, Enrichment] = {}
        waits: dict[Key, Future] = {}
        own: dict[Key, Future] = {}
        for key in keys:
            entry = hits.get(key) or cache.get(key)
            if entry and snapshot.by_language[key[1]].servable(entry):
                hits[key] = entry
                self._lookups["hit"].inc()
            elif key in pending:
                waits[key] = pending[key]
                self._lookups["joined"].inc()
            else:
                own[key] = asyncio.get_running_loop().create_future()
                waits[key] = pending[key] = own[key]
                self._lookups["miss"].inc()
        await self._compute(own, snapshot)
        self._entries.set(len(self.snapshot.cache))
        if waits:  # unlike `gather`, this leaves shared futures alone when we are cancelled
            await asyncio.wait(waits.values())
        return [(hits[key], True) if key in hits else (waits[key].result(), False) for key in keys]

    async def _compute(self, own: Mapping[Key, Future], snapshot: Snapshot) -> None:
        """Let each key be computed by what answers its language, and resolve its future, whatever
        happens."""
        groups: dict[Computation, list[Key]] = {}
        for key in own:
            groups.setdefault(snapshot.by_language[key[1]], []).append(key)
        try:
            await asyncio.gather(
                *(self._fill(group, keys, own, snapshot) for group, keys in groups.items())
            )
        except BaseException:  # cancelled: those who joined the query were not
            for key, future in own.items():
                if not future.done():
                    del snapshot.pending[key]
                    future.set_exception(ModelUnavailable("stopped"))
                    future.exception()  # nobody need have joined
            raise

    async def _fill(
        self,
        computation: Computation,
        keys: list[Key],
        futures: Mapping[Key, Future],
        snapshot: Snapshot,
    ) -> None:
        """Compute the keys of one computation; it holds up no other's."""
        for key, result in zip(keys, await computation.compute(keys), strict=True):
            if isinstance(result, Enrichment) and result.complete:
                snapshot.cache.put(key, result)
            del snapshot.pending[key]
            futures[key].set_result(result)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
