"""A call into librdkafka that never returns is given up, and so is its producer."""

import asyncio
import threading

import pytest
from confluent_kafka import KafkaException

from worker import config
from worker.metrics import Metrics
from worker.stream import transactions
from worker.stream.tracker import Tracker
from worker.stream.transactions import ExactlyOnce


def test_it_counts_as_a_failure_for_good(monkeypatch):
    monkeypatch.setattr(transactions, "CALL_S", 0.0)
    monkeypatch.setattr(transactions, "HANG_S", 0.01)
    kafka = config.load(None, {}, ["kafka.delivery=exactly-once"]).kafka
    delivery = ExactlyOnce(kafka, Tracker(), Metrics(), pytest.fail)
    end = threading.Event()

    def send_offsets(timeout_s: float) -> None:
        end.wait()

    with pytest.raises(KafkaException, match="send_offsets does not return") as raised:
        asyncio.run(delivery._call(send_offsets))
    end.set()
    error = raised.value.args[0]
    assert error.fatal() and not error.txn_requires_abort()
