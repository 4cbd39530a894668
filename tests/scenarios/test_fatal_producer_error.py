"""A producer that fails for good is made anew, and what it did not confirm is done again."""

import json
from collections import Counter

import pytest
from confluent_kafka import KafkaError

from tests.librdkafka import INIT_PRODUCER_ID, PRODUCE_REQUEST, answer_with
from tests.stream import Record, Topics, committed, produce, read, running, settings, wait_until
from worker.embedded.kafka import EmbeddedKafka
from worker.errors import Stop
from worker.stream.delivery import base as delivery


def test_a_new_producer_goes_on_from_the_last_commit():
    """The broker has lost the sequence of the idempotent producer, which no retry mends."""
    topics = Topics.fresh()
    with EmbeddedKafka.running() as kafka:  # its own: it is going to answer wrongly
        kafka.create(topics.input, topics.output, topics.dead_letters)
        values = [b'{"query": "red shoes %d"}' % n for n in range(50)] + [b"not JSON"]
        produce(kafka.bootstrap_servers, topics.input, map(Record, values))
        answer_with(kafka._client, PRODUCE_REQUEST, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
        chosen = settings(kafka.bootstrap_servers, topics, "kafka.consumer.group.protocol=consumer")
        with running(chosen) as app:
            group = kafka.bootstrap_servers, topics.input, topics.input
            wait_until(lambda: committed(*group) == {0: 51}, "all of it is committed", 30.0)
        assert app.metrics.registry.get_sample_value("query_worker_producers_replaced_total") == 1
        found = read(kafka.bootstrap_servers, [topics.output, topics.dead_letters], 51)
    assert sum(message.topic() == topics.dead_letters for message in found) in (1, 2)
    ids = Counter(json.loads(m.value())["query_id"] for m in found if m.topic() == topics.output)
    assert ids.keys() == {f"{topics.input}-0-{n}" for n in range(50)}
    assert max(ids.values()) <= 2, "what was confirmed beside the failure may come out again"


def test_one_failure_after_the_other_ends_the_worker(monkeypatch):
    monkeypatch.setattr(delivery, "MOST_RECOVERIES", 2)
    topics = Topics.fresh()
    with EmbeddedKafka.running() as kafka:
        kafka.create(topics.input, topics.output, topics.dead_letters)
        produce(kafka.bootstrap_servers, topics.input, [Record(b'{"query": "red shoes"}')])
        answer_with(kafka._client, PRODUCE_REQUEST, *[KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER] * 9)
        with (
            pytest.raises(Stop, match="^the Kafka producer failed for good: .*sequence"),
            running(settings(kafka.bootstrap_servers, topics)) as app,
        ):
            wait_until(lambda: app._state == "stopped", "the worker ends by itself", 20.0)
        assert app.runner.totals.published == app.runner.totals.dead_lettered == 0
        assert committed(kafka.bootstrap_servers, topics.input, topics.input) == {}


def test_a_user_without_the_right_is_told_which_to_add():
    topics = Topics.fresh()
    with EmbeddedKafka.running() as kafka:
        kafka.create(topics.input, topics.output, topics.dead_letters)
        answer_with(kafka._client, INIT_PRODUCER_ID, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
        with (
            pytest.raises(Stop, match=f"WRITE on {topics.output} and .*, and IDEMPOTENT_WRITE"),
            running(settings(kafka.bootstrap_servers, topics)) as app,
        ):
            wait_until(lambda: app._state == "stopped", "the worker ends by itself", 20.0)
