"""Everything of one run that faults may touch, and the times that they are measured by."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field

from confluent_kafka import Consumer

from tests.faults.load import Load
from tests.faults.monitor import QUIET, Monitor
from tests.faults.workers import Group, Worker
from tests.servers.kafka import ApacheKafka
from tests.servers.triton import Triton

MEMBER_S = 60.0
POLL_S = 0.05


@dataclass(frozen=True)
class Moment:
    """From when recovery is measured: the part is back, or a worker is gone for good.

    Attributes:
        at: Unix time.
        partitions: the input partitions that the fault touched.
    """

    at: float
    partitions: frozenset[int]


@dataclass
class Scene:
    """The parts under test.

    Attributes:
        member: the properties that a consumer needs to join the workers' group.
    """

    kafka: ApacheKafka
    triton: Triton
    group: Group
    monitor: Monitor
    load: Load
    partitions: int
    topic: str
    member: dict[str, str]
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def all(self) -> frozenset[int]:
        return frozenset(range(self.partitions))

    def worker(self, target: int) -> Worker:
        return self.group.workers[target % len(self.group.workers)]

    def now(self, partitions: Iterable[int] | None = None) -> Moment:
        """This moment, for all partitions unless some are named."""
        return Moment(time.time(), self.all if partitions is None else frozenset(partitions))

    def wait(self, seconds: float) -> None:
        self.stop.wait(seconds)

    def until_settled(self) -> None:
        """Wait until every partition has its worker, and every worker a partition."""
        self._until(self._settled, "the group has settled")

    def owned(self) -> frozenset[int]:
        """The partitions that have a worker now."""
        return frozenset().union(*(worker.partitions() for worker in self.group.workers))

    def until_member(self, worker: Worker) -> None:
        """Wait until a worker that was started takes part in the group."""
        self._until(lambda: "assigned: partitions" in worker.told(), f"{worker.name} is a member")

    def until_triton_is_back(self) -> None:
        self._until(self._triton_ready, "Triton is ready")

    def foreign_member(self) -> Consumer:
        """A consumer that joins the workers' group and is none of them."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.kafka.bootstrap_servers,
                "client.id": "foreign",
                "enable.auto.commit": False,
                **self.member,
                **QUIET,
            }
        )
        consumer.subscribe([self.topic])
        return consumer

    def _settled(self) -> bool:
        owned = [worker.partitions() for worker in self.group.workers]
        return all(owned) and sum(map(len, owned)) == self.partitions

    def _triton_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.triton.http_url}/v2/health/ready", timeout=1) as it:
                return it.status == 200
        except OSError:
            return False

    def _until(self, condition, what: str) -> None:
        deadline = time.monotonic() + MEMBER_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {MEMBER_S:g} s for: {what}")
            time.sleep(POLL_S)
