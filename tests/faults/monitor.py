"""What comes out, read as it comes."""

from __future__ import annotations

import math
import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterable

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from tests.faults.flow import Flow
from tests.faults.inputs import NUMBER

QUIET = {"reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 200, "log_level": 0}

LOOK_S = 0.1


def reader(
    bootstrap: str, topics: Iterable[str], **properties: object
) -> tuple[Consumer, list[TopicPartition]]:
    """A consumer of all partitions of the topics, from their beginning, committed records only."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "fault-suite-reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 50,
            **QUIET,
            **properties,
        }
    )
    known = consumer.list_topics(timeout=10).topics
    places = [
        TopicPartition(topic, number, OFFSET_BEGINNING)
        for topic in topics
        for number in known[topic].partitions
    ]
    consumer.assign(places)
    return consumer, places


def number(message: Message) -> int:
    """Of the input that a record was made from; -1 when it does not tell."""
    for name, value in message.headers() or ():
        if name == NUMBER and value and value.isdigit():
            return int(value)
    return -1


class Monitor:
    """Reads outputs and dead letters beside the workers, in a thread of its own."""

    def __init__(self, bootstrap: str, topics: Iterable[str], flow: Flow) -> None:
        self._consumer, _ = reader(bootstrap, topics)
        self._flow = flow
        self._arrived: dict[tuple[str, int], tuple[array, array]] = {}  # offsets, Unix times
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.ident:
            self._thread.join()
        self._consumer.close()

    def flows_since(self, partition: int, moment: float, until: float) -> float | None:
        """`Flow.flows_since`, as it is known now."""
        with self._changed:
            return self._flow.flows_since(partition, moment, until, time.time())

    def well(self, partitions: Iterable[int], moment: float, calm_s: float, limit_s: float) -> bool:
        """Wait until all partitions have flowed for `calm_s` seconds; False after `limit_s`."""
        wanted, end = list(partitions), time.time() + limit_s
        while (now := time.time()) < end:
            since = [self.flows_since(partition, moment, math.inf) for partition in wanted]
            if None not in since and now - max(since) >= calm_s:
                return True
            time.sleep(LOOK_S)
        return False

    def standstill(self, partition: int, begin: float, end: float) -> float:
        with self._changed:
            return self._flow.standstill(partition, begin, end)

    def missing(self, count: int, patience_s: float) -> int:
        """Wait until `count` inputs came out; how many did not when for so long none came."""
        with self._changed:
            while (before := self._flow.seen) < count:
                if not self._changed.wait_for(lambda b=before: self._flow.seen > b, patience_s):
                    return count - self._flow.seen
        return 0

    def arrived(self, message: Message) -> float:
        """Unix time at which a record of the topics could first be read; inf: not yet."""
        offsets, times = self._arrived.get((message.topic(), message.partition()), ((), ()))
        place = bisect_left(offsets, message.offset())
        return times[place] if place < len(offsets) else math.inf

    def _run(self) -> None:
        while not self._stop.is_set():
            messages = [m for m in self._consumer.consume(500, 0.02) if m.error() is None]
            if messages:
                with self._changed:
                    now = time.time()
                    for message in messages:
                        self._arrives(message, now)
                        self._flow.came(number(message), now)
                    self._changed.notify_all()

    def _arrives(self, message: Message, now: float) -> None:
        place = message.topic(), message.partition()
        offsets, times = self._arrived.setdefault(place, (array("q"), array("d")))
        offsets.append(message.offset())
        times.append(now)
