"""A call about a transaction that never comes back costs its producer, and no record."""

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from tests.stream import Record, Topics, committed, produce, read, running, settings, wait_until
from worker.stream import producer as sink
from worker.stream.delivery import exactly_once as transactions

COUNT = 50


@pytest.mark.parametrize("returns", [False, True])
def test_another_producer_takes_over(kafka, monkeypatch, returns):
    """As librdkafka's does where the group's coordinator went under it; or it asks for patience."""
    released, hung = threading.Event(), []

    class Hangs(Producer):
        def send_offsets_to_transaction(self, *arguments):
            if not hung:
                hung.append(self)
            if self is hung[0]:
                if returns:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, retriable=True))
                released.wait()
            super().send_offsets_to_transaction(*arguments)

    monkeypatch.setattr(sink, "Producer", Hangs)
    monkeypatch.setattr(transactions, "HANG_S", 1.0)
    monkeypatch.setattr(transactions, "PATIENCE_S", 1.0)
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters, partitions=1)
    produce(servers, topics.input, [Record(b'{"query": "red shoes %d"}' % n) for n in range(COUNT)])
    with running(settings(servers, topics, "kafka.delivery=exactly-once")) as app:
        group = servers, topics.input, topics.input
        wait_until(lambda: committed(*group).get(0, 0) >= COUNT, "all of it is committed", 30.0)
        assert app.metrics.registry.get_sample_value("query_worker_producers_replaced_total") == 1
    released.set()
    assert len(read(servers, [topics.output], COUNT)) == COUNT
    assert len(hung) == 1
