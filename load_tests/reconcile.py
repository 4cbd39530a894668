"""Every event accounted for: what was sent against what came out."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

import msgspec
import numpy as np
from confluent_kafka import Consumer, KafkaError, TopicPartition

READ_S = 60.0


@dataclass(frozen=True)
class Outputs:
    """The records of an output topic, in the order of each partition.

    Attributes:
        numbers: of the events, int64, shape [n].
        partitions: where each came out, int64, shape [n].
        at_ms: the broker's time of each, Unix milliseconds, int64, shape [n].
    """

    numbers: np.ndarray
    partitions: np.ndarray
    at_ms: np.ndarray


@dataclass(frozen=True)
class Balance:
    """Counts of events; all zero when every guarantee was kept."""

    lost: int
    duplicated: int
    out_of_order: int
    foreign: int

    def __str__(self) -> str:
        return (
            f"{self.lost} lost, {self.duplicated} duplicated, {self.out_of_order} out of order,"
            f" {self.foreign} that nobody sent"
        )


def reconcile(
    sent: int, partitions: int, outputs: Outputs, set_aside: Iterable[int] = ()
) -> Balance:
    """Compare events 0 … sent-1, of which event n went to partition n modulo `partitions`.

    Numbers below 0 are a warm-up's and do not count.

    Args:
        set_aside: numbers of events in the dead-letter topic.

    Returns:
        `out_of_order` counts events that come after a later one of their input partition, in one
        output partition.
    """
    counted = outputs.numbers >= 0
    numbers, targets = outputs.numbers[counted], outputs.partitions[counted]
    known = numbers[numbers < sent]
    counts = np.bincount(known, minlength=sent)
    np.add.at(counts, [number for number in set_aside if 0 <= number < sent], 1)
    out_of_order = 0
    for source in range(partitions):
        for target in np.unique(targets):
            chosen = (numbers % partitions == source) & (targets == target)
            line = numbers[chosen]
            if len(line):
                out_of_order += int((line < np.maximum.accumulate(line)).sum())
    return Balance(
        lost=int((counts == 0).sum()),
        duplicated=int((counts[counts > 1] - 1).sum()),
        out_of_order=out_of_order,
        foreign=len(numbers) - len(known),
    )


class _Head(msgspec.Struct):
    query_id: str


def read(bootstrap: str, topic: str) -> Outputs:
    """All committed records of a topic, up to the ends that its partitions have now.

    Raises:
        RuntimeError: the ends were not reached in time.
    """
    decode = msgspec.json.Decoder(_Head).decode
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid4().hex,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "fetch.queue.backoff.ms": 10,
        }
    )
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    rows: list[tuple[int, int, int]] = []
    more, deadline = set(partitions), time.monotonic() + READ_S
    while more:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the ends of {topic} were not reached in {READ_S:g} s")
        for message in consumer.consume(5000, 0.1):
            if message.error() is None:
                number = int(decode(message.value()).query_id)
                rows.append((number, message.partition(), message.timestamp()[1]))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                more.discard(message.partition())
    consumer.close()
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Outputs(*columns)
