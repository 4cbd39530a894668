"""The way of an event without Kafka: one answer an input, computed once, and isolated faults."""

import asyncio
import json
import math
import random

import numpy as np
import pytest

from tests.stream import schema
from worker import config
from worker.errors import ConfigError, ModelUnavailable, Reject
from worker.events import Input
from worker.inference.port import Answer
from worker.metrics import Metrics
from worker.parts import load_contracts, make_pipeline
from worker.understanding import pipeline as pipeline_module
from worker.understanding.pipeline import Output, Skipped


class Counting:
    """An inference port that counts rows and answers the same to everything.

    Attributes:
        exchange_after: model → answers until version 2 takes over, which scores 0.8, not 0.9.
        canaries: models whose versions 1 and 2 take turns.
    """

    name = "counting"

    def __init__(self, contracts, away=()):
        self.contracts, self.away = contracts, set(away)
        self.rows = dict.fromkeys(contracts, 0)
        self.exchange_after = {}
        self.canaries = set()

    async def infer(self, model, inputs):
        await asyncio.sleep(0)
        if model in self.away:
            raise ModelUnavailable("away")
        rows = len(inputs["input_ids"])
        self.rows[model] += rows
        left = self.exchange_after.get(model, math.inf)
        self.exchange_after[model] = left - 1
        old = random.random() < 0.5 if model in self.canaries else left > 0
        value, version = (0.9, "1") if old else (0.8, "2")
        values = np.full((rows, self.contracts[model].dimension), value, np.float32)
        return Answer(values, version)


@pytest.fixture
def build():
    def make(*assignments, away=()):
        settings = config.load(None, {}, assignments)
        contracts = load_contracts(settings)
        inference, metrics = Counting(contracts, away), Metrics()
        return make_pipeline(settings, contracts, inference, metrics), inference, metrics

    return make


def inputs(*queries):
    return [
        Input(json.dumps({"query": query}).encode(), f"id-{index}", 5)
        for index, query in enumerate(queries)
    ]


def lookups(metrics):
    samples = metrics.cache.collect()[0].samples
    return {s.labels["result"]: int(s.value) for s in samples if s.name.endswith("_total")}


def events(results):
    return [json.loads(result.value) for result in results]


def test_equal_queries_are_computed_once_and_then_cached(build):
    pipeline, inference, metrics = build()

    async def work():
        first = pipeline.process(inputs("red shoes", "RED  shoes", "blue hat"))
        second = pipeline.process(inputs("Blue Hat", "red shoes"))
        return await asyncio.gather(first, second), await pipeline.process(inputs("red SHOES"))

    (first, second), third = asyncio.run(work())
    assert inference.rows["intent"] == inference.rows["encoder"] == 2
    assert lookups(metrics) == {"hit": 1, "miss": 2, "joined": 3}
    assert [e["provenance"]["cached"] for e in events(first + second)] == [False] * 5
    assert events(third)[0]["provenance"]["cached"] is True
    assert [e["query"] for e in events(first)] == ["red shoes", "RED  shoes", "blue hat"]
    assert {e["normalized_query"] for e in events(first + second)} == {"red shoes", "blue hat"}


def test_rejected_inputs_keep_their_places(build):
    pipeline, *_ = build()
    values = [b"{", b'{"query": "red"}', b'{"query": " "}', b'{"query": "hat"}', None]
    results = asyncio.run(pipeline.process([Input(value, "x", 5) for value in values]))
    shown = [
        item.reason if isinstance(item, Reject) else json.loads(item.value)["query"]
        for item in results
    ]
    assert shown == ["invalid_json", "red", "empty_query", "hat", "null_value"]


@pytest.mark.parametrize("stage", ["intent", "encoder", "matching"])
def test_a_degraded_event_says_so_and_is_not_cached(build, stage):
    pipeline, inference, _ = build(
        *(f"policies.{stage}=degrade", "policies.patience_ms=0"), away=[stage]
    )

    async def work():
        away = await pipeline.process(inputs("red running shoes"))
        inference.away.clear()
        return away + await pipeline.process(inputs("red running shoes"))

    degraded, complete = events(asyncio.run(work()))
    assert (degraded["status"], degraded["degraded"]) == ("degraded", [stage])
    assert degraded["provenance"][stage] is None
    assert (degraded["intent"] is None) == (stage == "intent")
    assert (complete["status"], complete["degraded"]) == ("complete", [])
    assert complete["provenance"]["cached"] is False


def test_the_dead_letter_policy_rejects_only_what_the_model_did_not_see(build):
    pipeline, inference, _ = build(
        *("policies.intent=dead_letter", "policies.patience_ms=0"), away=["intent"]
    )

    async def work():
        (rejected,) = await pipeline.process(inputs("red shoes"))
        inference.away.clear()
        (published,) = await pipeline.process(inputs("red shoes"))
        return rejected, published

    rejected, published = asyncio.run(work())
    assert (rejected.stage, rejected.reason) == ("intent", "model_unavailable")
    assert json.loads(published.value)["status"] == "complete"


