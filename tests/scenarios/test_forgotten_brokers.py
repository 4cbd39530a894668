"""A client that has forgotten all brokers, as librdkafka may when one stops, is replaced."""

import logging

import pytest

from tests.stream import Topics, done, produce, read, running, settings, shoes, wait_until
from worker.stream.connectivity import Brokers

REPLACED = "query_worker_producers_replaced_total"
LEFT = {"brokers": {"GroupCoordinator": {"source": "logical", "state": "TRY_CONNECT"}}}


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_the_worker_goes_on(kafka, delivery, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    seen, forgetful, look = [], [], Brokers.look

    def told(self, statistics):
        seen.append(self)
        look(self, LEFT if self in forgetful else statistics)

    monkeypatch.setattr(Brokers, "look", told)
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    with running(settings(servers, topics, f"kafka.delivery={delivery}")) as app:
        produce(servers, topics.input, shoes(0, 8))
        wait_until(done(app, 8), "records")
        wait_until(lambda: len(set(seen)) == 2, "statistics of both clients")
        forgetful += set(seen)
        wait_until(lambda: len(set(seen)) == 4, "statistics of two other clients")
        produce(servers, topics.input, shoes(8, 8))
        wait_until(done(app, 16), "records after it")
        assert app.metrics.registry.get_sample_value(REPLACED) == 1
    assert caplog.text.count(f"a new Kafka consumer is created: {Brokers.FORGOTTEN}") == 1
    outputs = {message.value() for message in read(servers, [topics.output], 16)}
    assert len(outputs) == 16
