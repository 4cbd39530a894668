"""What can be seen from outside: end offsets of topics, processes' CPU and memory, metrics."""

from __future__ import annotations

import os
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_S, RETRY_S = 0.25, 10.0
NO_LEADER_YET = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._NOENT,
)
SAMPLE_LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")


class Offsets:
    """End offsets of a topic's partitions, in one request."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._asked = {TopicPartition(topic, n): OffsetSpec.latest() for n in range(partitions)}

    def total(self) -> int:
        """Records that are in the topic, those of open transactions and their markers included."""
        deadline = time.monotonic() + RETRY_S
        while True:
            found = self._admin.list_offsets(self._asked, request_timeout=10)
            try:
                return sum(future.result().offset for future in found.values())
            except KafkaException as error:  # a topic that was just made has no leader yet
                if error.args[0].code() not in NO_LEADER_YET or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def committed(bootstrap: str, group: str, topic: str, partitions: int) -> int:
    """Records of a topic that a consumer group is through with: the sum of its offsets."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
    asked = [TopicPartition(topic, number) for number in range(partitions)]
    found = consumer.committed(asked, timeout=10)
    consumer.close()
    return sum(max(at.offset, 0) for at in found)


@dataclass(frozen=True)
class Use:
    """What processes have used up to a moment.

    Attributes:
        cpu_s: user and system time.
        rss_mb: resident memory now, mebibytes.
        peak_mb: the sum of each process's largest resident memory.
    """

    cpu_s: float
    rss_mb: float
    peak_mb: float


def use(pid: int) -> Use:
    """Of a process and all that it started."""
    cpu, rss, peak = 0, 0, 0
    for one in tree(pid):
        try:
            stat = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:  # it has just ended
            continue
        cpu += int(stat[11]) + int(stat[12])
        rss += _kib(status, "VmRSS")
        peak += _kib(status, "VmHWM")
    return Use(cpu / TICKS, rss / 1024, peak / 1024)


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for one in found:
        for file in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, file.read_text().split())
            except OSError:
                continue
    return found


def _kib(status: str, name: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+) kB", status, re.M)
    return int(match[1]) if match else 0


def metric(url: str, name: str, **labels: str) -> float:
    """The sum of a metric's series that have these labels; 0 without one."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = 0.0
    for line in lines:
        match = SAMPLE_LINE.fullmatch(line)
        if match and match[1] == name:
            given = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            found += float(match[3]) if labels.items() <= given.items() else 0
    return found


@dataclass(frozen=True)
class Sample:
    at: float  # monotonic seconds
    events: int
    use: Use


@dataclass(frozen=True)
class Window:
    """Samples of a subject at work, four a second."""

    samples: list[Sample]

    @property
    def seconds(self) -> float:
        return self.samples[-1].at - self.samples[0].at

    @property
    def events(self) -> int:
        return self.samples[-1].events - self.samples[0].events

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU an event."""
        used = self.samples[-1].use.cpu_s - self.samples[0].use.cpu_s
        return 1e6 * used / max(self.events, 1)

    @property
    def cpu_share(self) -> float:
        """Of one core."""
        return (self.samples[-1].use.cpu_s - self.samples[0].use.cpu_s) / self.seconds

    @property
    def peak_mb(self) -> float:
        return self.samples[-1].use.peak_mb

    def by_second(self) -> list[tuple[float, float]]:
        """Seconds since the first sample, and the rate of the second before."""
        marks = self.samples[:: round(1 / SAMPLE_S)]
        start = marks[0].at
        return [
            (after.at - start, (after.events - before.events) / (after.at - before.at))
            for before, after in pairwise(marks)
        ]

    @property
    def slowest(self) -> float:
        """The slowest second's rate as a share of the mean."""
        return min(rate for _, rate in self.by_second()) / self.rate

    def memory(self) -> list[tuple[float, float]]:
        start = self.samples[0].at
        return [(sample.at - start, sample.use.rss_mb) for sample in self.samples]


def watch(pid: int, events: Callable[[], int], seconds: float, total: int | None = None) -> Window:
    """Sample for so long, or until all `total` events are out; the last sample is before that.

    Raises:
        RuntimeError: all were out too soon for a figure.
    """
    began, samples = time.monotonic(), []
    while True:
        due = began + len(samples) * SAMPLE_S
        time.sleep(max(0.0, due - time.monotonic()))
        count = events()
        sample = Sample(time.monotonic(), count, use(pid))
        if total is not None and count >= total:
            break
        samples.append(sample)
        if sample.at - began >= seconds:
            break
    if len(samples) < 1 + 1 / SAMPLE_S:
        raise RuntimeError("the backlog was worked off in less than a second: raise --scale")
    return Window(samples)
