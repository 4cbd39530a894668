"""Real servers: a plugin. Those that tests share are started at most once a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import kafka as apache
from tests.servers import maven
from tests.servers import models as tiny
from tests.servers import triton as nvidia
from tests.servers.secure_kafka import SecureKafka
from tests.skips import skip_or_fail
from worker.config.settings import STARTER_MODELS
from worker.embedded.binary import available


@pytest.fixture(scope="session")
def kafka() -> Iterator[apache.ApacheKafka]:
    """A real Apache Kafka."""
    yield from _kafka(apache.ApacheKafka)


@pytest.fixture
def kafka_of_its_own() -> Iterator[apache.ApacheKafka]:
    """One that nothing else uses, since it gets hurt."""
    yield from _kafka(apache.ApacheKafka)


@pytest.fixture(scope="session")
def secure_kafka() -> Iterator[SecureKafka]:
    """A real Apache Kafka with TLS and SASL."""
    yield from _kafka(SecureKafka)


def _kafka(kind: type[apache.ApacheKafka]) -> Iterator[apache.ApacheKafka]:
    if reason := apache.unavailable():
        skip_or_fail(reason)
    try:
        apache.fetch()
    except maven.MavenError as error:
        skip_or_fail(str(error))
    broker = kind()
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three tiny model folders."""
    folder = tmp_path_factory.mktemp("models")
    tiny.build(folder)
    return folder


@pytest.fixture(scope="session")
def triton() -> Iterator[nvidia.Triton]:
    """The real Triton with the starter models."""
    yield from _triton(STARTER_MODELS)


@pytest.fixture
def triton_of_its_own() -> Iterator[nvidia.Triton]:
    """One with the starter models that nothing else uses, since it gets hurt."""
    yield from _triton(STARTER_MODELS)


@pytest.fixture(scope="session")
def tiny_triton(tiny_models: Path) -> Iterator[nvidia.Triton]:
    """The real Triton with the tiny models."""
    yield from _triton(tiny_models)


def _triton(models: Path) -> Iterator[nvidia.Triton]:
    if reason := available():
        skip_or_fail(f"the real Triton cannot run here: {reason}")
    with nvidia.running(models) as server:
        yield server
