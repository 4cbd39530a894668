"""`/metrics` speaks the declared vocabulary; `/livez` and `/readyz` tell the worker's state."""

import json
import re
import threading
import urllib.error
import urllib.request

from prometheus_client import generate_latest

from tests.stream import Record, done, produce, running, settings, wait_until
from worker import metrics
from worker.app import App


def get(app, path):
    """Status and body."""
    try:
        with urllib.request.urlopen(app.http.url + path, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def samples(text):
    """name{labels} → value"""
    pairs = re.findall(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in pairs}


def test_every_declared_series_moves(broker):
    topics = broker.topics()
    values = [b'{"query": "red running shoes"}'] * 50 + [b"bad"] * 3 + [b'{"query": " "}'] * 2
    produce(broker.bootstrap_servers, topics.input, [Record(value) for value in values])
    with running(settings(broker.bootstrap_servers, topics)) as app:
        wait_until(done(app, 55), "all records")
        lag = f'query_worker_consumer_lag_records{{partition="0",topic="{topics.input}"}}'
        wait_until(lambda: samples(get(app, "/metrics")[1]).get(lag) == 0, "no lag")
        assert get(app, "/livez")[0] == 200
        wait_until(lambda: get(app, "/readyz")[0] == 200, "ready")
        text = get(app, "/metrics")[1]
        assert get(app, "/else")[0] == 404
    found = samples(text)
    declared = metrics.vocabulary()
    names = {name.partition("{")[0] for name in found}
    missing = (
        set(declared)
        - names
        - {"query_worker_degraded_events_total", "query_worker_kafka_errors_total"}
    )
    assert not missing
    assert names <= set(declared)
    assert found["query_worker_records_consumed_total"] == 55
    assert found['query_worker_events_total{status="complete"}'] == 50
    assert found['query_worker_events_total{status="dead_lettered"}'] == 5
    assert found['query_worker_dead_letters_total{reason="invalid_json",stage="decode"}'] == 3
    assert found['query_worker_dead_letters_total{reason="empty_query",stage="decode"}'] == 2
    assert found['query_worker_model_calls_total{model="intent",outcome="ok"}'] >= 1
    assert found["query_worker_event_seconds_count"] == 55
    assert found['query_worker_commits_total{outcome="ok"}'] >= 1
    assert found['query_worker_component_up{component="kafka"}'] == 1
    assert found['query_worker_component_up{component="models"}'] == 1
    lookups = [
        found.get(f'query_worker_cache_lookups_total{{result="{r}"}}', 0)
        for r in ("hit", "miss", "joined")
    ]
    assert sum(lookups) == 50 and lookups[1] >= 1


def test_what_is_waited_for_at_the_start_is_told_to_be_down(embedded_broker):
    up, down = (f'query_worker_component_up{{component="{name}"}}' for name in ("kafka", "models"))
    away = "inference.backend=triton", "inference.url=127.0.0.1:9"
    chosen = settings(embedded_broker.bootstrap_servers, embedded_broker.topics(), *away)
    first = samples(generate_latest(App(chosen).metrics.registry).decode())
    assert (first[up], first[down]) == (0, 0)
    with running(chosen) as app:
        wait_until(lambda: app.http.url, "it serves")
        wait_until(lambda: samples(get(app, "/metrics")[1])[up] == 1, "Kafka is found")
        found = samples(get(app, "/metrics")[1])
    assert found[down] == 0
    assert found["process_start_time_seconds"] > 0  # what tells a restart loop


def test_a_hung_main_loop_fails_livez(embedded_broker):
    broker = embedded_broker
    chosen = settings(broker.bootstrap_servers, broker.topics(), "lifecycle.stall_timeout_s=0.6")
    with running(chosen) as app:
        wait_until(lambda: app.http.url and get(app, "/readyz")[0] == 200, "ready")
        assert get(app, "/livez")[0] == 200
        go_on = threading.Event()  # waited for on the loop itself: nothing else runs there
        app.runner._loop.call_soon_threadsafe(go_on.wait)
        try:
            wait_until(lambda: get(app, "/livez")[0] == 503, "the hang is seen")
            assert json.loads(get(app, "/livez")[1])["heartbeat_age_s"] >= 0.6  # rounded
        finally:
            go_on.set()
        wait_until(lambda: get(app, "/livez")[0] == 200, "it goes on")


def test_series_of_revoked_partitions_disappear(embedded_broker):
    broker = embedded_broker
    topics = broker.topics()
    chosen = settings(broker.bootstrap_servers, topics, "kafka.consumer.group.protocol=consumer")
    produce(
        broker.bootstrap_servers,
        topics.input,
        [Record(b'{"query": "a"}', partition=n) for n in range(4)],
    )

    def partitions(app):
        return {s.labels["partition"] for s in app.metrics.lag.collect()[0].samples}

    with running(chosen) as first:
        wait_until(lambda: len(partitions(first)) == 4, "the lag of four partitions")
        with running(chosen) as second:
            wait_until(lambda: len(partitions(first)) == 2, "two are given away")
            wait_until(lambda: second.metrics.partitions._value.get() == 2, "the other has two")
            assert first.metrics.partitions._value.get() == 2
