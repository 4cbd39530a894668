"""Events older than their time limit: passed on, skipped or processed all the same, and counted."""

import asyncio
import json

import pytest

from tests.stream import schema
from tests.understanding import build_pipeline, events, totals
from worker.errors import Reject
from worker.event import Input
from worker.understanding import pipeline as pipeline_module
from worker.understanding.pipeline import Output, Skipped

NOW_MS = 1_790_000_000_000


@pytest.fixture
def at_noon(monkeypatch):
    monkeypatch.setattr(pipeline_module, "_now_ms", lambda: NOW_MS)


def aged(query, age_ms):
    created_ms = None if age_ms is None else NOW_MS - age_ms
    return Input(json.dumps({"query": query}).encode(), "id", 5, created_ms)


def late(metrics):
    return totals(metrics.late, "outcome")


@pytest.mark.parametrize("age_ms", [60_000, 0, -3_600_000, None])
def test_an_event_in_time_from_a_clock_ahead_or_without_a_time_is_not_late(at_noon, age_ms):
    pipeline, _, metrics = build_pipeline("policies.max_age_ms=60000", "policies.late=skip")
    (event,) = events(asyncio.run(pipeline.process([aged("red shoes", age_ms)])))
    assert (event["status"], late(metrics)) == ("complete", {})


def test_without_a_deadline_nothing_is_late(at_noon):
    pipeline, _, metrics = build_pipeline("policies.late=skip")
    (event,) = events(asyncio.run(pipeline.process([aged("red shoes", 10**12)])))
    assert (event["status"], late(metrics)) == ("complete", {})


def test_a_late_event_is_passed_on_with_what_needs_no_model(at_noon):
    pipeline, inference, metrics = build_pipeline("policies.max_age_ms=60000")
    late_one, in_time = aged("RED  running shoes", 60_001), aged("blue sofa", 1)
    found = events(asyncio.run(pipeline.process([late_one, in_time])))
    schema("output").validate(found[0])
    assert [event["status"] for event in found] == ["degraded", "complete"]
    assert found[0]["degraded"] == ["intent", "encoder", "matching"]
    assert found[0]["normalized_query"] == "red running shoes"
    assert [item["value"] for item in found[0]["attributes"]] == ["red"]
    assert (found[0]["intent"], found[0]["expansions"], found[0]["categories"]) == (None, [], [])
    assert {found[0]["provenance"][model] for model in inference.rows} == {None}
    assert inference.rows["intent"] == 1  # the one in time
    assert late(metrics) == {"passed": 1}


def test_a_late_event_gets_from_the_cache_what_costs_nothing(at_noon):
    pipeline, inference, metrics = build_pipeline("policies.max_age_ms=60000")

    async def work():
        await pipeline.process([aged("red shoes", 0)])
        return await pipeline.process([aged("red shoes", 60_001)])

    (event,) = events(asyncio.run(work()))
    assert (event["status"], event["provenance"]["cached"]) == ("complete", True)
    assert (inference.rows["intent"], late(metrics)) == (1, {"processed": 1})


def test_a_late_event_gets_nothing_that_an_exchanged_model_left_in_the_cache(at_noon):
    pipeline, inference, metrics = build_pipeline("policies.max_age_ms=60000")

    async def work():
        await pipeline.process([aged("red shoes", 0)])
        inference.exchange_after["intent"] = 0
        await pipeline.process([aged("blue sofa", 0)])  # the first that version 2 answers
        return await pipeline.process([aged("red shoes", 60_001)])

    (event,) = events(asyncio.run(work()))
    assert (event["status"], event["provenance"]["intent"]) == ("degraded", None)
    assert (inference.rows["intent"], late(metrics)) == (2, {"passed": 1})


def test_what_was_passed_on_without_models_is_not_cached(at_noon):
    pipeline, _, _ = build_pipeline("policies.max_age_ms=60000")

    async def work():
        await pipeline.process([aged("red shoes", 60_001)])
        return await pipeline.process([aged("red shoes", 0)])

    assert events(asyncio.run(work()))[0]["status"] == "complete"


def test_late_events_are_skipped_in_their_places_and_bad_ones_are_not(at_noon):
    pipeline, inference, metrics = build_pipeline("policies.max_age_ms=60000", "policies.late=skip")
    bad = Input(b"{", "id", 5, NOW_MS - 60_001)
    given = [aged("red", 60_001), aged("hat", 0), bad, aged("sofa", 99_999)]
    results = asyncio.run(pipeline.process(given))
    assert [type(result) for result in results] == [Skipped, Output, Reject, Skipped]
    assert (inference.rows["intent"], late(metrics)) == (1, {"skipped": 2})


def test_late_events_are_processed_all_the_same_and_counted(at_noon):
    pipeline, _, metrics = build_pipeline("policies.max_age_ms=60000", "policies.late=process")
    (event,) = events(asyncio.run(pipeline.process([aged("red shoes", 60_001)])))
    assert (event["status"], late(metrics)) == ("complete", {"processed": 1})
