"""`query-worker check`: everything that `run` rests on, one table, each fault with its remedy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource

from triton_models.contract import ModelContract, ModelFolderError
from worker.errors import Stop
from worker.parts import (
    MODELS,
    Contracts,
    check_models,
    fallback_intent,
    load_contract,
    load_lexicon,
    make_inference,
)
from worker.settings import Kafka, Settings
from worker.stream.clients import check_properties, common_properties

TIMEOUT_S = 5.0
DENIED = KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED
GROWTH = 16_384  # bytes that an enrichment adds at most to its input


@dataclass(frozen=True)
class Finding:
    """One line of the table; `state` is ok, warning or fault."""

    part: str
    state: Literal["ok", "warning", "fault"]
    told: str
    remedy: str = ""


def check(settings: Settings) -> list[Finding]:
    """Look at models, lexicon, the model server and Kafka; never raises for what it finds."""
    return [*_models(settings), *_properties(settings.kafka)]


def _models(settings: Settings) -> Iterator[Finding]:
    contracts: dict[str, ModelContract] = {}
    faults: list[Finding] = []
    for name in MODELS:
        try:
            contracts[name] = load_contract(settings, name)
        except ModelFolderError as error:
            told, _, remedy = str(error).rpartition("; ")
            faults.append(Finding(f"model folder {name}", "fault", told, remedy))
    yield from faults
    if not faults:
        told = f"{', '.join(contracts)} in {settings.inference.models}"
        yield Finding("model folders", "ok", told)
    yield _lexicon(settings, contracts)
    if "intent" in contracts:
        yield from _fallback(settings, contracts)
    if contracts:
        yield from _served(settings, contracts)


def _fallback(settings: Settings, contracts: Contracts) -> Iterator[Finding]:
    try:
        label = fallback_intent(settings, contracts)
    except Stop as error:
        (fault,) = error.faults
        told = f"found {fault.found}, expected {fault.expected}"
        yield Finding(fault.key, "fault", told, fault.remedy)
    else:
        if label is not None:
            yield Finding("policies.fallback_intent", "ok", label)


def _lexicon(settings: Settings, contracts: Contracts) -> Finding:
    if "encoder" not in contracts:
        told = "not checked: it belongs to the encoder"
        return Finding("lexicon", "warning", told, "mend the encoder's model folder first")
    try:
        lexicon = load_lexicon(settings, contracts)
    except Stop as error:
        told, _, remedy = str(error).rpartition("; ")
        return Finding("lexicon", "fault", told, remedy)
    return Finding("lexicon", "ok", f"{len(lexicon)} terms, version {lexicon.version}")


def _served(settings: Settings, contracts: Contracts) -> Iterator[Finding]:
    inference = make_inference(settings, contracts)

    async def ask() -> str | None:
        await inference.start()
        try:
            return await asyncio.wait_for(check_models(inference, contracts), TIMEOUT_S)
        finally:
            await inference.stop()

    try:
        away = asyncio.run(ask())
    except Stop as error:
        for fault in error.faults:
            told = f"{fault.key}: found {fault.found}, expected {fault.expected}"
            yield Finding("model contract", "fault", told, fault.remedy)
        if error.faults:
            return
        away = str(error)
    except TimeoutError:
        away = f"no answer within {TIMEOUT_S:.0f} s; start it, or mend inference.url"
    if away:
        told, _, remedy = away.rpartition("; ")
        yield Finding(inference.name, "fault", told or away, remedy if told else "")
    else:
        yield Finding("model contract", "ok", f"{inference.name} serves these models")


def _properties(kafka: Kafka) -> Iterator[Finding]:
    try:
        check_properties(kafka)
    except Stop as error:
        for fault in error.faults:
            yield Finding(fault.key, "fault", fault.found, fault.remedy)
    else:
        yield from _kafka(kafka)


def _kafka(kafka: Kafka) -> Iterator[Finding]:
    errors: list[str] = []
    client = AdminClient(
        common_properties(kafka) | {"error_cb": lambda error: errors.append(error.str())}
    )
    try:
        metadata = client.list_topics(timeout=TIMEOUT_S)
    except KafkaException as error:
        client.poll(0)
        told = errors[-1] if errors else error.args[0].str()
        remedy = "start it, or mend kafka.bootstrap_servers and [kafka.client]"
        yield Finding(f"Kafka at {kafka.bootstrap_servers}", "fault", told, remedy)
        return
    brokers = f"{len(metadata.brokers)} broker(s)"
    yield Finding(f"Kafka at {kafka.bootstrap_servers}", "ok", brokers)
    wanted = {
        kafka.input_topic: AclOperation.READ,
        kafka.output_topic: AclOperation.WRITE,
        kafka.dead_letter_topic: AclOperation.WRITE,
    }
    for name in wanted:
        if name in metadata.topics:
            count = len(metadata.topics[name].partitions)
            yield Finding(f"topic {name}", "ok", f"{count} partition(s)")
        else:
            told = "does not exist, or this user may not DESCRIBE it"
            remedy = f"create it, add an ACL: DESCRIBE, or mend kafka.{_setting(kafka, name)}"
            yield Finding(f"topic {name}", "fault", told, remedy)
    there = {name: right for name, right in wanted.items() if name in metadata.topics}
    yield from _rights(client, kafka, there)
    if len(there) == len(wanted):
        yield from _sizes(client, kafka)


def _setting(kafka: Kafka, topic: str) -> str:
    keys = ("input_topic", "output_topic", "dead_letter_topic")
    return next(key for key in keys if getattr(kafka, key) == topic)


def _rights(
    client: AdminClient, kafka: Kafka, wanted: Mapping[str, AclOperation]
) -> Iterator[Finding]:
    topics: Mapping[str, Future] = {}
    if wanted:  # it refuses to describe none
        topics = client.describe_topics(
            TopicCollection(list(wanted)),
            include_authorized_operations=True,
            request_timeout=TIMEOUT_S,
        )
    groups = client.describe_consumer_groups(
        [kafka.group_id], include_authorized_operations=True, request_timeout=TIMEOUT_S
    )
    asked = [(f"topic {name}", wanted[name], future) for name, future in topics.items()]
    asked += [(f"group {name}", AclOperation.READ, future) for name, future in groups.items()]
    for what, right, future in asked:
        try:
            allowed = future.result().authorized_operations
        except KafkaException as error:
            told, remedy = error.args[0].str(), "allow DESCRIBE to check it"
            # READ and WRITE bring DESCRIBE along: who may not describe it may not use it.
            denied = error.args[0].code() in DENIED
            if denied:
                remedy = f"add an ACL: {right.name} on {what}"
            yield Finding(f"access to {what}", "fault" if denied else "warning", told, remedy)
            continue
        if allowed is None:
            yield Finding(f"access to {what}", "warning", "the broker does not tell rights")
        elif right in allowed or AclOperation.ALL in allowed:
            yield Finding(f"access to {what}", "ok", f"may {right.name}")
        else:
            yield Finding(
                *(f"access to {what}", "fault", f"may not {right.name}"),
                f"add an ACL: {right.name} on {what}",
            )


def _sizes(client: AdminClient, kafka: Kafka) -> Iterator[Finding]:
    names = (kafka.input_topic, kafka.output_topic, kafka.dead_letter_topic)
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    try:
        futures = client.describe_configs(resources, request_timeout=TIMEOUT_S)
        limits = {
            resource.name: int(future.result()["max.message.bytes"].value)
            for resource, future in futures.items()
        }
    except (KafkaException, KeyError) as error:
        told = error.args[0].str() if isinstance(error, KafkaException) else "not told"
        yield Finding("max.message.bytes", "warning", told, "allow DESCRIBE_CONFIGS to check it")
        return
    needed = limits[kafka.input_topic] + GROWTH
    small = [name for name in names[1:] if limits[name] < needed]
    if small:
        told = f"{', '.join(small)}: below the input topic's plus {GROWTH}"
        yield Finding(
            "max.message.bytes",
            "warning",
            told,
            f"raise to {needed}, or dead letters may lose their headers",
        )
    else:
        yield Finding("max.message.bytes", "ok", "outputs fit")
