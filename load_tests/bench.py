"""What every scenario works with: one broker, one Triton at a time, filled topics, subjects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from confluent_kafka.admin import AdminClient

from load_tests import subjects
from load_tests.observe import Offsets, committed
from load_tests.queries import Encoder, asked
from load_tests.sender import Sender
from load_tests.subjects import Subject
from load_tests.triton import serve
from tests.servers.kafka import ApacheKafka, fetch

PARTITIONS = 8
DIFFERENT = 4000  # queries that the cached scenarios ask for
CACHED, DISTINCT = 5_000_000, 1_000_000  # records of the backlogs at full scale
Delivery = Literal["at-least-once", "exactly-once"]
# The broker's time of each output, to measure latencies by; without it they have their inputs'.
BROKER_TIME = {"message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True)
class Backlog:
    """A filled input topic.

    Attributes:
        warm: records at the start that ask for each query once, where queries repeat.
    """

    topic: str
    count: int
    warm: int


class Bench:
    """Servers and settings of one run.

    Args:
        scale: of record counts and windows; 1 is the full size.
        rounds: how often each subject is measured, in turn.
        flames: folder for flame graphs of the worker; None for none.

    Attributes:
        window_s: how long a rate is measured.
    """

    def __init__(self, scale: float, rounds: int, flames: Path | None = None) -> None:
        self.scale, self.rounds, self.flames = scale, rounds, flames
        self.window_s = max(4.0, 15.0 * scale)
        self._stack = ExitStack()
        self._triton_stack = ExitStack()
        self._triton: serve.LoadTriton | None = None
        self._kept: dict[Any, Any] = {}

    def __enter__(self) -> Bench:
        fetch()
        self.kafka = ApacheKafka()
        self._stack.callback(self.kafka.close)
        self._stack.push(self._triton_stack)
        try:
            self.kafka.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._triton_stack.close()
        self._stack.close()

    def scaled(self, count: int, least: int = 1) -> int:
        return max(least, round(count * self.scale))

    def triton(self, kind: serve.Kind) -> serve.LoadTriton:
        """A server of that kind; another one is stopped."""
        if self._triton is None or self._triton.kind != kind:
            self._triton_stack.close()
            self._triton = self._triton_stack.enter_context(serve.running(kind))
        return self._triton

    def topic(self, config: dict[str, str] | None = None) -> str:
        """A new, empty topic."""
        name = f"load-{uuid4().hex[:8]}"
        self.kafka.create(name, partitions=PARTITIONS, config=config)
        return name

    def offsets(self, topic: str) -> Offsets:
        return Offsets(self.kafka.bootstrap_servers, topic, PARTITIONS)

    def committed(self, topic: str, subject: Subject) -> int:
        """Records of an input topic that a subject has committed."""
        return committed(self.kafka.bootstrap_servers, subject.output, topic, PARTITIONS)

    def cached(self) -> Backlog:
        """Records that ask for `DIFFERENT` queries: each once at first, then at random."""
        return self.backlog("uniform", self.scaled(CACHED), DIFFERENT)

    def distinct(self) -> Backlog:
        """Records that all ask for another query."""
        return self.backlog("distinct", self.scaled(DISTINCT))

    def backlog(self, shape: str, count: int, different: int = 0, first: int = 0) -> Backlog:
        """A filled topic; one that was filled alike before is used again.

        Args:
            first: number of the first query, so that another backlog has others.
        """
        key = shape, count, different, first
        return self.once(key, lambda: self._fill(*key))

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What was made under this key in this run; made now if nothing was."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _fill(self, shape: str, count: int, different: int, first: int) -> Backlog:
        topic, warm = self.topic(), different if shape == "uniform" else 0
        queries = [*range(warm), *asked(shape, count - warm, different).tolist()]
        fill(self.kafka.bootstrap_servers, topic, queries, first)
        return Backlog(topic, count, warm)

    @contextmanager
    def worker(
        self, topic: str, *settings: str, delivery: Delivery = "at-least-once", processes: int = 1
    ) -> Iterator[Subject]:
        """A worker on an input topic, under way; its output topic is deleted at the end."""
        assert self._triton is not None, "a worker needs a Triton"
        dead_letters, output = self.topic(), self.topic(BROKER_TIME)
        chosen = [
            f"kafka.bootstrap_servers={self.kafka.bootstrap_servers}",
            f"kafka.input_topic={topic}",
            f"kafka.output_topic={output}",
            f"kafka.dead_letter_topic={dead_letters}",
            f"kafka.group_id={output}",
            f"kafka.delivery={delivery}",
            f"inference.url={self._triton.grpc_url}",
            *settings,
        ]
        with subjects.worker(chosen, processes) as subject, self._deleted(output, dead_letters):
            yield subject.on(output, self.offsets(output), dead_letters)

    @contextmanager
    def reference(self, name: str, topic: str, delivery: Delivery) -> Iterator[Subject]:
        """A reference program on an input topic; its output topic is deleted at the end."""
        output = self.topic(BROKER_TIME)
        address = self.kafka.bootstrap_servers
        with (
            subjects.reference(name, address, topic, output, delivery) as subject,
            self._deleted(output),
        ):
            yield subject.on(output, self.offsets(output))

    @contextmanager
    def _deleted(self, *topics: str) -> Iterator[None]:
        try:
            yield
        finally:
            address = {"bootstrap.servers": self.kafka.bootstrap_servers, "log_level": 0}
            admin = AdminClient(address)
            for done in admin.delete_topics(list(topics)).values():
                done.result(30)


def fill(
    bootstrap: str, topic: str, queries: Sequence[int], first: int = 0, start: int = 0
) -> None:
    """Put one record a query into a topic, partition after partition.

    Args:
        first: number of the first query.
        start: number of the first event.

    Raises:
        RuntimeError: a record was not delivered.
    """
    sender = Sender(bootstrap, linger_ms=20, queued=500_000)
    record, now_ms = Encoder(first).record, time.time_ns() // 1_000_000
    for number, query in enumerate(queries, start):
        sender.send(topic, record(number, query, now_ms), number % PARTITIONS)
    if sender.producer.flush(120) or sender.failed:
        reason = sender.failed[:1] or "flush timed out"
        raise RuntimeError(f"the backlog could not be filled: {reason}")
