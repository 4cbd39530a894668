"""The brokers of the tests hold what tests rely on."""

from __future__ import annotations

import socket

from confluent_kafka import Consumer, Producer, TopicPartition

from worker.embedded.kafka import EmbeddedKafka


def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(30) == 0


def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    messages = consumer.consume(count, 30)
    consumer.close()
    return [message.value() for message in messages]


def test_what_was_confirmed_survives_kill_and_stop(kafka):
    kafka.create("survivor")
    produce(kafka.bootstrap_servers, "survivor", [b"one"])
    kafka.kill()
    kafka.start()
    produce(kafka.bootstrap_servers, "survivor", [b"two"])
    kafka.stop()
    kafka.start()
    assert read(kafka.bootstrap_servers, "survivor", 2) == [b"one", b"two"]


def test_topics_are_not_made_by_accident(kafka):
    known = Producer({"bootstrap.servers": kafka.bootstrap_servers}).list_topics("typo", timeout=10)
    assert known.topics["typo"].error is not None


def test_the_embedded_broker_serves_any_client_until_it_is_stopped():
    with EmbeddedKafka.running() as kafka:
        kafka.create("embedded")
        produce(kafka.bootstrap_servers, "embedded", [b"one", b"two"])
        assert read(kafka.bootstrap_servers, "embedded", 2) == [b"one", b"two"]
        host, _, port = kafka.bootstrap_servers.rpartition(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0
