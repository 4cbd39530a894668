"""Reloads amid concurrent batches: no event is made of two snapshots, nor of an old cache."""

import asyncio
import gc
import json
import weakref

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.build import make_pipeline, make_snapshot
from worker.config.languages import DEFAULT
from worker.config.load import load_settings
from worker.config.settings import STARTER_LEXICON, Policies
from worker.errors import ModelUnavailable
from worker.event import Input
from worker.folders import load_contracts, load_lexicon
from worker.inference.port import Answer
from worker.lexicon.lexicon import Lexicon
from worker.metrics import Metrics

QUERIES = ("red running shoes", "blue sofa", "wireless headphones")
CONFIGURATIONS = (  # each tells itself by the number of expansions, and by its lexicon
    ("understanding.max_expansions=8",),
    ("understanding.max_expansions=1",),
    ("understanding.max_expansions=2", "understanding.match_threshold=0.1"),
    ("understanding.max_expansions=0", "understanding.max_candidates=3"),
)
CONTRACTS = load_contracts(load_settings(None, {}, ["inference.tagging=false"]))
# The same content under another version.
LEXICONS = [load_lexicon(load_settings(None, {}), CONTRACTS) for _ in CONFIGURATIONS]
for number, lexicon in enumerate(LEXICONS):
    lexicon.version = f"lexicon {number}"


class Slow:
    """Answers when it is told to; vectors lie near terms, and scores are high."""

    name = "slow"

    def __init__(self):
        self.turns = asyncio.Semaphore(0)
        self.away = False

    async def infer(self, model, inputs):
        await self.turns.acquire()
        if self.away:
            raise ModelUnavailable("away")
        shape = len(inputs["input_ids"]), sum(CONTRACTS[model].outputs.values())
        return Answer(np.full(shape, 0.9, np.float32), "1")


def snapshot(made, number, *assignments):
    """One of the configurations, asking the same models as the pipeline does."""
    chosen = load_settings(None, {}, [*CONFIGURATIONS[number], *assignments])
    stages = {DEFAULT: made.snapshot.default.stages}
    return make_snapshot(chosen, stages, {DEFAULT: LEXICONS[number]}, Metrics())


def pipeline(inference, number=0, *assignments):
    chosen = load_settings(None, {}, assignments)
    made = make_pipeline(chosen, {DEFAULT: CONTRACTS}, inference, Metrics())
    made.use(snapshot(made, number))
    return made


def inputs(queries):
    return [Input(json.dumps({"query": query}).encode(), "id", 5) for query in queries]


def body(result):
    """What the snapshot decides of an event."""
    event = json.loads(result.value)
    return {key: event[key] for key in ("expansions", "categories", "attributes", "provenance")} | {
        "provenance": event["provenance"] | {"cached": None}
    }


@pytest.fixture(scope="module")
def expected():
    """Configuration, query → the event that it alone makes."""

    async def alone(number):
        inference = Slow()
        inference.turns = asyncio.Semaphore(1000)
        results = await pipeline(inference, number).process(inputs(QUERIES))
        return dict(zip(QUERIES, map(body, results), strict=True))

    found = [asyncio.run(alone(number)) for number in range(len(CONFIGURATIONS))]
    assert len({len(events[QUERIES[0]]["expansions"]) for events in found}) == len(found)
    return found


STEPS = st.one_of(
    st.tuples(st.just("batch"), st.lists(st.sampled_from(QUERIES), min_size=1, max_size=4)),
    st.tuples(st.just("use"), st.integers(0, len(CONFIGURATIONS) - 1)),
    st.tuples(st.just("answer"), st.integers(1, 4)),
)


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=4, max_size=30))
def test_each_batch_is_made_of_the_snapshot_that_it_began_with(expected, steps):
    async def history():
        inference = Slow()
        made, current, batches = pipeline(inference), 0, []
        for step, value in steps:
            if step == "use":
                current = value
                made.use(snapshot(made, value))
            elif step == "answer":
                for _ in range(value):
                    inference.turns.release()
                await asyncio.sleep(0.001)
            else:
                batches.append((current, value, asyncio.create_task(made.process(inputs(value)))))
                await asyncio.sleep(0)
        for _ in range(1000):
            inference.turns.release()
        return [(number, queries, await task) for number, queries, task in batches]

    for number, queries, results in asyncio.run(history()):
        assert list(map(body, results)) == [expected[number][query] for query in queries]


def test_what_the_old_snapshot_had_in_flight_is_neither_joined_nor_kept():
    async def history():
        inference = Slow()
        made = pipeline(inference)
        first = asyncio.create_task(made.process(inputs(QUERIES)))
        await asyncio.sleep(0.01)
        made.use(snapshot(made, 1))
        second = asyncio.create_task(made.process(inputs(QUERIES)))
        await asyncio.sleep(0.01)
        for _ in range(100):
            inference.turns.release()
        await asyncio.gather(first, second)
        return await made.process(inputs(QUERIES))

    for result in asyncio.run(history()):
        told = json.loads(result.value)["provenance"]
        assert (told["lexicon"], told["cached"]) == ("lexicon 1", True)


def test_what_the_old_snapshot_made_is_not_answered_in_the_fast_lane():
    async def history():
        inference = Slow()
        made = pipeline(inference)
        under_way = asyncio.create_task(made.process(inputs(QUERIES)))
        await asyncio.sleep(0.01)
        made.use(snapshot(made, 1))
        for _ in range(100):
            inference.turns.release()
        await under_way
        return made.fast_lane(10_000)

    given = [item.value for item in inputs(QUERIES)]
    answers = asyncio.run(history()).answers(given, lambda _: ("id", 5), 5)
    assert answers.entries == [None] * len(QUERIES)


def test_a_lexicon_that_is_replaced_is_gone_at_once():
    """With all its memory: not when the collector of cycles comes by."""
    lexicon = Lexicon.load(STARTER_LEXICON)
    lexicon.read("red shoes")
    gone = weakref.ref(lexicon)
    gc.disable()
    try:
        del lexicon
        assert gone() is None
    finally:
        gc.enable()


def test_a_policy_reaches_the_calls_that_wait_for_a_model():
    """The way out of an outage must be open to what is stuck in it."""

    async def history():
        inference = Slow()
        inference.turns, inference.away = asyncio.Semaphore(10_000), True
        made = pipeline(inference)
        task = asyncio.create_task(made.process(inputs(QUERIES[:1])))
        await asyncio.sleep(0.2)
        assert not task.done()  # it blocks
        made.obey(Policies(intent="degrade", encoder="degrade", matching="degrade", patience_ms=0))
        return await asyncio.wait_for(task, 10)

    (result,) = asyncio.run(history())
    assert result.enrichment.degraded[:2] == ("intent", "encoder")


def test_the_caches_size_alone_keeps_its_entries():
    async def history():
        inference = Slow()
        inference.turns = asyncio.Semaphore(1000)
        made = pipeline(inference)
        await made.process(inputs(QUERIES))
        for size in ("100000", "0"):
            made.use(snapshot(made, 0, f"understanding.cache_bytes={size}"))
            yield [
                json.loads(r.value)["provenance"]["cached"]
                for r in await made.process(inputs(QUERIES))
            ]

    async def collect():
        return [told async for told in history()]

    assert asyncio.run(collect()) == [[True] * 3, [False] * 3]
