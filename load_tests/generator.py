"""Open-loop generator: sends each event when it is due, however slow the answers are.

    python -m load_tests.generator --bootstrap localhost:9092 --topic queries --rate 1000

Latencies are counted from the time at which an event was due, which is also the record's
timestamp: what the generator itself is late counts too, so nothing is omitted where the system
stalls. Event n has the `query_id` n and goes to partition n modulo the partitions. The last line
on stdout is JSON: `started_at` (Unix seconds), `sent`, `failed`, `late_p99_ms`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

from load_tests.figures import percentiles
from load_tests.queries import Encoder, asked
from load_tests.schedule import Schedule
from load_tests.sender import Sender
from load_tests.subjects import environment

LEAD_S, TICK_S, FLUSH_S = 0.5, 0.001, 60.0


@dataclass(frozen=True)
class Load:
    """What is sent.

    Attributes:
        shape: `distinct`, `uniform` or `zipf` over `different` queries.
        first: number of the first query.
    """

    schedule: Schedule
    shape: str = "distinct"
    different: int = 0
    first: int = 0
    seed: int = 0

    def queries(self) -> np.ndarray:
        return asked(self.shape, len(self.schedule.times()), self.different, self.seed)


@dataclass(frozen=True)
class Sent:
    """What the generator says at its end.

    Attributes:
        started_at: Unix seconds of the schedule's zero.
        late_p99_ms: how far behind the schedule events were handed to the producer.
    """

    started_at: float
    sent: int
    failed: int
    late_p99_ms: float


def send(bootstrap: str, topic: str, partitions: int, load: Load) -> Sent:
    """Send all of a load; returns when Kafka has confirmed it."""
    sender = Sender(bootstrap, linger_ms=1, queued=1_000_000)
    producer = sender.producer
    producer.list_topics(topic, timeout=10)  # connected before the first event is due
    due, queries = load.schedule.times(), load.queries().tolist()
    record, late = Encoder(load.first).record, np.zeros(len(due))
    started_at = time.time() + LEAD_S
    for first, end in pairwise(_ticks(due, started_at)):
        late[first:end] = time.time() - started_at - due[first:end]
        for n in range(first, end):
            at_ms = int(1000 * (started_at + due[n]))
            value = record(n, queries[n], at_ms)
            # While the queue is full the event is late, and its latency says so.
            sender.send(topic, value, n % partitions, at_ms, pause_s=0.001)
        producer.poll(0)
    left = producer.flush(FLUSH_S)
    late_p99 = percentiles(late, 0.99)[0] if len(late) else 0.0
    return Sent(started_at, len(due), left + len(sender.failed), round(1000 * late_p99, 2))


def _ticks(due: np.ndarray, started_at: float):
    """Event counts that are due, as time goes on: 0 first, all at the end."""
    yield (count := 0)
    while count < len(due):
        now = time.time() - started_at
        if due[count] > now:
            time.sleep(max(TICK_S, due[count] - now))
            continue
        count = int(np.searchsorted(due, now, side="right"))
        yield count


class Sending:
    """A generator in a process of its own."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, load: Load) -> None:
        command = [sys.executable, "-m", "load_tests.generator", "--bootstrap", bootstrap]
        command += ["--topic", topic, "--partitions", str(partitions)]
        fields = asdict(load.schedule) | {k: v for k, v in vars(load).items() if k != "schedule"}
        for name, value in fields.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        self._popen = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment())
        self.load = load

    @property
    def under_way(self) -> bool:
        return self._popen.poll() is None

    def result(self) -> Sent:
        """Wait for its end.

        Raises:
            RuntimeError: it failed, or events of it were not delivered.
        """
        output, _ = self._popen.communicate()
        if self._popen.returncode:
            raise RuntimeError(f"the generator ended with {self._popen.returncode}")
        sent = Sent(**json.loads(output.splitlines()[-1]))
        if sent.failed:
            raise RuntimeError(f"{sent.failed} events were not delivered to the input topic")
        return sent

    def stop(self) -> None:
        self._popen.kill()
        self._popen.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--bootstrap", "--topic"):
        parser.add_argument(name, required=True)
    parser.add_argument("--shape", default="distinct", choices=("distinct", "uniform", "zipf"))
    for name, default in (("partitions", 8), ("different", 10_000), ("first", 0), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rate", type=float, required=True, help="events a second")
    for name, default in (("seconds", 10), ("burst-at", 0), ("burst-s", 0), ("burst-factor", 1)):
        parser.add_argument(f"--{name}", type=float, default=default)
    given = parser.parse_args()
    schedule = Schedule(
        given.rate, given.seconds, given.burst_at, given.burst_s, given.burst_factor
    )
    load = Load(schedule, given.shape, given.different, given.first, given.seed)
    print(json.dumps(asdict(send(given.bootstrap, given.topic, given.partitions, load))))


if __name__ == "__main__":
    main()
