"""Defects of the understanding: what the fast lane and the cache may answer, the normal form."""

from __future__ import annotations

from tests.defects.defect import defect

PIPELINE, SNAPSHOT, CACHE, STAGES, FAST_LANE = (
    f"worker/understanding/{name}.py"
    for name in ("pipeline", "snapshot", "cache", "stages", "fast_lane")
)
QUERY_TEXT = "triton_models/query_text.py"

DEFECTS = (
    # What the fast lane and the cache may answer.
    defect(
        "queries that were seen survive an exchange of models",
        PIPELINE,
        "            self.snapshot.seen.clear()\n",
        "            pass\n",
        "test_pipeline.py",
    ),
    defect(
        "queries that were seen survive a reload",
        SNAPSHOT,
        "            return self\n",
        "            return replace(self, seen=old.seen)\n",
        "test_snapshot.py",
    ),
    defect(
        "a query that is read while all are forgotten comes back",
        CACHE,
        "if _find(self._old, key) is not None:",
        "if True:",
        "test_cache.py",
    ),
    defect(
        "a degraded answer is given in the fast lane",
        PIPELINE,
        "if found.complete and computation.servable(found):",
        "if True:",
        "test_pipeline.py",
    ),
    defect(
        "a degraded answer is cached",
        PIPELINE,
        "isinstance(result, Enrichment) and result.complete",
        "isinstance(result, Enrichment)",
        "test_pipeline.py",
    ),
    defect(
        "the cache keeps what an older model answered",
        STAGES,
        "if changed := current != self._current:\n",
        "if changed := self._current is None:\n",
        "test_pipeline.py",
    ),
    defect(
        "the fast lane attaches members that an event has already",
        FAST_LANE,
        "if any(getattr(fields, name) is not UNSET for name in OUTPUT_NAMES):",
        "if False:",
        "test_fast_lane.py",
    ),
    defect(
        "the fast lane takes text that is not UTF-8",
        FAST_LANE,
        "            value.decode()\n",
        "            pass\n",
        "test_fast_lane.py",
    ),
    defect(
        "untouched fields are encoded anew",
        "worker/event.py",
        "if ours or any(getattr(members, name) is not UNSET for name in missing):",
        "if True:",
        "test_events.py",
    ),
    defect(
        "equal queries have two normal forms",
        QUERY_TEXT,
        'text = unicodedata.normalize("NFKC", text.lower())',
        "text = text",
        "test_fuzz.py",
    ),
)
