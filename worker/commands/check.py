"""`query-worker check`: what `run` needs, as one table, each fault with its remedy."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import click
import orjson
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource
from rich.console import Console
from rich.table import Table
from rich.text import Text

from triton_models.contract import ModelContract, ModelFolderError
from worker.build import check_models, fallback_intent, make_inference, parents_for
from worker.commands.acls import Answer, as_dicts, granted_rights, listing, needed
from worker.commands.options import configured
from worker.config.models import ENCODER, INTENT
from worker.config.settings import Kafka, Server, Settings
from worker.errors import ConfigError, Fault, Stop
from worker.folders import (
    Contracts,
    by_name,
    load_contract,
    load_lexicon,
    model_names,
    namesakes,
)
from worker.redact import redacted
from worker.server.http import check_certificate
from worker.stream.clients import check_properties, common_properties
from worker.stream.kafka_errors import diagnose_connection, more_specific
from worker.tls_diagnosis import Diagnosis

TIMEOUT_S = 5.0
TOPICS = "input_topic", "output_topic", "dead_letter_topic"
GROWTH = 16_384  # bytes that an enrichment adds at most to its input


@click.command(short_help="Check configuration, models, Triton and Kafka.")
@configured
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--acls", is_flag=True, help="Print the rights that are needed, and how to grant them."
)
def check(settings: Settings, as_json: bool, acls: bool) -> None:
    """Check what `run` needs: configuration, models, lexicon, Triton, Kafka and rights.

    The exit code is 1 if there is a fault; with --acls, if a right that is needed is not found.

    \b
    Example:
      query-worker check -c worker.toml
    """
    # Else Ctrl-C would wait for librdkafka's calls to time out; there is nothing to clean up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if acls:
        answers = rights(settings.kafka)
        if as_json:
            _print_indented(as_dicts(answers, settings.kafka))
        else:
            click.echo(listing(answers, settings.kafka))
        sys.exit(any(item.lacking for item in answers))
    findings = findings_of(settings)
    if as_json:
        _print_indented(findings)
    else:
        show(findings)
    if any(finding.state == "fault" for finding in findings):
        sys.exit(1)


@dataclass(frozen=True)
class Finding:
    """One line of the table; `state` is ok, warning or fault."""

    part: str
    state: Literal["ok", "warning", "fault"]
    message: str
    remedy: str = ""

    @classmethod
    def of(cls, fault: Fault) -> Finding:
        message = f"found {fault.found}, expected {fault.expected}"
        return cls(fault.key, "fault", message, fault.remedy)

    @classmethod
    def fault(cls, part: str, text: str) -> Finding:
        """From an error's text, whose remedy comes after the last semicolon."""
        message, _, remedy = text.rpartition("; ")
        return cls(part, "fault", message or text, remedy if message else "")


def findings_of(settings: Settings) -> list[Finding]:
    """Check models, lexicon, model server and Kafka; faults are returned, not raised."""
    return [*_models(settings), *_server(settings.server), *_properties(settings.kafka)]


def show(findings: list[Finding]) -> None:
    """Print them as a table."""
    styles = {"ok": "green", "warning": "yellow", "fault": "bold red"}
    table = Table("part", "state", "found", "remedy", box=None, pad_edge=False)
    for item in findings:
        state = Text(item.state, styles[item.state])
        part, message, remedy = (Text(redacted(t)) for t in (item.part, item.message, item.remedy))
        table.add_row(part, state, message, remedy)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _models(settings: Settings) -> Iterator[Finding]:
    found: dict[str, Contracts] = {}
    for entry in settings.entries:
        yield from _entry(settings, entry, found)
    for fault in namesakes(found):
        yield Finding.fault("models of one name", fault)
    if models := by_name(found):
        yield from _served(settings, models)


def _server(server: Server) -> Iterator[Finding]:
    try:
        check_certificate(server)
    except Stop as error:
        yield from map(Finding.of, error.faults)


def _entry(settings: Settings, entry: str, found: dict[str, Contracts]) -> Iterator[Finding]:
    """Check an entry's models and lexicon; its contracts are put into `found`."""
    contracts: dict[str, ModelContract] = {}
    chosen, whose = settings.of(entry), f"languages.{entry}: " if entry else ""
    for name in model_names(chosen):
        try:
            contracts[name] = load_contract(chosen, name)
        except ModelFolderError as error:
            yield Finding.fault(f"{whose}model folder {name}", str(error))
    found[entry] = contracts
    if len(contracts) == len(model_names(chosen)):
        message = f"{', '.join(by_name({entry: contracts}))} in {chosen.inference.models}"
        yield Finding(f"{whose}model folders", "ok", message)
    yield _lexicon(settings, entry, contracts)
    if INTENT in contracts:
        yield from _labels(settings, contracts)


def _labels(settings: Settings, contracts: Contracts) -> Iterator[Finding]:
    """Check settings that name labels of the intent model."""
    try:
        parents_for(settings, contracts)
        if (label := fallback_intent(settings, contracts)) is not None:
            yield Finding("policies.fallback_intent", "ok", label)
    except Stop as error:
        yield from map(Finding.of, error.faults)


def _lexicon(settings: Settings, entry: str, contracts: Contracts) -> Finding:
    part = f"languages.{entry}: lexicon" if entry else "lexicon"
    if ENCODER not in contracts:
        message = "not checked: it depends on the encoder"
        return Finding(part, "warning", message, "correct the encoder's model folder first")
    try:
        lexicon = load_lexicon(settings, contracts, entry=entry)
    except Stop as error:
        return Finding.fault(part, str(error))
    return Finding(part, "ok", f"{len(lexicon)} terms, version {lexicon.version}")


