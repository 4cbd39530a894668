"""The rights that `run` needs on the cluster, whether they are granted, and how to grant them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Literal

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient

from worker.config.settings import Kafka
from worker.redact import redacted
from worker.stream.clients import transactional_id
from worker.stream.consumer import NOT_YET
from worker.stream.kafka_errors import DENIED

PAUSE_S = 0.1
UNSUPPORTED = KafkaError.UNSUPPORTED_VERSION, KafkaError._UNSUPPORTED_FEATURE


@dataclass(frozen=True)
class Right:
    """One operation on one resource of the cluster.

    Attributes:
        optional: what the worker uses it for, if it runs without it as well; else "".
        prefixed: `name` is a prefix.
    """

    operation: AclOperation
    kind: Literal["topic", "group", "cluster", "transactional-id"]
    name: str
    optional: str = ""
    prefixed: bool = False

    @property
    def what(self) -> str:
        """The resource, e.g. `topic queries`."""
        return f"{self.kind} {self.name}{'*' if self.prefixed else ''}".strip()

    def command(self, kafka: Kafka) -> str:
        """The kafka-acls.sh command that grants it."""
        user = kafka.client.get("sasl.username", "")
        principal = f"User:{user}" if user and not user.startswith("file:") else "User:PRINCIPAL"
        words = ["kafka-acls.sh", "--bootstrap-server", kafka.bootstrap_servers, "--add"]
        words += ["--allow-principal", principal, "--operation", _word(self.operation)]
        words += [f"--{self.kind}", *([self.name] if self.name else [])]
        return shlex.join([*words, *(["--resource-pattern-type", "prefixed"] * self.prefixed)])


@dataclass(frozen=True)
class Answer:
    """Whether a right is granted, None if that is unknown; and the broker's reason.

    Attributes:
        reported: False where no broker says whether it is granted.
    """

    right: Right
    granted: bool | None
    message: str
    reported: bool = True

    @property
    def lacking(self) -> bool:
        """Whether `run` needs it, and it is not found though brokers report it."""
        return not (self.granted or self.right.optional) and self.reported


def needed(kafka: Kafka) -> list[Right]:
    """All rights of a worker with these settings; READ and WRITE imply DESCRIBE."""
    written = kafka.output_topic, kafka.dead_letter_topic
    rights = [Right(AclOperation.READ, "topic", kafka.input_topic)]
    rights += [Right(AclOperation.WRITE, "topic", name) for name in written]
    rights += [Right(AclOperation.READ, "group", kafka.group_id)]
    limits = "to fit requests to max.message.bytes"
    rights += [Right(AclOperation.DESCRIBE_CONFIGS, "topic", name, limits) for name in written]
    if transactional_id(kafka):
        both, prefix = (AclOperation.WRITE, AclOperation.DESCRIBE), f"{kafka.group_id}-"
        return [*rights, *(Right(o, "transactional-id", prefix, prefixed=True) for o in both)]
    old = "brokers before 3.0 require it"
    return [*rights, Right(AclOperation.IDEMPOTENT_WRITE, "cluster", "", old)]


def granted_rights(
    client: AdminClient, kafka: Kafka, topics: Collection[str], timeout_s: float
) -> Iterator[Answer]:
    """Whether each of `needed` is granted; `topics` are those that this user can see."""
    rights = needed(kafka)
    visible = sorted({right.name for right in rights if right.kind == "topic"} & {*topics})
    options = {"include_authorized_operations": True, "request_timeout": timeout_s}
    futures: dict[tuple[str, str], Future] = {}
    if visible:  # the client refuses an empty list
        described = client.describe_topics(TopicCollection(visible), **options)
        futures |= {("topic", name): future for name, future in described.items()}
    futures["group", kafka.group_id] = _group(client, kafka.group_id, options)
    futures["cluster", ""] = client.describe_cluster(**options)
    for right in rights:
        yield _answer(right, futures.get((right.kind, right.name)))


def _group(client: AdminClient, name: str, options: dict[str, object]) -> Future:
    """Asks again while the coordinator starts, as that of a cluster's first group does."""
    until = monotonic() + options["request_timeout"]
    while True:
        future = client.describe_consumer_groups([name], **options)[name]
        error = future.exception()
        waits = isinstance(error, KafkaException) and error.args[0].code() in NOT_YET
        if not waits or monotonic() >= until:
            return future
        sleep(PAUSE_S)


def listing(answers: Iterable[Answer], kafka: Kafka) -> str:
    """A shell script: each right as a comment with its state, then the command that grants it."""
    states = {True: "found", False: "missing", None: "unknown"}
    lines = []
    for answer in answers:
        right = answer.right
        optional = f"; optional: {right.optional}" if right.optional else ""
        reason = "" if answer.granted else f" ({answer.message})"
        head = f"# {states[answer.granted]}: {right.operation.name} on {right.what}"
        lines += [redacted(head + reason + optional), right.command(kafka)]
    return "\n".join(lines)


def as_dicts(answers: Iterable[Answer], kafka: Kafka) -> list[dict[str, object]]:
    """The same as JSON objects; `granted` is null if unknown."""
    return [
        {
            "operation": item.right.operation.name,
            "resource": item.right.kind,
            "name": item.right.name,
            "optional": bool(item.right.optional),
            "granted": item.granted,
            "message": item.message,
            "command": item.right.command(kafka),
        }
        for item in answers
    ]


def _answer(right: Right, future: Future | None) -> Answer:
    if future is None:
        if right.kind != "topic":
            return Answer(right, None, "brokers do not report it", reported=False)
        # READ and WRITE imply DESCRIBE: who has them would see it.
        granted = False if right.operation in (AclOperation.READ, AclOperation.WRITE) else None
        return Answer(right, granted, "it does not exist, or this user may not DESCRIBE it")
    try:
        allowed = future.result().authorized_operations
    except KafkaException as error:
        cause = error.args[0]
        if cause.code() in DENIED:
            return Answer(right, False, cause.str())
        if cause.code() in UNSUPPORTED:
            return Answer(right, None, "this broker does not report it", reported=False)
        return Answer(right, None, f"{cause.name()}, try again: {cause.str()}")
    if allowed is None:
        only = ", or only to users who may DESCRIBE the cluster" if right.kind == "cluster" else ""
        return Answer(right, None, f"the broker does not report rights{only}", reported=False)
    granted = right.operation in allowed or AclOperation.ALL in allowed
    return Answer(right, granted, f"may {'' if granted else 'not '}{right.operation.name}")


def _word(operation: AclOperation) -> str:
    """As kafka-acls.sh writes it, e.g. DescribeConfigs."""
    return "".join(part.capitalize() for part in operation.name.split("_"))
