"""A topic or an offset that is missing, as librdkafka reports it on its own mock of a cluster."""

from time import monotonic

import pytest
from confluent_kafka import Producer

from worker.config.load import load_settings
from worker.metrics import Metrics
from worker.stream.connectivity import Connectivity
from worker.stream.consumer import GroupConsumer


@pytest.fixture
def chosen(request) -> list[str]:
    """Settings of the consumer."""
    return getattr(request, "param", ["kafka.input_topic=missing"])


@pytest.fixture
def consumer(chosen):
    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    broker = next(iter(cluster.list_topics(timeout=5).brokers.values()))
    address = f"kafka.bootstrap_servers={broker.host}:{broker.port}"
    kafka = load_settings(None, {}, [address, *chosen]).kafka
    if kafka.input_topic != "missing":
        cluster.list_topics(kafka.input_topic, timeout=5)  # creates it
    found = GroupConsumer(kafka, Metrics(), Connectivity(kafka), lambda *_: None)
    found.join(*[lambda *_: None] * 3)
    yield found
    found.leave()


def look_until(consumer, caplog, text):
    """Until it is logged, and statistics have come."""
    until = monotonic() + 20.0
    while text not in caplog.text and monotonic() < until:
        consumer.look(monotonic())
        consumer.fetch(1, 0.05, 10**6)
    until = monotonic() + 2.5
    while monotonic() < until:
        consumer.fetch(1, 0.05, 10**6)


def test_a_worker_without_its_topic_is_not_connected_and_says_so(consumer, caplog):
    look_until(consumer, caplog, "available: missing")
    assert not consumer._connectivity.connected
    assert "create the topic missing" in caplog.text


@pytest.mark.parametrize(
    "chosen", [["kafka.input_topic=there", "kafka.consumer.auto.offset.reset=error"]], indirect=True
)
def test_who_is_to_start_at_no_offset_is_not_connected_and_is_told_why(consumer, caplog):
    """It has joined, and consumes nothing: that must not pass for an idle topic."""
    look_until(consumer, caplog, "auto.offset.reset")
    assert not consumer._connectivity.connected
    assert "to earliest or latest, or give group query-worker an offset" in caplog.text
    assert "start it" not in caplog.text