@pytest.mark.parametrize("fallback", [None, "browse"])
def test_an_event_without_the_intent_model_gets_the_fallback_that_nobody_takes_for_an_answer(
    build, fallback
):
    chosen = "policies.intent=degrade", "policies.patience_ms=0"
    chosen += (f"policies.fallback_intent={fallback}",) if fallback else ()
    pipeline, _, _ = build(*chosen, away=["intent"])
    results = asyncio.run(pipeline.process(inputs("red running shoes")))
    (event,) = events(results)
    schema("output").validate(event)
    expected = {"label": "browse", "confidence": 0.0, "scores": {}} if fallback else None
    assert event["intent"] == expected
    assert (event["degraded"], event["provenance"]["intent"]) == (["intent"], None)
    assert results[0].enrichment.intent is None  # the models' share of each label stays true


def test_a_fallback_that_the_intent_model_does_not_know_is_refused_at_the_start(build):
    with pytest.raises(ConfigError, match=r"fallback_intent: found 'buy', expected one of purch"):
        build("policies.fallback_intent=buy")


NOW_MS = 1_790_000_000_000


@pytest.fixture
def at_noon(monkeypatch):
    monkeypatch.setattr(pipeline_module, "_now_ms", lambda: NOW_MS)


def aged(query, age_ms):
    created_ms = None if age_ms is None else NOW_MS - age_ms
    return Input(json.dumps({"query": query}).encode(), "id", 5, created_ms)


def late(metrics):
    samples = metrics.late.collect()[0].samples
    return {s.labels["outcome"]: s.value for s in samples if s.name.endswith("_total") and s.value}


@pytest.mark.parametrize("age_ms", [60_000, 0, -3_600_000, None])
def test_an_event_in_time_from_a_clock_ahead_or_without_a_time_is_not_late(build, at_noon, age_ms):
    pipeline, _, metrics = build("policies.max_age_ms=60000", "policies.late=skip")
    (event,) = events(asyncio.run(pipeline.process([aged("red shoes", age_ms)])))
    assert (event["status"], late(metrics)) == ("complete", {})


def test_without_a_deadline_nothing_is_late(build, at_noon):
    pipeline, _, metrics = build("policies.late=skip")
    (event,) = events(asyncio.run(pipeline.process([aged("red shoes", 10**12)])))
    assert (event["status"], late(metrics)) == ("complete", {})


def test_a_late_event_is_passed_on_with_what_needs_no_model(build, at_noon):
    pipeline, inference, metrics = build("policies.max_age_ms=60000")
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


def test_a_late_event_gets_from_the_cache_what_costs_nothing(build, at_noon):
    pipeline, inference, metrics = build("policies.max_age_ms=60000")

    async def work():
        await pipeline.process([aged("red shoes", 0)])
        return await pipeline.process([aged("red shoes", 60_001)])

    (event,) = events(asyncio.run(work()))
    assert (event["status"], event["provenance"]["cached"]) == ("complete", True)
    assert (inference.rows["intent"], late(metrics)) == (1, {"processed": 1})


def test_what_was_passed_on_without_models_is_not_cached(build, at_noon):
    pipeline, _, _ = build("policies.max_age_ms=60000")

    async def work():
        await pipeline.process([aged("red shoes", 60_001)])
        return await pipeline.process([aged("red shoes", 0)])

    assert events(asyncio.run(work()))[0]["status"] == "complete"


def test_late_events_are_skipped_in_their_places_and_bad_ones_are_not(build, at_noon):
    pipeline, inference, metrics = build("policies.max_age_ms=60000", "policies.late=skip")
    bad = Input(b"{", "id", 5, NOW_MS - 60_001)
    given = [aged("red", 60_001), aged("hat", 0), bad, aged("sofa", 99_999)]
    results = asyncio.run(pipeline.process(given))
    assert [type(result) for result in results] == [Skipped, Output, Reject, Skipped]
    assert (inference.rows["intent"], late(metrics)) == (1, {"skipped": 2})


def test_late_events_are_processed_all_the_same_and_counted(build, at_noon):
    pipeline, _, metrics = build("policies.max_age_ms=60000", "policies.late=process")
    (event,) = events(asyncio.run(pipeline.process([aged("red shoes", 60_001)])))
    assert (event["status"], late(metrics)) == ("complete", {"processed": 1})


def test_a_fault_of_our_own_rejects_one_query_and_not_its_neighbours(build, monkeypatch):
    pipeline, *_ = build()
    select = type(pipeline.snapshot.expander).pairs

    def faulty(self, form, found):
        if form == "cursed":
            raise ZeroDivisionError("a bug")
        return select(self, form, found)

    monkeypatch.setattr(type(pipeline.snapshot.expander), "pairs", faulty)
    results = asyncio.run(pipeline.process(inputs("red", "blue", "cursed", "green", "hat")))
    shown = [r.reason if isinstance(r, Reject) else "ok" for r in results]
    assert shown == ["ok", "ok", "internal_error", "ok", "ok"]


