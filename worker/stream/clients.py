"""librdkafka properties: our defaults, then the user's, then what the guarantees rest on."""

from __future__ import annotations

import logging
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer

from worker.errors import ConfigError, Fault
from worker.settings import Kafka

CLIENT_ID = "query-worker"
# librdkafka's own log lines come with every reconnect; errors also reach the error callback.
_logger = logging.getLogger("librdkafka")


def common_properties(kafka: Kafka) -> dict[str, Any]:
    return {
        "client.id": CLIENT_ID,
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 2000,
        "logger": _logger,
        **kafka.client,
        "bootstrap.servers": kafka.bootstrap_servers,
    }


def consumer_properties(kafka: Kafka) -> dict[str, Any]:
    merged = {**kafka.client, **kafka.consumer}
    classic = merged.get("group.protocol", "classic") == "classic"
    return {
        "auto.offset.reset": "earliest",
        "queued.min.messages": 10_000,
        "queued.max.messages.kbytes": 32_768,
        "allow.auto.create.topics": False,
        # Only the classic protocol knows these two; the newer one (KIP-848) has the broker decide.
        **({"session.timeout.ms": 10_000} if classic else {}),
        **common_properties(kafka),
        **kafka.consumer,
        **({"partition.assignment.strategy": "cooperative-sticky"} if classic else {}),
        "group.id": kafka.group_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
    }


def producer_properties(kafka: Kafka) -> dict[str, Any]:
    return {
        "linger.ms": 5,
        "compression.type": "lz4",
        # As Java's clients do it: equal keys go to equal partitions, whoever produces.
        "partitioner": "murmur2_random",
        # The broker decides what is too large; a refused record is dead-lettered.
        "message.max.bytes": 64 * 2**20,
        # No time limit: while the broker is away, outputs wait and nothing is lost.
        "message.timeout.ms": 0,
        **common_properties(kafka),
        **kafka.producer,
        "enable.idempotence": True,
    }


def check_properties(kafka: Kafka) -> None:
    """See that librdkafka takes all properties; needs no broker.

    Raises:
        ConfigError: it refuses one.
    """
    faults = []
    kinds = {
        "consumer": (Consumer, consumer_properties(kafka)),
        "producer": (Producer, producer_properties(kafka)),
    }
    for kind, (client, properties) in kinds.items():
        try:
            client(properties)
        except (KafkaException, ValueError) as error:
            told = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            keys = f"kafka.client, kafka.{kind}"
            faults.append(
                Fault(keys, told, "librdkafka's properties", "mend or leave out the property")
            )
    if faults:
        raise ConfigError("configuration: librdkafka refuses its properties", faults[:1])
