"""What comes out, seen as it comes: when each input partition flows, stands still, flows again."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from tests.faults.inputs import NUMBER

QUIET = {"reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 200, "log_level": 0}


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
    """Reads outputs and dead letters beside the workers, in a thread of its own.

    Args:
        partition: of an input, by its number.
        due: Unix time at which an input was due, by its number.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Iterable[str],
        partitions: int,
        partition: Callable[[int], int],
        due: Sequence[float],
    ) -> None:
        self._consumer, _ = reader(bootstrap, topics)
        self._partition, self._due = partition, due
        self._seen: set[int] = set()
        self._came = [array("d") for _ in range(partitions)]  # Unix time, each partition's own
        self._newest = [0.0] * partitions  # when the newest input that came out was due
        self._flowed: dict[float, dict[int, float]] = {}  # since → partition → when it flowed
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    @property
    def seen(self) -> int:
        """How many different inputs came out so far."""
        return len(self._seen)

    def watch(self, since: float) -> None:
        """Note when each partition puts out an input that was due after `since`."""
        with self._changed:
            self._flowed.setdefault(since, {})

    def flowing(
        self, since: float, partitions: Iterable[int], timeout_s: float
    ) -> dict[int, float]:
        """Wait until all these partitions put out an input that was due after `since`.

        That is stricter than a first output: what was held up before comes first.

        Returns:
            Partition → seconds from `since` to then; without those that did not, in time.
        """
        wanted = set(partitions)
        self.watch(since)
        with self._changed:
            self._changed.wait_for(lambda: wanted <= set(self._flowed[since]), timeout_s)
            return {p: at - since for p, at in self._flowed[since].items() if p in wanted}

    def all_seen(self, count: int, patience_s: float) -> bool:
        """Wait until so many inputs came out; False when for `patience_s` none comes."""
        with self._changed:
            while (before := len(self._seen)) < count:
                if not self._changed.wait_for(lambda b=before: len(self._seen) > b, patience_s):
                    return False
        return True

    def standstill(self, partition: int, begin: float, end: float) -> float:
        """The longest time without an output of a partition, in seconds, between two times."""
        with self._changed:
            times = [begin, *(t for t in self._came[partition] if begin < t < end), end]
        return max(after - before for before, after in zip(times, times[1:], strict=False))

    def _run(self) -> None:
        while not self._stop.is_set():
            messages = [m for m in self._consumer.consume(500, 0.02) if m.error() is None]
            if messages:
                with self._changed:
                    now = time.time()
                    for message in messages:
                        self._note(number(message), now)
                    self._changed.notify_all()

    def _note(self, number: int, now: float) -> None:
        if number in self._seen or not 0 <= number < len(self._due):
            return
        self._seen.add(number)
        partition, due = self._partition(number), self._due[number]
        self._came[partition].append(now)
        for since, flowed in self._flowed.items():
            if due > since:
                flowed.setdefault(partition, now)
