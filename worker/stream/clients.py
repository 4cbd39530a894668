"""librdkafka properties: our defaults, then the user's, then what the guarantees rest on."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from os.path import exists
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Producer

from worker.config.secrets import plain
from worker.config.settings import TOKEN, Kafka
from worker.errors import ConfigError, Fault
from worker.stream.credentials import access_token

CLIENT_ID = "query-worker"
TRANSACTION_MS = 3000
# librdkafka's own log lines come with every reconnect; errors also reach the error callback.
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
        "queued.min.messages": 20_000,
        "queued.max.messages.kbytes": 8_192,
        # By default a full queue is looked at again a second later, when it is long empty.
        "fetch.queue.backoff.ms": 10,
        # Partitions that are added to the topic are found in time.
        "topic.metadata.refresh.interval.ms": 10_000,
        # A broker that hangs keeps its connections; by this time it is told to be away.
        "socket.timeout.ms": 10_000,
        "allow.auto.create.topics": False,
        # Only the classic protocol knows these; the newer one (KIP-848) has the broker decide.
        # As short as brokers allow: so long a killed worker's partitions wait.
        **({"session.timeout.ms": 6_000, "heartbeat.interval.ms": 300} if classic else {}),
        **common_properties(kafka),
        **plain(kafka.consumer),
        **({"partition.assignment.strategy": "cooperative-sticky"} if classic else {}),
        "group.id": kafka.group_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
    }


def producer_properties(kafka: Kafka, transactional_id: str | None = None) -> dict[str, Any]:
    """Those of the producer.

    Args:
        transactional_id: of a producer with transactions.
    """
    return {
        "linger.ms": 2,
        "queue.buffering.max.kbytes": 16_384,
        "compression.type": "lz4",
        # As Java's clients do it: equal keys go to equal partitions, whoever produces.
        "partitioner": "murmur2_random",
        # The broker decides what is too large; a refused record is dead-lettered.
        "message.max.bytes": 64 * 2**20,
        **(_within_transactions(kafka) if transactional_id else _without_limit()),
        **common_properties(kafka),
        **plain(kafka.producer),
        "enable.idempotence": True,
        "delivery.report.only.error": True,  # no Python call for what is confirmed
        **({"transactional.id": transactional_id} if transactional_id else {}),
    }


def _without_limit() -> dict[str, Any]:
    """While the broker is away, outputs wait and nothing is lost."""
    return {"message.timeout.ms": 0}


def _within_transactions(kafka: Kafka) -> dict[str, Any]:
    """The broker aborts what lasts longer; others then wait for it no more."""
    return {
        "transaction.timeout.ms": max(TRANSACTION_MS, 3 * kafka.commit_interval_ms),
        # By default librdkafka forgets brokers that were all away, but not which of them was the
        # group's coordinator: it then waits for that one for ever when offsets are to be sent.
        "metadata.recovery.strategy": "none",
    }


def transactional_id(kafka: Kafka) -> str | None:
    """A producer's own, where delivery is exactly once.

    A static member has it for ever, so that its successor at once aborts what it left open.
    """
    if kafka.delivery != "exactly-once":
        return None
    instance = (kafka.client | kafka.consumer).get("group.instance.id") or uuid4().hex
    return f"{kafka.group_id}-{instance}"


def check_properties(kafka: Kafka) -> None:
    """See that librdkafka takes all properties; needs no broker.

    Raises:
        ConfigError: it refuses some; names them all.
    """
    if faults := list(_unused(kafka)):  # librdkafka would connect without a login, and say nothing
        raise ConfigError("configuration: a login that would not be used", faults)
    faults = {fault.key: fault for fault in _unreadable(kafka)}
    if faults:  # librdkafka would tell of the first, and in OpenSSL's words
        raise ConfigError("configuration: files that cannot be read", list(faults.values()))
    # By what is told: the two clients share properties.
    for kind, client, properties in (
        ("consumer", Consumer, consumer_properties(kafka)),
        ("producer", Producer, producer_properties(kafka, transactional_id(kafka))),
    ):
        own = {name: f"kafka.client.{name}" for name in kafka.client}
        own |= {name: f"kafka.{kind}.{name}" for name in getattr(kafka, kind)}
        properties.pop("oauth_cb", None)  # a client waits a second for its first token
        for told, names in _refused(client, properties, own):
            keys = ", ".join(own[name] for name in names) or f"kafka.client, kafka.{kind}"
            fault = Fault(keys, told, "librdkafka's properties", "mend or leave out the property")
            faults.setdefault(told, fault)
    if faults:
        raise ConfigError("configuration: librdkafka refuses its properties", list(faults.values()))


def _unused(kafka: Kafka) -> Iterator[Fault]:
    """Logins beside a protocol that has none."""
    for kind in ("consumer", "producer"):
        properties = plain(kafka.client | getattr(kafka, kind))
        protocol = properties.get("security.protocol", "plaintext")
        login = [name for name in properties if name.startswith("sasl.")]
        if login and not protocol.lower().startswith("sasl"):
            remedy = f"set security.protocol to SASL_SSL, or leave out {', '.join(sorted(login))}"
            wanted = "one that logs in beside sasl.… properties"
            yield Fault("kafka.client.security.protocol", protocol, wanted, remedy)
            return


def _unreadable(kafka: Kafka) -> Iterator[Fault]:
    """Files of certificates and keys that are not there, or not for this user."""
    for kind in ("client", "consumer", "producer"):
        for name, path in plain(getattr(kafka, kind)).items():
            named = name.endswith(".location") and name.startswith("ssl.") and path != "probe"
            if named and not os.access(path, os.R_OK):
                found = (
                    f"{path}, which {'this user may not read' if exists(path) else 'is not there'}"
                )
                remedy = "mount it, let this user read it, or mend the path"
                yield Fault(f"kafka.{kind}.{name}", found, "a file that can be read", remedy)


def _refused(
    client: type[Consumer | Producer], properties: dict[str, Any], own: Iterable[str]
) -> Iterator[tuple[str, list[str]]]:
    """Each refusal and the names it is about: those without which it is another or none.

    librdkafka tells one refusal at a time, and some under another name of the property.
    """
    while told := _refusal(client, properties):
        names = [name for name in own if _refusal(client, _without(properties, [name])) != told]
        yield told, names
        if not names:
            return
        properties = _without(properties, names)


def _refusal(client: type[Consumer | Producer], properties: dict[str, Any]) -> str | None:
    try:
        client(properties)
    except KafkaException as error:
        told = error.args[0].str().strip()
        return told.removeprefix(f"Failed to create {client.__name__.lower()}: ")
    except (ValueError, TypeError, AttributeError) as error:
        return str(error)
    return None


def _without(properties: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in names}
