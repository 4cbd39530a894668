"""The consumer joins its group once the group's coordinator takes requests."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from tests.clients import failed
from worker.config.load import load_settings
from worker.metrics import Metrics
from worker.stream import consumer
from worker.stream.connectivity import Connectivity
from worker.stream.consumer import GroupConsumer

LOADING = KafkaError.COORDINATOR_LOAD_IN_PROGRESS


class Loading:
    """A client whose coordinator refuses requests with these errors, one after the other."""

    def __init__(self, errors):
        self.errors, self.calls = list(errors), []

    def committed(self, places, timeout):
        self.calls.append("committed")
        if self.errors:
            raise failed(self.errors.pop(0))
        return places

    def subscribe(self, topics, **_callbacks):
        self.calls.append("subscribe")


def joined(monkeypatch, *errors):
    client, kafka = Loading(errors), load_settings(None, {}, []).kafka
    monkeypatch.setattr(consumer, "Consumer", lambda _properties: client)
    monkeypatch.setattr(consumer, "COORDINATOR_PAUSE_S", 0.0)
    member = GroupConsumer(kafka, Metrics(), Connectivity(kafka), lambda *_: None)
    member.join(None, None, None)
    return client.calls


@pytest.mark.parametrize(
    "errors", [(), (KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR, LOADING)]
)
def test_it_joins_once_the_coordinator_answers(monkeypatch, errors):
    """librdkafka would make a refused join again only after three seconds."""
    calls = joined(monkeypatch, *errors)
    assert calls == ["committed"] * (len(errors) + 1) + ["subscribe"]


def test_it_does_not_wait_where_it_may_not_ask(monkeypatch):
    calls = joined(monkeypatch, KafkaError.GROUP_AUTHORIZATION_FAILED)
    assert calls == ["committed", "subscribe"]


def test_a_coordinator_that_never_takes_requests_does_not_hold_it_up_for_ever(monkeypatch):
    monkeypatch.setattr(consumer, "COORDINATOR_S", 0.05)
    calls = joined(monkeypatch, *[LOADING] * 1_000_000)
    assert calls[-1] == "subscribe"
