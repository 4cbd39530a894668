"""The way of an event without Kafka: one answer an input, computed once, and isolated faults."""

import asyncio
import json
from itertools import product

import numpy as np
import pytest

from tests.stream import schema
from tests.understanding import build_pipeline, events, inputs, totals, with_tagging
from triton_models import contract
from worker.config.models import MODELS, TAGGING
from worker.config.settings import STARTER_MODELS
from worker.errors import ConfigError, ModelUnavailable, Reject
from worker.event import Input
from worker.lexicon.lexicon import NEIGHBOUR_PRIOR
from worker.understanding import evidence
from worker.understanding.decide import REPLACED_WEIGHT, WEIGHTS, Expander

# What comes of the scores of each version of `matching`.
EVIDENCE = [
    (NEIGHBOUR_PRIOR, WEIGHTS["embedding"]),
    *(
        (evidence.of_synonym(several, plain, agree, True), WEIGHTS["synonym"] + REPLACED_WEIGHT)
        for several, plain, agree in product(
            (False, True), (False, True), range(evidence.NEAREST + 1)
        )
    ),
]
NEUTRAL = contract.load(STARTER_MODELS / "matching").threshold
JUDGE = Expander(None, 8, 0.5, 0.9, 8, NEUTRAL)
BY_VERSION = {
    f"matching:{version}": {JUDGE.probability(prior, (score, w)) for prior, w in EVIDENCE}
    for version, score in ((1, np.float32(0.9)), (2, np.float32(0.8)))
}


def lookups(metrics):
    return totals(metrics.cache, "result")


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    return with_tagging(tmp_path_factory.mktemp("models"))


def test_equal_queries_are_computed_once_and_then_cached():
    pipeline, inference, metrics = build_pipeline()

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


def test_rejected_inputs_keep_their_places():
    pipeline, *_ = build_pipeline()
    values = [b"{", b'{"query": "red"}', b'{"query": " "}', b'{"query": "hat"}', None]
    results = asyncio.run(pipeline.process([Input(value, "x", 5) for value in values]))
    shown = [
        item.reason if isinstance(item, Reject) else json.loads(item.value)["query"]
        for item in results
    ]
    assert shown == ["invalid_json", "red", "empty_query", "hat", "null_value"]


