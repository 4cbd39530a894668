"""The rights that `run` needs on the cluster: which, who has them, and how to give them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient

from worker.config.settings import Kafka
from worker.redact import redacted
from worker.stream.clients import transactional_id
from worker.stream.kafka_errors import DENIED

NOT_ASKED = "the broker cannot be asked for it"


@dataclass(frozen=True)
class Right:
    """One operation on one thing of the cluster.

    Attributes:
        optional: "", or what it is good for where the worker runs without it as well.
        prefixed: it is for all whose name begins so.
    """

    operation: AclOperation
    kind: Literal["topic", "group", "cluster", "transactional-id"]
    name: str
    optional: str = ""
    prefixed: bool = False

    @property
    def what(self) -> str:
        """As a sentence names it, e.g. `topic queries`."""
        return f"{self.kind} {self.name}{'*' if self.prefixed else ''}".strip()

    def command(self, kafka: Kafka) -> str:
        """The line that gives it, for Kafka's own kafka-acls.sh."""
        user = kafka.client.get("sasl.username", "")
        principal = f"User:{user}" if user and not user.startswith("file:") else "User:PRINCIPAL"
        words = ["kafka-acls.sh", "--bootstrap-server", kafka.bootstrap_servers, "--add"]
        words += ["--allow-principal", principal, "--operation", _word(self.operation)]
        words += [f"--{self.kind}", *([self.name] if self.name else [])]
        return shlex.join([*words, *(["--resource-pattern-type", "prefixed"] * self.prefixed)])


@dataclass(frozen=True)
class Answer:
    """Whether a right was given; None where that cannot be known, and why not."""

    right: Right
    granted: bool | None
    told: str


def needed(kafka: Kafka) -> list[Right]:
    """All rights of a worker with these settings; READ and WRITE bring DESCRIBE along."""
    written = kafka.output_topic, kafka.dead_letter_topic
    rights = [Right(AclOperation.READ, "topic", kafka.input_topic)]
    rights += [Right(AclOperation.WRITE, "topic", name) for name in written]
    rights += [Right(AclOperation.READ, "group", kafka.group_id)]
    limits = "to fit requests to max.message.bytes"
    rights += [Right(AclOperation.DESCRIBE_CONFIGS, "topic", name, limits) for name in written]
    if transactional_id(kafka):
        both, prefix = (AclOperation.WRITE, AclOperation.DESCRIBE), f"{kafka.group_id}-"
        return [*rights, *(Right(o, "transactional-id", prefix, prefixed=True) for o in both)]
    old = "brokers before 3.0 ask for it"
    return [*rights, Right(AclOperation.IDEMPOTENT_WRITE, "cluster", "", old)]


def asked(
    client: AdminClient, kafka: Kafka, topics: Collection[str], timeout_s: float
) -> Iterator[Answer]:
    """What the cluster tells of each of `needed`; `topics` are those that this user sees."""
    wanted = needed(kafka)
    seen = sorted({right.name for right in wanted if right.kind == "topic"} & {*topics})
    options = {"include_authorized_operations": True, "request_timeout": timeout_s}
    told: dict[tuple[str, str], Future] = {}
    if seen:  # it refuses to describe none
        found = client.describe_topics(TopicCollection(seen), **options)
        told |= {("topic", name): future for name, future in found.items()}
    found = client.describe_consumer_groups([kafka.group_id], **options)
    told |= {("group", name): future for name, future in found.items()}
    told["cluster", ""] = client.describe_cluster(**options)
    for right in wanted:
        yield _answer(right, told.get((right.kind, right.name)))


def listing(answers: Iterable[Answer], kafka: Kafka) -> str:
    """Lines for a shell: each right as a comment with its state, and the command that gives it."""
    states = {True: "found", False: "missing", None: "not known"}
    lines = []
    for answer in answers:
        right = answer.right
        good_for = f"; optional: {right.optional}" if right.optional else ""
        told = "" if answer.granted else f" ({answer.told})"
        head = f"# {states[answer.granted]}: {right.operation.name} on {right.what}"
        lines += [redacted(head + told + good_for), right.command(kafka)]
    return "\n".join(lines)


def as_dicts(answers: Iterable[Answer], kafka: Kafka) -> list[dict[str, object]]:
    """The same for programs; `granted` is null where it is not known."""
    return [
        {
            "operation": item.right.operation.name,
            "resource": item.right.kind,
            "name": item.right.name,
            "optional": bool(item.right.optional),
            "granted": item.granted,
            "told": item.told,
            "command": item.right.command(kafka),
        }
        for item in answers
    ]


def _answer(right: Right, future: Future | None) -> Answer:
    if future is None:
        hidden = "it does not exist, or this user may not DESCRIBE it"
        return Answer(right, None, hidden if right.kind == "topic" else NOT_ASKED)
    try:
        allowed = future.result().authorized_operations
    except KafkaException as error:
        # READ and WRITE bring DESCRIBE along: who may not describe it may not use it.
        why = error.args[0]
        told = why.str() if why.code() in DENIED else f"{why.name()}, try again: {why.str()}"
        return Answer(right, False if why.code() in DENIED else None, told)
    if allowed is None:
        asks = ", or only to who may DESCRIBE the cluster" if right.kind == "cluster" else ""
        return Answer(right, None, f"the broker does not tell rights{asks}")
    granted = right.operation in allowed or AclOperation.ALL in allowed
    return Answer(right, granted, f"may {'' if granted else 'not '}{right.operation.name}")


def _word(operation: AclOperation) -> str:
    """As kafka-acls.sh writes it, e.g. DescribeConfigs."""
    return "".join(part.capitalize() for part in operation.name.split("_"))
