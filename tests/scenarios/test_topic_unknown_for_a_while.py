"""A broker that for a moment does not know a topic ends no worker, and turns no order."""

import json

import pytest
from confluent_kafka import KafkaError

from tests.librdkafka import topic_error
from tests.stream import Record, Topics, committed, ends, produce, read, running, settings
from tests.stream import wait_until as until
from worker.embedded.kafka import EmbeddedKafka
from worker.errors import Stop
from worker.stream.delivery import base

QUICK = (
    "kafka.consumer.group.protocol=consumer",
    "kafka.producer.topic.metadata.refresh.interval.ms=20",  # it learns of it at once
    "kafka.producer.topic.metadata.propagation.max.ms=0",  # and believes it
)
COUNT = 20


@pytest.fixture
def kafka():
    """Its own: it is going to answer wrongly."""
    with EmbeddedKafka.running() as kafka:
        yield kafka


def send(kafka, topics, begin):
    values = [b'{"query": "red shoes", "n": %d}' % n for n in range(begin, begin + COUNT)]
    records = [Record(value, key=b"same") for value in (*values, b"not JSON")]
    produce(kafka.bootstrap_servers, topics.input, records)


def refused(app):
    return app.runner.commits._delivery._recoveries


@pytest.mark.parametrize("unknown", ["output", "dead_letters"])
def test_all_is_done_again_in_its_order(kafka, unknown):
    servers, topics = kafka.bootstrap_servers, Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    with running(settings(servers, topics, *QUICK)) as app:
        topic_error(kafka._client, getattr(topics, unknown), KafkaError.UNKNOWN_TOPIC_OR_PART)
        begin = 0
        while not refused(app):  # until librdkafka has noticed
            send(kafka, topics, begin)
            begin += COUNT
            count = (COUNT + 1) * begin // COUNT
            until(lambda n=count: refused(app) or app.runner.totals.resolved == n, "answers", 15.0)
        topic_error(kafka._client, getattr(topics, unknown), KafkaError.NO_ERROR)
        send(kafka, topics, begin)
        all_of_it = {0: ends(servers, topics.input)[0]}
        until(lambda: committed(servers, topics.input, topics.input) == all_of_it, "all of it")
    found = [json.loads(message.value())["n"] for message in read(servers, [topics.output], 1)]
    last = {n: place for place, n in enumerate(found)}
    assert sorted(last, key=last.get) == list(range(begin + COUNT))


def test_one_that_stays_unknown_ends_the_worker(kafka, monkeypatch):
    monkeypatch.setattr(base, "MOST_RECOVERIES", 2)
    topics = Topics.fresh()
    kafka.create(topics.input, topics.output, topics.dead_letters)
    topic_error(kafka._client, topics.output, KafkaError.UNKNOWN_TOPIC_OR_PART)
    send(kafka, topics, 0)
    with (
        pytest.raises(Stop, match=f"^{topics.output} refuses the output .* see that the topic"),
        running(settings(kafka.bootstrap_servers, topics, *QUICK)) as app,
    ):
        until(lambda: app._state == "stopped", "the worker ends by itself", 20.0)