@pytest.mark.parametrize("stage", [*MODELS, TAGGING])
def test_a_degraded_event_says_so_and_is_not_cached(stage, tagged):
    pipeline, inference, _ = build_pipeline(
        *tagged, *(f"policies.{stage}=degrade", "policies.patience_ms=0"), away=[stage]
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


def test_the_dead_letter_policy_rejects_only_what_the_model_did_not_see():
    pipeline, inference, _ = build_pipeline(
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
    fallback,
):
    chosen = "policies.intent=degrade", "policies.patience_ms=0"
    chosen += (f"policies.fallback_intent={fallback}",) if fallback else ()
    pipeline, _, _ = build_pipeline(*chosen, away=["intent"])
    results = asyncio.run(pipeline.process(inputs("red running shoes")))
    (event,) = events(results)
    schema("output").validate(event)
    expected = {"label": "browse", "confidence": 0.0, "scores": {}} if fallback else None
    assert event["intent"] == expected
    assert (event["degraded"], event["provenance"]["intent"]) == (["intent"], None)
    assert results[0].enrichment.intent is None  # the models' share of each label stays true


def test_a_fallback_that_the_intent_model_does_not_know_is_refused_at_the_start():
    with pytest.raises(ConfigError, match=r"fallback_intent: found 'buy', expected one of purch"):
        build_pipeline("policies.fallback_intent=buy")


def test_intents_to_expand_by_parents_that_the_model_does_not_know_are_refused_at_the_start():
    with pytest.raises(ConfigError, match=r"parents_for: found 'brwse', expected one of purch"):
        build_pipeline("understanding.parents_for=brwse")


def test_a_fault_of_our_own_rejects_one_query_and_not_its_neighbours(monkeypatch):
    pipeline, *_ = build_pipeline()
    composer = type(pipeline.snapshot.default.composer)
    select = composer.enrichment

    def faulty(self, key, *rest):
        if key[0] == "cursed":
            raise ZeroDivisionError("a bug")
        return select(self, key, *rest)

    monkeypatch.setattr(composer, "enrichment", faulty)
    results = asyncio.run(pipeline.process(inputs("red", "blue", "cursed", "green", "hat")))
    shown = [r.reason if isinstance(r, Reject) else "ok" for r in results]
    assert shown == ["ok", "ok", "internal_error", "ok", "ok"]


def test_a_cancelled_computation_leaves_those_who_joined_with_an_error_not_a_hang():
    pipeline, inference, _ = build_pipeline(away=["intent"])

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


def test_the_cache_forgets_the_least_recently_used():
    pipeline, inference, _ = build_pipeline(f"understanding.cache_bytes={2 * 2 * 1400}")

    async def work():
        for query in ("a", "b", "a", "c", "a", "b"):
            await pipeline.process(inputs(query))

    asyncio.run(work())
    assert inference.rows["intent"] == 4  # a, b, c, and b again


def fast(pipeline, *queries):
    """What the fast lane would answer; the provenance alone."""
    given = [item.value for item in inputs(*queries)]
    answers = pipeline.fast_lane(10_000).answers(given, lambda _: ("id", 5), 5)
    outputs = map(answers.output, range(len(given)))
    return [output and json.loads(output)["provenance"] for output in outputs]


def test_a_query_is_answered_in_the_fast_lane_once_it_was_understood():
    pipeline, _, _ = build_pipeline()
    assert fast(pipeline, "RED shoes") == [None]
    (result,) = asyncio.run(pipeline.process(inputs("RED shoes")))
    assert fast(pipeline, "RED shoes", "blue") == [
        json.loads(result.value)["provenance"] | {"cached": True},
        None,
    ]


@pytest.mark.parametrize("model", [*MODELS, TAGGING])
def test_the_fast_lane_forgets_what_an_exchanged_model_answered(model, tagged):
    pipeline, inference, _ = build_pipeline(*tagged)

    async def work():
        await pipeline.process(inputs("red running shoes", "blue sofa"))
        inference.exchange_after[model] = 0
        await pipeline.process(inputs("red running hat"))  # the first that version 2 answers

    asyncio.run(work())
    old, new = fast(pipeline, "red running shoes", "red running hat")
    assert old is None and new[model] == f"{model}:2"


@pytest.mark.parametrize("stage", [*MODELS, TAGGING])
def test_a_degraded_event_is_not_answered_in_the_fast_lane(stage, tagged):
    chosen = f"policies.{stage}=degrade", "policies.patience_ms=0"
    pipeline, _, _ = build_pipeline(*tagged, *chosen, away=[stage])

    async def work():
        return await pipeline.process(inputs("red running shoes"))

    assert events(asyncio.run(work()))[0]["status"] == "degraded"
    assert fast(pipeline, "red running shoes") == [None]


def test_the_fast_lane_knows_a_query_by_its_locale():
    pipeline, _, _ = build_pipeline()
    value = b'{"query":"red shoes","locale":"%b"}'
    asyncio.run(pipeline.process([Input(value % b"en-US", "id", 5)]))
    given = [value % b"en-US", value % b"de-DE", b'{"query":"red shoes"}']
    answers = pipeline.fast_lane(10_000).answers(given, lambda _: ("id", 5), 5)
    assert [entry is None for entry in answers.entries] == [False, True, True]


def test_nothing_is_cached_when_the_cache_is_off():
    pipeline, inference, _ = build_pipeline("understanding.cache_bytes=0")

    async def work():
        await pipeline.process(inputs("a"))
        await pipeline.process(inputs("a"))

    asyncio.run(work())
    assert inference.rows["intent"] == 2
    assert fast(pipeline, "a") == [None]


@pytest.mark.parametrize("model", [*MODELS, TAGGING])
def test_the_cache_is_emptied_when_a_model_answers_with_another_version(model, tagged):
    pipeline, inference, _ = build_pipeline(*tagged)

    async def work():
        await pipeline.process(inputs("red running shoes", "blue sofa"))
        inference.exchange_after[model] = 0
        await pipeline.process(inputs("red running hat"))  # the first that version 2 answers
        return await pipeline.process(inputs("red running shoes", "red running hat"))

    for event in events(asyncio.run(work())):
        assert event["provenance"][model] == f"{model}:2"
    assert inference.rows["intent"] == 4 + (event["provenance"]["cached"] is False)


@pytest.mark.parametrize("model", [*MODELS, TAGGING])
def test_what_two_versions_answered_at_once_is_not_cached(model, tagged):
    """Which of the two came last, nobody knows; version 1 must not be served from then on."""
    pipeline, inference, _ = build_pipeline(*tagged)
    inference.exchange_after[model] = 1
    queries = [f"red running shoes {'very ' * (n % 3 * 5)}{n}" for n in range(400)]

    async def work():
        await pipeline.process(inputs(*queries))
        return await pipeline.process(inputs(*queries))

    made_by = {event["provenance"][model] for event in events(asyncio.run(work()))}
    assert made_by == {f"{model}:2"}


def test_no_event_holds_scores_of_two_versions():
    pipeline, inference, _ = build_pipeline()
    inference.exchange_after["matching"] = 1
    queries = [f"red running shoes {n}" for n in range(40)]
    found = events(asyncio.run(pipeline.process(inputs(*queries))))
    assert sum(len(event["expansions"]) for event in found) > 64  # more than one call
    for event in found:
        scores = {item["score"] for item in event["expansions"]}
        wanted = BY_VERSION[event["provenance"]["matching"]]
        assert scores <= wanted


@pytest.mark.parametrize("model", [*MODELS, TAGGING])
def test_a_canary_neither_mixes_an_event_nor_empties_the_cache(model, tagged):
    """Two versions take turns at random; each event is by one of them, and stays in the cache."""
    pipeline, inference, metrics = build_pipeline(*tagged)
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
            scores = {item["score"] for item in event["expansions"]}
            assert scores <= BY_VERSION[event["provenance"][model]]
    assert made_by == {f"{model}:1", f"{model}:2"}


def test_a_normal_form_that_outgrows_the_limit_is_rejected():
    """NFKC makes eighteen characters of one."""
    pipeline, inference, _ = build_pipeline(
        "understanding.max_query_chars=20", "understanding.languages=ar"
    )
    short, long = asyncio.run(pipeline.process(inputs("\ufdfa", "\ufdfa\ufdfa")))
    assert len(events([short])[0]["normalized_query"]) == 18
    assert (long.stage, long.reason) == ("decode", "query_too_long")
    assert "has 36 characters, at most 20" in str(long)
    assert inference.rows["intent"] == 1
