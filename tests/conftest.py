"""Brokers that tests share; each is started at most once a session."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.stream import Topics
from worker.embedded.kafka import EmbeddedKafka

pytest_plugins = ["tests.servers.fixtures"]

# A shell's background job ignores SIGINT, and so would the programs under test.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # so does what `nohup` starts
    signal.signal(signal.SIGHUP, lambda *_: None)  # children start with the default again


@dataclass(frozen=True)
class Broker:
    """A broker under test."""

    bootstrap_servers: str
    create: Callable[..., None]

    def topics(self) -> Topics:
        """Fresh topics with four partitions."""
        topics = Topics.fresh()
        self.create(topics.input, topics.output, topics.dead_letters)
        return topics


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[Broker]:
    with EmbeddedKafka.running() as kafka:
        yield Broker(kafka.bootstrap_servers, kafka.create)


@pytest.fixture(scope="session")
def real_broker(kafka) -> Broker:
    return Broker(kafka.bootstrap_servers, kafka.create)


@pytest.fixture(scope="session", params=["embedded_broker", "real_broker"])
def broker(request) -> Broker:
    """Each kind of broker in turn: the embedded one, and a real Apache Kafka."""
    return request.getfixturevalue(request.param)
