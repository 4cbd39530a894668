"""Steps that several scenarios take."""

from __future__ import annotations

import statistics
import time

from load_tests.bench import PARTITIONS, Backlog, Bench
from load_tests.generator import Load, Sending, Sent
from load_tests.observe import Window, watch
from load_tests.reconcile import Balance, Outputs, read, reconcile
from load_tests.subjects import Subject
from load_tests.triton import serve

WARM_S, DRAIN_S = 120.0, 120.0
STEADY_S = 0.5  # without a miss


def misses(subject: Subject) -> float:
    return subject.metric("cache_lookups_total", result="miss")


def warm_up(subject: Subject, backlog: Backlog, processes: int = 1) -> float:
    """Wait until every process has seen every query and misses have stopped; how many there were.

    Args:
        processes: of the worker, each of which has a cache of its own.
    """
    subject.until_ready()
    subject.until_out(backlog.warm, WARM_S)
    counts = [-1.0]

    def stopped() -> bool:
        counts.append(misses(subject))
        return counts[-1] == counts[-2] >= processes * backlog.warm

    subject.until(stopped, WARM_S, "come to an end of its cache misses", pause_s=STEADY_S)
    return counts[-1]


def uncached(bench: Bench, backlog: Backlog, subject: Subject) -> Window:
    """A window of a worker on a backlog of different queries, once it is under way."""
    settle(bench, subject)
    return window(bench, backlog, subject)


def settle(bench: Bench, subject: Subject) -> None:
    """Wait until a worker has started and put out the first events."""
    subject.until_ready()
    subject.until_out(bench.scaled(2000, least=200), WARM_S)


def window(bench: Bench, backlog: Backlog, subject: Subject) -> Window:
    return watch(subject.pid, subject.offsets.total, bench.window_s, backlog.count)


def capacity(bench: Bench, kind: serve.Kind) -> float:
    """Events a second of a worker with a backlog of different queries; once in a run."""

    def measure() -> float:
        backlog, rates = bench.distinct(), []
        bench.triton(kind)
        for _ in range(bench.rounds):
            with bench.worker(backlog.topic) as subject:
                rates.append(uncached(bench, backlog, subject).rate)
        return statistics.median(rates)

    return bench.once(("capacity", kind), measure)


def sending(bench: Bench, topic: str, load: Load) -> Sending:
    return Sending(bench.kafka.bootstrap_servers, topic, PARTITIONS, load)


def account(bench: Bench, subject: Subject, sent: Sent) -> tuple[Outputs, Balance]:
    """Wait until all that was sent came out, and read it back."""
    address = bench.kafka.bootstrap_servers
    dead = bench.offsets(subject.dead_letters)
    deadline = time.monotonic() + DRAIN_S
    while time.monotonic() < deadline:  # what has not come out by then is lost
        if subject.offsets.total() + dead.total() >= sent.sent:
            break
        time.sleep(0.2)
    outputs, rejected = read(address, subject.output), read(address, subject.dead_letters)
    return outputs, reconcile(sent.sent, PARTITIONS, outputs, rejected.numbers.tolist())
