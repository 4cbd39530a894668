"""As librdkafka reports it, on its own mock of a cluster: such errors come as of partition 0."""

from time import monotonic

import pytest
from confluent_kafka import Producer

from worker.config.load import load_settings
from worker.metrics import Metrics
from worker.stream.connectivity import Connectivity
from worker.stream.consumer import GroupConsumer


@pytest.fixture
def consumer():
    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    broker = next(iter(cluster.list_topics(timeout=5).brokers.values()))
    chosen = [f"kafka.bootstrap_servers={broker.host}:{broker.port}", "kafka.input_topic=missing"]
    kafka = load_settings(None, {}, chosen).kafka
    found = GroupConsumer(kafka, Metrics(), Connectivity(kafka), lambda *_: None)
    found.join(*[lambda *_: None] * 3)
    yield found
    found.leave()


def test_a_worker_without_its_topic_is_not_connected_and_says_so(consumer, caplog):
    until = monotonic() + 10.0
    while "available: missing" not in caplog.text and monotonic() < until:
        consumer.look(monotonic())
        consumer.fetch(1, 0.05, 10**6)
    until = monotonic() + 1.5  # statistics have come
    while monotonic() < until:
        consumer.fetch(1, 0.05, 10**6)
    assert not consumer._connectivity.connected
    assert "create the topic missing" in caplog.text
