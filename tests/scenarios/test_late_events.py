"""A query older than its deadline is passed on un-enriched, or skipped, and counted."""

import json
import time

import pytest

from tests.stream import (
    Record,
    committed,
    done,
    produce,
    read,
    running,
    schema,
    settings,
    wait_until,
)

HOUR_MS = 3_600_000


def produce_aged(broker, topic, count):
    """On one partition and under one key, every second record an hour old."""
    now_ms = time.time_ns() // 1_000_000
    records = [
        Record(b'{"query": "red shoes %d"}' % n, b"one", timestamp=now_ms - HOUR_MS * (n % 2))
        for n in range(count)
    ]
    produce(broker.bootstrap_servers, topic, records)


def late(app):
    samples = app.metrics.late.collect()[0].samples
    return {s.labels["outcome"]: s.value for s in samples if s.name.endswith("_total") and s.value}


@pytest.mark.parametrize(
    ("broker", "choice"),
    [("embedded_broker", "pass"), ("real_broker", "skip")],
    indirect=["broker"],
)
def test_old_events_do_not_cost_a_models_time(broker, choice):
    topics = broker.topics()
    produce_aged(broker, topics.input, 40)
    chosen = settings(
        *(broker.bootstrap_servers, topics, "policies.max_age_ms=600000"),
        f"policies.late={choice}",
    )
    skipped = 20 if choice == "skip" else 0
    with running(chosen) as app:
        wait_until(lambda: app.runner.totals.resolved == 40, "all records")
        assert late(app) == ({"skipped": 20} if skipped else {"passed": 20})
        rows = app.metrics.registry.get_sample_value(
            "query_worker_model_batch_rows_sum", {"model": "intent"}
        )
        assert rows == 20
        totals = app.runner.totals
        assert (totals.published, totals.skipped) == (40 - skipped, skipped)
    assert committed(broker.bootstrap_servers, topics.input, topics.input) == {0: 40}
    found = read(broker.bootstrap_servers, [topics.output], 40 - skipped)
    events = [json.loads(message.value()) for message in found]
    for event in events:
        schema("output").validate(event)
    order = [int(event["query"].split()[-1]) for event in events]
    assert order == sorted(order) and len(order) == 40 - skipped
    statuses = {event["status"] for event in events if int(event["query"].split()[-1]) % 2 == 0}
    assert statuses == {"complete"}
    passed = [event for event in events if int(event["query"].split()[-1]) % 2]
    stages = ["intent", "encoder", "matching"]
    assert [event["degraded"] for event in passed] == [stages] * (20 - skipped)
    with running(chosen) as again:  # what was skipped is not consumed again
        wait_until(lambda: again.runner.connected, "connected")
        produce_aged(broker, topics.input, 1)
        wait_until(done(again, 1), "the next record")
        assert again.runner.totals.consumed == 1
