"""The demo's summary in words."""

import pytest

from worker.commands.demo.demo import as_text

SUMMARY = {"produced": 50, "published": 48, "dead_lettered": 2, "skipped": 0, "balanced": True}
TIMES = {"p50_ms": 40.0, "p95_ms": 49.0, "p99_ms": 49.8, "cache_hit_ratio": 0, "first_event_s": 1}


@pytest.mark.parametrize(
    "seconds, rate, told",
    [(0.0, None, "too few events for a rate;"), (2.0, 25.0, "25 events/s over 2.0 s;")],
)
def test_no_rate_is_told_of_events_that_came_at_once(seconds, rate, told):
    text = as_text(SUMMARY | TIMES | {"seconds": seconds, "events_per_second": rate})
    assert text.splitlines()[1].startswith(told)
