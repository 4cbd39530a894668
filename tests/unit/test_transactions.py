"""A transaction that is undone tells its cause, once, and not what follows on it."""

import asyncio

import pytest
from confluent_kafka import KafkaError, Message

from worker.config.load import load_settings
from worker.metrics import Metrics
from worker.stream.delivery.base import Broken
from worker.stream.delivery.exactly_once import ExactlyOnce
from worker.stream.offsets import Tracker


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (KafkaError.UNKNOWN_TOPIC_OR_PART, True),
        (KafkaError.NOT_ENOUGH_REPLICAS, True),
        (KafkaError._PURGE_QUEUE, False),
    ],
)
def test_the_cause_of_an_abort_is_told(code, told, caplog):
    kafka = load_settings(None, {}, ["kafka.delivery=exactly-once"]).kafka
    delivery = ExactlyOnce(kafka, Tracker(), Metrics(), fail=pytest.fail)
    record = Message(topic="queries", partition=0, offset=7, key=None, value=b"")
    for _ in range(2):
        with pytest.raises(Broken):
            asyncio.run(delivery.refused(record, b"", KafkaError(code)))
    messages = [item.getMessage() for item in caplog.records]
    assert len(messages) == told
    assert all(KafkaError(code).str() in message for message in messages)
