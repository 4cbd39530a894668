"""librdkafka properties: our defaults, then the user's, then those that the guarantees need."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from os.path import exists
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Producer

from worker.config.kafka import TOKEN, Kafka
from worker.config.secrets import plain
from worker.errors import ConfigError, Fault
from worker.stream.credentials import access_token

CLIENT_ID = "query-worker"
TRANSACTION_MS = 3000
# librdkafka logs every reconnect; the error callback gets its errors as well.
_logger = logging.getLogger("librdkafka")


def common_properties(kafka: Kafka) -> dict[str, Any]:
    own = plain(kafka.client)
    if own.pop(TOKEN, None):
        own["oauth_cb"] = access_token(kafka.client[TOKEN])
    return {
        "client.id": CLIENT_ID,
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 500,
        "logger": _logger,
        **own,
        "bootstrap.servers": kafka.bootstrap_servers,
    }


def consumer_properties(kafka: Kafka) -> dict[str, Any]:
    merged = {**kafka.client, **kafka.consumer}
    classic = merged.get("group.protocol", "classic") == "classic"
    return {
        "auto.offset.reset": "earliest",
        # Of each partition. librdkafka keeps some 400 bytes of a record beside its value and key,
        # which alone count for the next: 20,000 made the worker 25 MB larger, and no faster.
        "queued.min.messages": 4_000,
        "queued.max.messages.kbytes": 3_072,
        # By default a full queue is checked again after a second, when it is long empty.
        "fetch.queue.backoff.ms": 10,
        # A broker answers one request at a time: a partition that is not in the one under way, as
        # at the start or after a pause, waits for it, half a second by default.
        "fetch.wait.max.ms": 100,
        # So that added partitions are found within seconds.
        "topic.metadata.refresh.interval.ms": 10_000,
        # A broker that hangs keeps its connections; after this time it counts as unavailable.
        "socket.timeout.ms": 10_000,
        "allow.auto.create.topics": False,
        # Of the classic protocol only; with the newer one (KIP-848) the broker decides.
        # As short as brokers allow: a killed worker's partitions wait for this long.
        **({"session.timeout.ms": 6_000, "heartbeat.interval.ms": 300} if classic else {}),
        **common_properties(kafka),
        **plain(kafka.consumer),
        **({"partition.assignment.strategy": "cooperative-sticky"} if classic else {}),
        "group.id": kafka.group_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
    }


def producer_properties(kafka: Kafka, transactional_id: str | None = None) -> dict[str, Any]:
    """Properties of the producer, with transactions if `transactional_id` is given."""
    return {
        "linger.ms": 1,
        "queue.buffering.max.kbytes": 16_384,
        "compression.type": "lz4",
        # As in the Java client, so that equal keys go to the same partition.
        "partitioner": "murmur2_random",
        # The broker decides what is too large; a refused record is dead-lettered.
        "message.max.bytes": 64 * 2**20,
        # Without transactions, outputs wait for as long as the broker is unavailable.
        **(_transaction_properties(kafka) if transactional_id else {"message.timeout.ms": 0}),
        **common_properties(kafka),
        **plain(kafka.producer),
        "enable.idempotence": True,
        "delivery.report.only.error": True,  # no Python call for what is confirmed
        **({"transactional.id": transactional_id} if transactional_id else {}),
    }


def _transaction_properties(kafka: Kafka) -> dict[str, Any]:
    return {
        # The broker aborts longer transactions, so that consumers do not wait for them.
        "transaction.timeout.ms": max(TRANSACTION_MS, 3 * kafka.commit_interval_ms),
        # By default librdkafka forgets brokers that were all unavailable, but not which of them was
        # the group's coordinator, and waits for that one for ever when it sends offsets.
        "metadata.recovery.strategy": "none",
    }


def transactional_id(kafka: Kafka) -> str | None:
    """The producer's transactional id; None if delivery is at least once.

    A static member keeps its id, so that its successor aborts an open transaction at once.
    """
    if kafka.delivery != "exactly-once":
        return None
    instance = (kafka.client | kafka.consumer).get("group.instance.id") or uuid4().hex
    return f"{kafka.group_id}-{instance}"


def check_properties(kafka: Kafka) -> None:
    """Check that librdkafka accepts all properties; needs no broker.

    Raises:
        ConfigError: it refuses some; names them all.
    """
    # librdkafka would connect without credentials, and report one file by an OpenSSL error.
    unreadable = list(_unreadable(kafka))
    faults = {fault.key: fault for fault in (*_unused(kafka), *unreadable)}
    # Keyed by message, as the two clients share properties.
    for kind, client, properties in (
        ("consumer", Consumer, consumer_properties(kafka)),
        ("producer", Producer, producer_properties(kafka, transactional_id(kafka))),
    ):
        own = {name: f"kafka.client.{name}" for name in kafka.client}
        own |= {name: f"kafka.{kind}.{name}" for name in getattr(kafka, kind)}
        if unreadable:
            own = {name: key for name, key in own.items() if not _is_file(name)}
            properties = {name: item for name, item in properties.items() if not _is_file(name)}
        properties.pop("oauth_cb", None)  # a client waits a second for its first token
        for message, names in _refused(client, properties, own):
            keys = ", ".join(own[name] for name in names) or f"kafka.client, kafka.{kind}"
            if len(names) == 1:  # it may be called by an alias
                message = re.sub(r'(?<=property )"[\w.]+"', f'"{names[0]}"', message)
            found = f"what librdkafka refuses ({message})"
            remedy = "correct the property or leave it out"
            faults.setdefault(message, Fault(keys, found, "properties that it takes", remedy))
    if faults:
        raise ConfigError("configuration: properties of librdkafka", list(faults.values()))


def _unused(kafka: Kafka) -> Iterator[Fault]:
    """sasl.… properties with a security.protocol without SASL."""
    for kind in ("consumer", "producer"):
        properties = plain(kafka.client | getattr(kafka, kind))
        protocol = properties.get("security.protocol", "plaintext")
        sasl = sorted(name for name in properties if name.startswith("sasl."))
        if sasl and not protocol.lower().startswith("sasl"):
            remedy = f"set security.protocol to SASL_SSL, or leave out {', '.join(sasl)}"
            expected = "a SASL protocol, as there are sasl.… properties"
            yield Fault("kafka.client.security.protocol", protocol, expected, remedy)
            return


def _unreadable(kafka: Kafka) -> Iterator[Fault]:
    """Files of certificates and keys that do not exist or that this user may not read."""
    for kind in ("client", "consumer", "producer"):
        for name, path in plain(getattr(kafka, kind)).items():
            if _is_file(name) and path != "probe" and not os.access(path, os.R_OK):
                why = "this user may not read" if exists(path) else "does not exist"
                remedy = "mount it, let this user read it, or correct the path"
                expected = "a file that can be read"
                yield Fault(f"kafka.{kind}.{name}", f"{path}, which {why}", expected, remedy)


def _is_file(name: str) -> bool:
    return name.startswith("ssl.") and name.endswith(".location")


def _refused(
    client: type[Consumer | Producer], properties: dict[str, Any], own: Iterable[str]
) -> Iterator[tuple[str, list[str]]]:
    """Each refusal with the properties it is about: those without which it changes or goes.

    librdkafka reports one refusal at a time, sometimes under an alias of the property.
    """
    while message := _refusal(client, properties):
        names = [name for name in own if _refusal(client, _without(properties, [name])) != message]
        yield message, names
        if not names:
            return
        properties = _without(properties, names)


def _refusal(client: type[Consumer | Producer], properties: dict[str, Any]) -> str | None:
    try:
        client(properties)
    except KafkaException as error:
        message = error.args[0].str().strip()
        return message.removeprefix(f"Failed to create {client.__name__.lower()}: ")
    except (ValueError, TypeError, AttributeError) as error:
        return str(error)
    return None


def _without(properties: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in names}
