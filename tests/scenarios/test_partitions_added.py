"""Partitions that are added to the input topic are consumed without a restart."""

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from tests.stream import Record, Topics, done, produce, running, settings, wait_until
from worker.stream.clients import consumer_properties


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_they_are_taken_up(real_broker, protocol):
    servers, topics = real_broker.bootstrap_servers, real_broker.topics()
    refresh = "kafka.consumer.topic.metadata.refresh.interval.ms"
    chosen = settings(
        *(servers, topics, f"kafka.consumer.group.protocol={protocol}", f"{refresh}=1000")
    )
    with running(chosen) as app:
        wait_until(lambda: len(app.runner.offsets.owned()) == 4, "it owns those there are")
        admin = AdminClient({"bootstrap.servers": servers})
        for added in admin.create_partitions([NewPartitions(topics.input, 6)]).values():
            added.result(10)
        wait_until(lambda: len(app.runner.offsets.owned()) == 6, "it owns the new ones", 30)
        produce(servers, topics.input, [Record(b'{"query": "red"}', partition=n) for n in (4, 5)])
        wait_until(done(app, 2), "their records come out")


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_by_default_they_are_looked_for_well_within_half_a_minute(protocol):
    chosen = settings("localhost:9092", Topics.fresh(), f"kafka.consumer.group.protocol={protocol}")
    properties = consumer_properties(chosen.kafka)
    assert properties["topic.metadata.refresh.interval.ms"] <= 15_000
