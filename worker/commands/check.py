"""`query-worker check`: everything that `run` rests on, one table, each fault with its remedy."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource

from triton_models.contract import ModelContract, ModelFolderError
from worker.build import (
    MODELS,
    Contracts,
    check_models,
    fallback_intent,
    load_contract,
    load_lexicon,
    make_inference,
)
from worker.commands.acls import NOT_ASKED, Answer, asked, needed
from worker.config.settings import Kafka, Settings
from worker.errors import ConfigError, Stop
from worker.redact import redacted
from worker.stream.clients import check_properties, common_properties
from worker.stream.kafka_errors import diagnosed, more_telling
from worker.tls_diagnosis import Trouble

TIMEOUT_S = 5.0
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


def show(findings: list[Finding]) -> None:
    """Print them as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "warning": "yellow", "fault": "bold red"}
    table = Table("part", "state", "found", "remedy", box=None, pad_edge=False)
    for item in findings:
        state = Text(item.state, styles[item.state])
        part, told, remedy = (Text(redacted(text)) for text in (item.part, item.told, item.remedy))
        table.add_row(part, state, told, remedy)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


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
            part = fault.key if isinstance(error, ConfigError) else "model contract"
            yield Finding(part, "fault", told, fault.remedy)
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
    part, client, known = f"Kafka at {kafka.bootstrap_servers}", *_reached(kafka)
    if isinstance(known, Trouble):
        yield Finding(part, "fault", known.told, known.remedy)
        return
    yield Finding(part, "ok", f"{len(known.brokers)} broker(s)")
    wanted = kafka.input_topic, kafka.output_topic, kafka.dead_letter_topic
    for name in wanted:
        if name in known.topics:
            count = len(known.topics[name].partitions)
            yield Finding(f"topic {name}", "ok", f"{count} partition(s)")
        else:
            told = "does not exist, or this user may not DESCRIBE it"
            remedy = f"create it, add an ACL: DESCRIBE, or mend kafka.{_setting(kafka, name)}"
            yield Finding(f"topic {name}", "fault", told, remedy)
    for answer in asked(client, kafka, known.topics, TIMEOUT_S):
        hidden = answer.right.kind == "topic" and answer.right.name not in known.topics
        if not answer.right.optional and not hidden:
            yield _access(answer)
    if all(name in known.topics for name in wanted):
        yield from _sizes(client, kafka)


def rights(kafka: Kafka) -> list[Answer]:
    """Each right that `run` needs, and whether this user has it as far as the cluster tells.

    Raises:
        ConfigError: librdkafka refuses its properties.
    """
    check_properties(kafka)
    client, known = _reached(kafka)
    if isinstance(known, Trouble):
        return [Answer(right, None, known.told) for right in needed(kafka)]
    return list(asked(client, kafka, known.topics, TIMEOUT_S))


def _reached(kafka: Kafka) -> tuple[AdminClient, ClusterMetadata | Trouble]:
    """A client, and what it knows of the cluster, or why it knows nothing."""
    last = ""

    def on_error(error: KafkaError) -> None:
        nonlocal last
        last = more_telling(error.str(), last)

    client = AdminClient(common_properties(kafka) | {"error_cb": on_error})
    try:
        return client, client.list_topics(timeout=TIMEOUT_S)
    except KafkaException as error:
        client.poll(0)
        return client, diagnosed(kafka, last or error.args[0].str())


def _setting(kafka: Kafka, topic: str) -> str:
    keys = ("input_topic", "output_topic", "dead_letter_topic")
    return next(key for key in keys if getattr(kafka, key) == topic)


def _access(answer: Answer) -> Finding:
    right = answer.right
    part = f"access to {right.what}"
    if answer.granted:
        return Finding(part, "ok", answer.told)
    if answer.granted is None:
        asks = answer.told != NOT_ASKED
        remedy = "allow DESCRIBE to check it" if asks else "see that it is given: check --acls"
        return Finding(part, "warning", f"{right.operation.name}: {answer.told}", remedy)
    remedy = f"add an ACL: {right.operation.name} on {right.what}"
    return Finding(part, "fault", answer.told, remedy)


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
