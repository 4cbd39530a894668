"""Consume, transform, produce; commit each second, with or without transactions.

What `bare` and `splice` share: everything but what they do to a record.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

NONE: Mapping[str, Any] = {}
BATCH, POLL_S, COMMIT_S, TRANSACTION_S = 1000, 0.02, 1.0, 30.0


def main(transform: Callable[[bytes], bytes], properties: Mapping[str, Any] = NONE) -> None:
    """Run until SIGTERM; the last interval is committed.

    Args:
        properties: of the producer, beside those that both loops share.
    """
    parser = argparse.ArgumentParser()
    for name in ("--bootstrap", "--input", "--output", "--group"):
        parser.add_argument(name, required=True)
    parser.add_argument("--delivery", choices=("at-least-once", "exactly-once"), required=True)
    _run(parser.parse_args(), transform, properties)


def _run(
    options: argparse.Namespace,
    transform: Callable[[bytes], bytes],
    properties: Mapping[str, Any],
) -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    transactional = options.delivery == "exactly-once"
    consumer = _consumer(options)
    producer = _producer(options, transactional, properties)
    consumer.subscribe([options.input])
    if transactional:
        _init_transactions(producer)
        producer.begin_transaction()
    commit = _commit_transaction if transactional else _flush_and_commit
    seen, due = 0, time.monotonic() + COMMIT_S
    while not stopped:
        for message in consumer.consume(BATCH, POLL_S):
            if message.error() is None:
                _produce(producer, options.output, transform(message.value()))
                seen += 1
        producer.poll(0)
        if seen and time.monotonic() >= due:
            commit(consumer, producer)
            seen, due = 0, time.monotonic() + COMMIT_S
    if seen:
        commit(consumer, producer)
    consumer.close()


def _produce(producer: Producer, topic: str, value: bytes) -> None:
    while True:
        try:
            return producer.produce(topic, value)
        except BufferError:
            producer.poll(0.01)


def _flush_and_commit(consumer: Consumer, producer: Producer) -> None:
    producer.flush()
    consumer.commit(asynchronous=False)


def _init_transactions(producer: Producer) -> None:
    deadline = time.monotonic() + TRANSACTION_S
    while True:
        try:
            return producer.init_transactions(TRANSACTION_S)
        except KafkaException as error:  # a broker that just started still loads its state
            if not error.args[0].retriable() or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _commit_transaction(consumer: Consumer, producer: Producer) -> None:
    offsets = [at for at in consumer.position(consumer.assignment()) if at.offset >= 0]
    group = consumer.consumer_group_metadata()
    producer.send_offsets_to_transaction(offsets, group, TRANSACTION_S)
    producer.commit_transaction(TRANSACTION_S)
    producer.begin_transaction()


def _consumer(options: argparse.Namespace) -> Consumer:
    properties = {
        "bootstrap.servers": options.bootstrap,
        "group.id": options.group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "partition.assignment.strategy": "cooperative-sticky",
        # By default a partition whose queue is full is not fetched for a second: 8 partitions of
        # small records then give no more than about 230,000 records/s.
        "fetch.queue.backoff.ms": 10,
    }
    return Consumer(properties)


def _producer(
    options: argparse.Namespace, transactional: bool, properties: Mapping[str, Any]
) -> Producer:
    shared = {
        "bootstrap.servers": options.bootstrap,
        "enable.idempotence": True,
        "compression.type": "lz4",
    }
    name = {"transactional.id": options.group} if transactional else {}
    return Producer(shared | dict(properties) | name)


def fail(error: KafkaError | None, _: Message) -> None:
    """A delivery callback: ends the program before anything is committed."""
    if error is not None:
        raise SystemExit(f"not delivered: {error}")
