"""A model server that dies or hangs in the middle: the worker pauses and resumes, or degrades."""

import json
from collections import Counter

from tests.stream import done, produce, read, running, schema, settings, shoes, wait_until
from triton_models import contract
from worker.config.settings import STARTER_MODELS


def test_events_flow_through_the_real_triton(broker, triton):
    topics = broker.topics()
    chosen = settings(
        broker.bootstrap_servers, topics, "inference.backend=triton", f"inference.url={triton.url}"
    )
    produce(broker.bootstrap_servers, topics.input, shoes(0, 300))
    with running(chosen) as app:
        wait_until(done(app, 300), "300 events")
    valid, version = schema("output"), contract.load(STARTER_MODELS / "intent").version
    for message in read(broker.bootstrap_servers, [topics.output], 300):
        event = json.loads(message.value())
        valid.validate(event)
        assert event["status"] == "complete"
        assert event["provenance"]["intent"] == f"intent:{version}"


def test_block_waits_for_a_killed_server_and_loses_nothing(embedded_broker, triton_of_its_own):
    broker, triton = embedded_broker, triton_of_its_own
    topics = broker.topics()
    chosen = settings(  # a busy machine may take long, and calls to a killed server fail at once
        *(broker.bootstrap_servers, topics, "inference.timeout_ms=20000"),
        *("inference.backend=triton", f"inference.url={triton.url}"),
    )
    with running(chosen) as app:
        produce(broker.bootstrap_servers, topics.input, shoes(0, 300))
        wait_until(done(app, 50), "the first events")
        triton.kill()
        produce(broker.bootstrap_servers, topics.input, shoes(300, 700))
        wait_until(done(app, 1000), "all events, after the server came back")
    assert (app.runner.totals.published, app.runner.totals.dead_lettered) == (1000, 0)
    found = read(broker.bootstrap_servers, [topics.output], 1000)
    events = [json.loads(message.value()) for message in found]
    assert len({event["query"] for event in events}) == 1000
    assert all(event["status"] == "complete" for event in events)


def test_degrade_publishes_without_the_model_and_says_so(embedded_broker, triton_of_its_own):
    broker, triton = embedded_broker, triton_of_its_own
    topics = broker.topics()
    stages = ("intent", "encoder", "matching", "tagging")
    policies = [f"policies.{stage}=degrade" for stage in stages]
    chosen = settings(
        *(broker.bootstrap_servers, topics, *policies, "policies.patience_ms=100"),
        *("inference.backend=triton", f"inference.url={triton.url}", "inference.timeout_ms=1500"),
    )
    with running(chosen) as app:
        wait_until(lambda: app.runner.connected, "the worker is connected")
        with triton.frozen():
            produce(broker.bootstrap_servers, topics.input, shoes(0, 20))
            wait_until(done(app, 20), "the degraded events")
        valid = schema("output")
        for message in read(broker.bootstrap_servers, [topics.output], 20):
            event = json.loads(message.value())
            valid.validate(event)
            assert event["status"] == "degraded"
            assert {"intent", "encoder"} <= set(event["degraded"])
            assert event["intent"] is None
        probes = works_again(broker, topics, app)
        # A degraded answer must not be remembered: the same queries again are complete.
        produce(broker.bootstrap_servers, topics.input, shoes(0, 20))
        wait_until(done(app, 40 + probes), "the same queries again")
    found = read(broker.bootstrap_servers, [topics.output], 40 + probes)
    events = [json.loads(message.value()) for message in found]
    same = {f"red shoes {n}" for n in range(20)}
    statuses = Counter(event["status"] for event in events if event["query"] in same)
    assert statuses == {"degraded": 20, "complete": 20}


def works_again(broker, topics, app):
    """Other queries, one at a time, until no circuit is open; how many it took."""
    probes = 0

    def closed():
        nonlocal probes
        probes += produce(broker.bootstrap_servers, topics.input, shoes(1000 + probes, 1))
        wait_until(done(app, 20 + probes), "one more")
        return not app._understanding.pipeline.away

    wait_until(closed, "all models are back", pause_s=0.1)
    return probes