def test_a_cancelled_computation_leaves_those_who_joined_with_an_error_not_a_hang(build):
    pipeline, inference, _ = build(away=["intent"])

    async def work():
        first = asyncio.create_task(pipeline.process(inputs("red shoes")))
        await asyncio.sleep(0.05)
        joined = asyncio.create_task(pipeline.process(inputs("red shoes")))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(ModelUnavailable):
            await asyncio.wait_for(joined, 5)
        inference.away.clear()
        return await pipeline.process(inputs("red shoes"))

    (result,) = asyncio.run(work())
    assert json.loads(result.value)["status"] == "complete"


def test_the_cache_forgets_the_least_recently_used(build):
    pipeline, inference, _ = build(f"understanding.cache_bytes={2 * 1400}")

    async def work():
        for query in ("a", "b", "a", "c", "a", "b"):
            await pipeline.process(inputs(query))

    asyncio.run(work())
    assert inference.rows["intent"] == 4  # a, b, c, and b again


def test_nothing_is_cached_when_the_cache_is_off(build):
    pipeline, inference, _ = build("understanding.cache_bytes=0")

    async def work():
        await pipeline.process(inputs("a"))
        await pipeline.process(inputs("a"))

    asyncio.run(work())
    assert inference.rows["intent"] == 2


@pytest.mark.parametrize("model", ["intent", "encoder", "matching"])
def test_the_cache_is_emptied_when_a_model_answers_with_another_version(build, model):
    pipeline, inference, _ = build()

    async def work():
        await pipeline.process(inputs("red running shoes", "blue sofa"))
        inference.exchange_after[model] = 0
        await pipeline.process(inputs("red running hat"))  # the first that version 2 answers
        return await pipeline.process(inputs("red running shoes", "red running hat"))

    for event in events(asyncio.run(work())):
        assert event["provenance"][model] == f"{model}:2"
    assert inference.rows["intent"] == 4 + (event["provenance"]["cached"] is False)


@pytest.mark.parametrize("model", ["intent", "encoder", "matching"])
def test_what_two_versions_answered_at_once_is_not_cached(build, model):
    """Which of the two came last, nobody knows; version 1 must not be served from then on."""
    pipeline, inference, _ = build()
    inference.exchange_after[model] = 1
    queries = [f"red running shoes {'very ' * (n % 3 * 5)}{n}" for n in range(90)]

    async def work():
        await pipeline.process(inputs(*queries))
        return await pipeline.process(inputs(*queries))

    made_by = {event["provenance"][model] for event in events(asyncio.run(work()))}
    assert made_by == {f"{model}:2"}


def test_no_event_holds_scores_of_two_versions(build):
    pipeline, inference, _ = build()
    inference.exchange_after["matching"] = 1
    queries = [f"red running shoes {n}" for n in range(40)]
    found = events(asyncio.run(pipeline.process(inputs(*queries))))
    assert sum(len(event["expansions"]) for event in found) > 64  # more than one call
    for event in found:
        scores = {item["score"] for item in event["expansions"] + event["categories"]}
        wanted = {"matching:1": {0.9}, "matching:2": {0.8}}[event["provenance"]["matching"]]
        assert scores <= wanted


@pytest.mark.parametrize("model", ["intent", "encoder", "matching"])
def test_a_canary_neither_mixes_an_event_nor_empties_the_cache(build, model):
    """Two versions take turns at random; each event is by one of them, and stays in the cache."""
    pipeline, inference, metrics = build()
    inference.canaries.add(model)
    queries = [f"red running shoes {'very ' * (n % 3 * 5)}{n}" for n in range(40)]

    async def work():
        found = []
        for query in queries:  # soon it is known that they take turns
            found += await pipeline.process(inputs(query))
        before = lookups(metrics)
        again = await pipeline.process(inputs(*queries))
        hits = lookups(metrics)["hit"] - before["hit"]
        return found + again, hits

    found, hits = asyncio.run(work())
    assert hits == len(queries)
    made_by = set()
    for event in events(found):
        made_by.add(event["provenance"][model])
        if model == "matching":
            scores = {item["score"] for item in event["expansions"] + event["categories"]}
            assert scores <= {"matching:1": {0.9}, "matching:2": {0.8}}[event["provenance"][model]]
    assert made_by == {f"{model}:1", f"{model}:2"}


def test_a_normal_form_that_outgrows_the_limit_is_rejected(build):
    """NFKC makes eighteen characters of one."""
    pipeline, inference, _ = build("understanding.max_query_chars=20")
    short, long = asyncio.run(pipeline.process(inputs("\ufdfa", "\ufdfa\ufdfa")))
    assert len(events([short])[0]["normalized_query"]) == 18
    assert (long.stage, long.reason) == ("decode", "query_too_long")
    assert "has 36 characters, at most 20" in str(long)
    assert inference.rows["intent"] == 1