def _served(settings: Settings, contracts: Contracts) -> Iterator[Finding]:
    inference = make_inference(settings, contracts)

    async def ask() -> str | None:
        await inference.start()
        try:
            return await asyncio.wait_for(check_models(inference, contracts), TIMEOUT_S)
        finally:
            await inference.stop()

    try:
        unavailable = asyncio.run(ask())
    except Stop as error:
        for fault in error.faults:
            message = f"{fault.key}: found {fault.found}, expected {fault.expected}"
            part = fault.key if isinstance(error, ConfigError) else "model contract"
            yield Finding(part, "fault", message, fault.remedy)
        if error.faults:
            return
        unavailable = str(error)
    except TimeoutError:
        unavailable = f"no answer within {TIMEOUT_S:.0f} s; start it, or correct inference.url"
    if unavailable:
        yield Finding.fault(inference.name, unavailable)
    else:
        yield Finding("model contract", "ok", f"{inference.name} serves these models")


def _properties(kafka: Kafka) -> Iterator[Finding]:
    try:
        check_properties(kafka)
    except Stop as error:
        yield from map(Finding.of, error.faults)
    else:
        yield from _kafka(kafka)


def _kafka(kafka: Kafka) -> Iterator[Finding]:
    part = f"Kafka at {kafka.bootstrap_servers}"
    client, metadata = _connected(kafka)
    if isinstance(metadata, Diagnosis):
        yield Finding(part, "fault", metadata.message, metadata.remedy)
        return
    yield Finding(part, "ok", f"{len(metadata.brokers)} broker(s)")
    topics = {key: getattr(kafka, key) for key in TOPICS}
    for key, name in topics.items():
        if name in metadata.topics:
            count = len(metadata.topics[name].partitions)
            yield Finding(f"topic {name}", "ok", f"{count} partition(s)")
        else:
            message = "does not exist, or this user may not DESCRIBE it"
            remedy = f"create it, add an ACL: DESCRIBE, or correct kafka.{key}"
            yield Finding(f"topic {name}", "fault", message, remedy)
    for answer in granted_rights(client, kafka, metadata.topics, TIMEOUT_S):
        hidden = answer.right.kind == "topic" and answer.right.name not in metadata.topics
        if not answer.right.optional and not hidden:
            yield _access(answer)
    if all(name in metadata.topics for name in topics.values()):
        yield from _limits(client, list(topics.values()))


def rights(kafka: Kafka) -> list[Answer]:
    """Each right that `run` needs, and whether this user has it, if the cluster says so.

    Raises:
        ConfigError: librdkafka refuses its properties.
    """
    check_properties(kafka)
    client, metadata = _connected(kafka)
    if isinstance(metadata, Diagnosis):
        return [Answer(right, None, metadata.message) for right in needed(kafka)]
    return list(granted_rights(client, kafka, metadata.topics, TIMEOUT_S))


def _connected(kafka: Kafka) -> tuple[AdminClient, ClusterMetadata | Diagnosis]:
    """A client with the cluster's metadata, or why it cannot connect."""
    last = ""

    def on_error(error: KafkaError) -> None:
        nonlocal last
        last = more_specific(error.str(), last)

    client = AdminClient(common_properties(kafka) | {"error_cb": on_error})
    try:
        return client, client.list_topics(timeout=TIMEOUT_S)
    except KafkaException as error:
        client.poll(0)
        return client, diagnose_connection(kafka, last or error.args[0].str())


def _access(answer: Answer) -> Finding:
    right = answer.right
    part = f"access to {right.what}"
    if answer.granted:
        return Finding(part, "ok", answer.message)
    if answer.granted is None:
        remedy = "check again" if answer.reported else "check that it is granted: check --acls"
        return Finding(part, "warning", f"{right.operation.name}: {answer.message}", remedy)
    remedy = f"add an ACL: {right.operation.name} on {right.what}"
    return Finding(part, "fault", answer.message, remedy)


def _limits(client: AdminClient, names: list[str]) -> Iterator[Finding]:
    """Whether the topics take outputs and dead letters; `names` are in the order of TOPICS."""
    part = "max.message.bytes"
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    try:
        futures = client.describe_configs(resources, request_timeout=TIMEOUT_S)
        found = {resource.name: future.result() for resource, future in futures.items()}
        limits = {name: int(of[part].value) for name, of in found.items()}
        policy = found[names[-1]]["cleanup.policy"].value
    except (KafkaException, KeyError) as error:
        message = error.args[0].str() if isinstance(error, KafkaException) else "unknown"
        yield Finding(part, "warning", message, "allow DESCRIBE_CONFIGS to check it")
        return
    least, (*_, letters) = limits[names[0]] + GROWTH, names
    if "compact" in policy:  # refuses records without a key
        message = f"{policy}: a rejected record without a key stops the worker"
        yield Finding(f"cleanup.policy of {letters}", "fault", message, "set it to delete")
    if limits[letters] < limits[names[0]]:
        message = f"{letters}: a rejected record above {limits[letters]} bytes stops the worker"
        yield Finding(part, "fault", message, f"raise it to {least}")
    elif small := [name for name in names[1:] if limits[name] < least]:
        message = f"{', '.join(small)}: less than {GROWTH} bytes above the input topic's"
        remedy = f"raise it to {least}, or dead letters may lose their headers"
        yield Finding(part, "warning", message, remedy)
    else:
        yield Finding(part, "ok", "outputs fit")


def _print_indented(item: object) -> None:
    click.echo(orjson.dumps(item, option=orjson.OPT_INDENT_2))
