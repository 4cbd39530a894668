"""Through an outage each policy keeps its word, and one call at a time goes to a sick server."""

import asyncio
import json
from collections import Counter

import numpy as np
import pytest

from tests.scenarios.test_health_and_metrics import get
from tests.stream import done, produce, read, running, schema, settings, shoes, wait_until
from worker import build as parts
from worker.errors import ModelUnavailable
from worker.inference.port import Answer
from worker.understanding.circuit_breaker import FAILURES

MAX_CALLS, BATCH, COUNT = 4, 10, 1200


class Sick:
    """Models that refuse to answer while `away`; it writes down who calls whom.

    Attributes:
        calls: of each model while away.
        at_once: the most calls of each model under way at once since `opened`.
    """

    name = "a sick server"

    def __init__(self, contracts):
        self.contracts, self.away = contracts, False
        self.calls, self.at_once = Counter(), Counter()
        self.under_way = []  # (model, its call)

    async def start(self):
        """Nothing to open."""

    async def stop(self):
        """Nothing to close."""

    async def ready(self):
        return True  # it seems well, as a server with a hung model does

    async def check(self, contracts):
        return []

    async def infer(self, model, inputs):
        away = self.away
        self.calls[model] += away
        self.under_way.append(call := (model, object()))
        at_once = sum(name == model for name, _ in self.under_way)
        self.at_once[model] = max(self.at_once[model], at_once)
        try:
            await asyncio.sleep(0.02 if away else 0)
        finally:
            self.under_way.remove(call)
        if away:
            raise ModelUnavailable(f"{model}: sick")
        shape = len(inputs["input_ids"]), sum(self.contracts[model].outputs.values())
        return Answer(np.full(shape, 0.5, np.float32), "1")


@pytest.fixture
def sick(monkeypatch):
    made = []

    def make(settings, contracts):
        made.append(Sick(contracts))
        return made[-1]

    monkeypatch.setattr(parts, "make_inference", make)
    return made


def start(broker, topics, policy):
    policies = [f"policies.{stage}={policy}" for stage in ("intent", "encoder", "matching")]
    return settings(
        *(broker.bootstrap_servers, topics, *policies, "policies.patience_ms=0"),
        *(f"batching.max_records={BATCH}", f"inference.max_calls_in_flight={MAX_CALLS}"),
        "inference.tagging=false",
    )


def opened(app, server):
    """Wait for the circuits of the two models that are asked first; count from then on."""
    wait_until(lambda: app._understanding.pipeline.away == ["intent", "encoder"], "open circuits")
    before = set(server.under_way)  # one of them and a probe would be two at once
    wait_until(lambda: before.isdisjoint(server.under_way), "calls from before came back")
    server.at_once.clear()


def after_outage(broker, topics, app, before):
    """The model is back: what comes is complete again, once a probe has found out."""

    def complete():
        count = app.runner.totals.resolved
        produce(broker.bootstrap_servers, topics.input, shoes(10**6 + count, 1))
        wait_until(done(app, count + 1), "one more")
        return app.metrics.events.labels("complete")._value.get() > before

    wait_until(complete, "complete events again", pause_s=0.1)


def test_block_waits_and_loses_nothing(embedded_broker, sick):
    broker, topics = embedded_broker, embedded_broker.topics()
    with running(start(broker, topics, "block")) as app:
        (server,) = sick
        wait_until(lambda: app.runner.connected and get(app, "/readyz")[0] == 200, "ready")
        server.away = True
        produce(broker.bootstrap_servers, topics.input, shoes(0, COUNT))
        opened(app, server)
        before = Counter(server.calls)
        wait_until(lambda: (server.calls - before)["intent"] >= 4, "four probes")
        assert dict(server.at_once) == {"intent": 1, "encoder": 1}
        assert app.runner.totals.resolved == 0
        status, body = get(app, "/readyz")
        told = {"models": "away", "circuits_open": ["intent", "encoder"]}
        assert status == 503 and told.items() <= json.loads(body).items()
        server.away = False
        wait_until(done(app, COUNT), "all of them")
        wait_until(lambda: get(app, "/readyz")[0] == 200, "ready again")
        assert app.runner.totals.published == COUNT
    found = read(broker.bootstrap_servers, [topics.output], COUNT)
    events = [json.loads(message.value()) for message in found]
    assert len({event["query"] for event in events}) == len(events) == COUNT
    assert {event["status"] for event in events} == {"complete"}


def test_degrade_publishes_all_at_once_and_hardly_asks(embedded_broker, sick):
    broker, topics = embedded_broker, embedded_broker.topics()
    with running(start(broker, topics, "degrade")) as app:
        (server,) = sick
        wait_until(lambda: app.runner.connected, "connected")
        server.away = True
        produce(broker.bootstrap_servers, topics.input, shoes(0, COUNT))
        wait_until(done(app, COUNT), "all of them, in the midst of the outage")
        # Each of the batches would have called; what does now is what opened the circuit and a
        # probe now and then.
        batches = app.metrics.registry.get_sample_value("query_worker_batch_records_count")
        assert batches >= COUNT / BATCH
        assert server.calls["intent"] <= FAILURES + MAX_CALLS + batches / 5
        assert app.metrics.registry.get_sample_value(
            "query_worker_model_circuit_open", {"model": "intent"}
        )
        server.away = False
        after_outage(broker, topics, app, 0)
    found = read(broker.bootstrap_servers, [topics.output], COUNT + 1)
    events = [json.loads(message.value()) for message in found]
    for event in events[:COUNT:50]:
        schema("output").validate(event)
    statuses = Counter(event["status"] for event in events)
    assert statuses["degraded"] >= COUNT and statuses["complete"] >= 1


def test_dead_letter_sends_all_away_at_once_and_hardly_asks(embedded_broker, sick):
    broker, topics = embedded_broker, embedded_broker.topics()
    with running(start(broker, topics, "dead_letter")) as app:
        (server,) = sick
        wait_until(lambda: app.runner.connected, "connected")
        server.away = True
        produce(broker.bootstrap_servers, topics.input, shoes(0, COUNT))
        wait_until(done(app, COUNT), "all of them, in the midst of the outage")
        assert app.runner.totals.dead_lettered == COUNT
        batches = app.metrics.registry.get_sample_value("query_worker_batch_records_count")
        assert server.calls["intent"] <= FAILURES + MAX_CALLS + batches / 5
        server.away = False
        after_outage(broker, topics, app, 0)
    letters = read(broker.bootstrap_servers, [topics.dead_letters], COUNT)
    reasons = Counter(dict(letter.headers())["x-error-type"] for letter in letters)
    assert set(reasons) == {b"model_unavailable"}
