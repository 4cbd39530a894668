"""One model hangs while its server is well: its stage's policy acts, and /readyz tells."""

import json
from collections import Counter

from tests.scenarios.test_health_and_metrics import get, samples
from tests.stream import Record, done, produce, read, running, schema, settings, wait_until

OPEN = 'query_worker_model_circuit_open{model="intent"}'
SERVER_UP = 'query_worker_component_up{component="models"}'


def records(first, count):
    return [
        Record(b'{"query": "red running shoes %d"}' % n, partition=n % 4)
        for n in range(first, first + count)
    ]


def ready(app):
    status, body = get(app, "/readyz")
    return status, json.loads(body)["circuits_open"]


def test_the_others_work_on_and_it_comes_back(embedded_broker, triton):
    broker, topics = embedded_broker, embedded_broker.topics()
    chosen = settings(
        *(broker.bootstrap_servers, topics, "inference.backend=triton"),
        *(f"inference.url={triton.url}", "inference.timeout_ms=1000"),
        *("policies.intent=degrade", "policies.patience_ms=0", "policies.fallback_intent=other"),
        "understanding.match_threshold=0.5",
    )
    with running(chosen) as app:
        wait_until(lambda: app.http.url and ready(app) == (200, []), "ready")
        sent = 0

        def until(condition, what):
            """Produce until it holds; all that was sent comes out."""
            nonlocal sent

            def holds():
                nonlocal sent
                sent += produce(broker.bootstrap_servers, topics.input, records(sent, 8))
                wait_until(done(app, sent), "all records")
                return condition()

            wait_until(holds, what)

        with triton.hung("intent"):
            until(lambda: ready(app) == (503, ["intent"]), "the circuit opens")
            found = samples(get(app, "/metrics")[1])
            assert (found[OPEN], found[SERVER_UP]) == (1, 1)  # the server itself is well
        until(lambda: ready(app) == (200, []), "the circuit closes")
        until(lambda: True, "complete events")
        found = samples(get(app, "/metrics")[1])
        assert found['query_worker_model_circuit_openings_total{model="intent"}'] == 1
        assert found['query_worker_model_circuit_openings_total{model="matching"}'] == 0
    events = [json.loads(m.value()) for m in read(broker.bootstrap_servers, [topics.output], sent)]
    assert len({event["query"] for event in events}) == len(events) == sent
    for event in events:
        schema("output").validate(event)
    statuses = Counter(event["status"] for event in events)
    assert statuses["degraded"] >= 8 and statuses["complete"] >= 8
    for event in events:
        assert event["degraded"] == (["intent"] if event["status"] == "degraded" else [])
        assert (event["intent"]["confidence"] == 0) == bool(event["degraded"])
        assert event["expansions"]  # encoder and matching were there all the time
