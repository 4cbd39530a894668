"""Producer of the model: confluent_kafka's calls, answered by `Kafka` as it is told.

Each blocking call waits before it acts and, where its answer may be lost, before it returns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

from confluent_kafka import KafkaError, KafkaException

from tests.model.kafka import DEAD, OUTPUT, Entry, Kafka, Member, Place, Transaction, failed
from tests.model.steps import wait

QUEUE = 2  # records that may wait in the producer


@dataclass
class Queued:
    entry: Entry
    answer: Callable

    def refuse(self, code: int) -> Callable[[], None]:
        return lambda: self.answer(KafkaError(code, "planned"), None)


class Producer:
    """Its queue is taken by the broker in order, when the test says so.

    Attributes:
        fault: of the next transactional call: `before`, `after`, `abort`, `fatal_before` or
            `fatal_after`; before or after the call takes effect.
    """

    def __init__(self, kafka: Kafka, properties: dict) -> None:
        self._kafka, self.name = kafka, properties.get("transactional.id")
        self.queue: deque[Queued] = deque()
        self.reports: deque[Callable[[], None]] = deque()
        self.fatal: KafkaError | None = None
        self._told = False
        self._epoch = -1
        self._transaction: Transaction | None = None
        self._state = "new"  # ready, open, committed, aborted; the last two: not yet told
        self.fault = ""
        self.calling = False  # a transactional call, which has not taken effect yet

    def produce(
        self, topic, value, key, partition, callback, on_delivery, timestamp, headers
    ) -> None:
        if self.fatal:
            raise KafkaException(self.fatal)
        if self.name and self._state != "open":
            raise failed(KafkaError._STATE)
        if len(self.queue) >= QUEUE:
            raise BufferError
        place = _place(value, headers)
        self.queue.append(Queued(Entry(topic, place, self._transaction), callback))

    def poll(self, _timeout_s: float = 0) -> int:
        reports, self.reports = self.reports, deque()
        for report in reports:
            report()
        if self.fatal and not self._told:
            self._told = True
            raise KafkaException(self.fatal)
        return len(reports)

    def __len__(self) -> int:
        return len(self.queue) + len(self.reports)

    def flush(self, timeout_s: float) -> int:
        if self.queue:
            wait(lambda: not self.queue or bool(self.fatal), timeout_s)
        self.poll()
        return len(self)

    def purge(self, in_queue: bool = True, in_flight: bool = True) -> None:
        """Answer what waits with errors; the first of the queue is in flight."""
        kept = [] if in_flight else [self.queue.popleft()] if self.queue else []
        while self.queue:
            self.reports.append(self.queue.popleft().refuse(KafkaError._PURGE_QUEUE))
        self.queue.extend(kept)

    def list_topics(self, timeout: float) -> SimpleNamespace:
        return SimpleNamespace(topics=(OUTPUT, DEAD))

    # What the broker does.

    def take(self, count: int) -> None:
        """The first of the queue are in the log, and that is told."""
        for _ in range(min(count, len(self.queue))):
            if self.name and not self._believed():
                return self.fail(KafkaError._FENCED)
            queued = self.queue.popleft()
            self._kafka.out.append(queued.entry)
            self.reports.append(lambda queued=queued: queued.answer(None, None))

    def refuse(self, code: int) -> None:
        if self.queue and self.queue[0].entry.topic == OUTPUT:
            queued = self.queue.popleft()
            self._kafka.refused.add(queued.entry.place)
            self.reports.append(queued.refuse(code))

    def fail(self, code: int, written: int = 0) -> None:
        """Fail for good; the first `written` of the queue are in the log, and nobody is told."""
        for queued in list(self.queue)[:written] if not self.name or self._believed() else ():
            self._kafka.out.append(queued.entry)
        self.fatal = self.fatal or KafkaError(code, "planned", True)

    def _believed(self) -> bool:
        return self._epoch == self._kafka.epochs[self.name]

    # Transactions.

    def init_transactions(self, _timeout_s: float) -> None:
        self._call(self._init)

    def begin_transaction(self) -> None:
        if self.fatal:
            raise KafkaException(self.fatal)
        if self._state != "ready":
            self._kafka.violations.append(f"begins a transaction while one is {self._state}")
        self._state = "open"
        if self._believed():
            self._transaction = self._kafka.begin(self.name)

    def send_offsets_to_transaction(self, positions, member, _timeout_s: float) -> None:
        self._call(lambda: self._send_offsets(positions, *member))

    def commit_transaction(self, _timeout_s: float) -> None:
        self._call(lambda: self._end("committed"))
        self._state = "ready"

    def abort_transaction(self, _timeout_s: float) -> None:
        self.purge()
        self._call(lambda: self._end("aborted"))
        self._state = "ready"

    def _init(self) -> None:
        self._epoch, self._state = self._kafka.init(self.name), "ready"

    def _send_offsets(self, positions: list, member: Member, generation: int) -> None:
        offsets = {place.partition: place.offset for place in positions}
        self._kafka.check_member(member, generation)
        self._kafka.check_owned(member, offsets)
        self._transaction.offsets.update(offsets)
        self._transaction.notes.update({p.partition: p.metadata or "" for p in positions})

    def _end(self, state: str) -> None:
        if self._state == state:
            return  # asked again: the answer was lost
        if state == "committed":
            self.take(len(self.queue))
        self._kafka.end_transaction(self.name, state)
        self._state = state

    def _call(self, effect: Callable[[], None]) -> None:
        self.calling = True
        wait()
        self.calling = False
        fault, self.fault = self.fault, ""
        self._check(fault, "before")
        if fault == "abort" and self._state == "open":
            raise failed(KafkaError.ILLEGAL_GENERATION, abort=True)
        if self._epoch >= 0 and not self._believed():
            self.fail(KafkaError._FENCED)
        if self.fatal:
            raise KafkaException(self.fatal)
        effect()
        self._check(fault, "after")
        wait()

    def _check(self, fault: str, when: str) -> None:
        if fault == when:
            raise failed(KafkaError._TIMED_OUT, retriable=True)
        if fault == f"fatal_{when}":
            self.fail(KafkaError._FENCED)
            raise KafkaException(self.fatal)


def _place(value: bytes | None, headers: list | None) -> Place:
    """Which input a produced record is of: the values tell."""
    _, partition, offset, *_ = value.split(b" ")
    return int(partition), int(offset)
