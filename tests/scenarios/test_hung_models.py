"""While the models hang, the worker tells its lag, and that it drains when it was told to stop."""

import json
import re
import signal
import urllib.error
import urllib.request

from tests import program
from tests.stream import Record, committed, produce, running, settings, wait_until
from worker.stream import backpressure
from worker.stream import runner as runner_module


def on_triton(broker, topics, triton, *assignments):
    return settings(
        *(broker.bootstrap_servers, topics, "kafka.consumer.group.protocol=consumer"),
        *("inference.backend=triton", f"inference.url={triton.url}", *assignments),
        "inference.timeout_ms=500",
    )


def state(url):
    """Status of `/readyz`, and the state that it tells."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return answer.status, json.load(answer)["state"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["state"]


def records(count):
    return [Record(b'{"query": "red %d"}' % n, partition=n % 4) for n in range(count)]


def test_readyz_tells_the_drain(embedded_broker, triton):
    topics = embedded_broker.topics()
    chosen = on_triton(embedded_broker, topics, triton)
    with program.started("run", *program.assignments(chosen)) as worker:
        worker.says("assigned: partitions")
        url = re.search(r"health and metrics at (\S+)", worker.log)[1]
        wait_until(lambda: state(url) == (200, "running"), "ready")
        with triton.frozen():
            produce(embedded_broker.bootstrap_servers, topics.input, records(1))
            worker.says("trying again")
            worker.popen.send_signal(signal.SIGTERM)
            worker.says("draining: 1 batches in flight")
            assert state(url) == (503, "draining")
        assert worker.ended() == 0, worker.log
    assert "consumed 1, published 1, dead-lettered 0" in worker.log


def test_lag_is_told_before_any_commit_and_during_a_pause(embedded_broker, triton, monkeypatch):
    monkeypatch.setattr(backpressure, "PAUSE_AFTER_S", 0.0)
    monkeypatch.setattr(runner_module, "LAG_S", 0.1)
    broker, topics = embedded_broker, embedded_broker.topics()
    chosen = on_triton(broker, topics, triton, "batching.max_batches_in_flight=1")

    def lag(app):
        return {int(s.labels["partition"]): s.value for s in app.metrics.lag.collect()[0].samples}

    with running(chosen) as app:
        wait_until(lambda: lag(app) == dict.fromkeys(range(4), 0), "the lag of nothing")
        with triton.frozen():
            produce(broker.bootstrap_servers, topics.input, records(40))
            wait_until(lambda: app.runner.thread._backpressure.paused, "no room: it pauses")
            wait_until(lambda: lag(app) == dict.fromkeys(range(4), 10), "what it has consumed")
            produce(broker.bootstrap_servers, topics.input, records(20))
            wait_until(lambda: lag(app) == dict.fromkeys(range(4), 15), "what it cannot fetch")
            assert app.runner.thread._backpressure.paused
            assert committed(broker.bootstrap_servers, topics.input, topics.input) == {}
        wait_until(lambda: lag(app) == dict.fromkeys(range(4), 0), "it catches up")
