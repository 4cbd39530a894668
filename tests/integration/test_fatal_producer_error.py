"""A producer that can never produce again ends the worker, and nothing unconfirmed is committed."""

import pytest
from confluent_kafka import KafkaError

from tests.librdkafka import INIT_PRODUCER_ID, PRODUCE_REQUEST, answer_with
from tests.stream import Record, Topics, committed, produce, running, settings, wait_until
from worker.embedded.kafka import EmbeddedKafka
from worker.errors import Stop


def test_it_stops_the_worker():
    """The broker has lost the sequence of the idempotent producer, which no retry mends."""
    topics = Topics.fresh()
    with EmbeddedKafka.running() as kafka:  # its own: it is going to answer wrongly
        kafka.create(topics.input, topics.output, topics.dead_letters)
        produce(kafka.bootstrap_servers, topics.input, [Record(b'{"query": "red shoes"}')])
        answer_with(kafka._client, PRODUCE_REQUEST, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
        chosen = settings(kafka.bootstrap_servers, topics, "kafka.consumer.group.protocol=consumer")
        with (
            pytest.raises(Stop, match="^the Kafka producer failed for good: .*sequence"),
            running(chosen) as app,
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
