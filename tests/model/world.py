"""Workers on the model of Kafka, what may befall them, and what must hold all the while."""

from __future__ import annotations

from tests.model.consumer import Consumer
from tests.model.kafka import Kafka
from tests.model.outside import LARGEST, TICK_S, swapped
from tests.model.producer import Producer
from tests.model.steps import Clock
from tests.model.worker import BATCHES, BYTES, SHUTDOWN_S, Worker, settings
from worker.stream.offsets import InFlight
from worker.stream.runner import FINISH_SHARE

PLENTY = 99
CALLS = 6  # that return in a moment: a commit and what begins after it
DRAIN_S = 2.0  # that a drain takes at most if all goes well
ROUNDS = 40  # without a fault and without a commit: it stands still


class World:
    """The cluster, its workers, and the time.

    Args:
        chosen: assignments of settings.
        partitions: of the input topic.
        static: each worker's successor has its name.
        prompt: calls that block return in no time; else when a test lets them.
    """

    def __init__(self, chosen: list[str], partitions: int, static: bool, prompt: bool) -> None:
        self.clock, self.kafka = Clock(), Kafka(partitions)
        self.workers: list[Worker] = []
        self._chosen, self._static, self._count = chosen, static, 0
        self._prompt = prompt
        self._made: list[Worker] = []
        self.exactly_once = any("exactly-once" in item for item in chosen)
        self._swapped = swapped(self.clock, self._consumer, self._producer)

    # What tests move.

    def start(self) -> Worker:
        self._count += 1
        taken = {worker.name[:2] for worker in self.workers}
        slot = next(slot for slot in ("w0", "w1", "w2") if slot not in taken)
        name = f"{slot}-{self._count}"
        chosen = settings(name, slot if self._static else name, *self._chosen)
        worker = Worker(chosen, self.clock, self.workers.remove)
        self._made.append(worker)
        self.workers.append(worker)
        while not worker.thread.ident:  # asks for the topics' limits first
            self.breathe()
            self.answers(worker, 0)
        return worker

    def breathe(self, seconds: float = TICK_S) -> None:
        """Time passes, and every loop does what it can."""
        self.clock.now += seconds
        for worker in list(self.workers):
            worker.settle()
            for _ in range(CALLS if self._prompt else 0):
                if not (worker.alive and worker.loop.calls):
                    break
                self.answers(worker, 0)
                worker.settle()

    def threads(self, worker: Worker, times: int = 1) -> None:
        """The consumer's thread, and then what blocks in others, goes on."""
        for _ in range(times):
            worker.thread.resume()
            if worker.alive:
                worker.settle()

    def answers(self, worker: Worker, index: int) -> None:
        """One of the calls that block in threads goes on."""
        calls = worker.loop.calls
        if calls:
            calls[index % len(calls)].resume()

    def abort(self, name: str) -> None:
        """The transaction lasted too long."""
        self.kafka.epochs[name] += 1
        self.kafka.end_transaction(name, "aborted")

    # What must hold.

    def check(self) -> None:
        self.kafka.check(self.exactly_once)
        for worker in self.workers:
            now, most = worker.offsets.in_flight, len(self.kafka.log)
            assert min(now.batches, now.records, now.size) >= 0
            assert now.batches <= BATCHES + most, now
            assert now.size <= BYTES + most * LARGEST, now
            assert not worker.loop.faults, worker.loop.faults
            if worker.consumer:
                self._check_paused(worker.consumer, worker.kafka_thread._backpressure.paused)
        told = sum(w.runner.totals.published + w.runner.totals.dead_lettered for w in self._made)
        assert told <= self.kafka.times().total(), "counts what is not out"

    def _check_paused(self, consumer: Consumer, paused: set[int]) -> None:
        """What it says, and no other, is paused of the partitions that are its own."""
        owned = set(consumer.positions)
        assert paused <= owned
        assert paused == consumer.paused & owned, f"{consumer.paused} are paused, not {paused}"

    def finish(self) -> None:
        """Without further faults all comes out, and nothing stays in flight."""
        progress, since = None, 0
        self._well_since = self.clock.now
        while not self._done():
            self._heal()
            self.check()
            now = sum(self.kafka.committed.values()), len(self.workers)
            since = since + 1 if now == progress else 0
            progress = now
            assert since < ROUNDS, f"stands still at {self.kafka.committed}"
        times = self.kafka.times()
        for number, log in self.kafka.log.items():
            missing = [r.offset() for r in log if not times[(number, r.offset())]]
            assert not missing, f"lost of partition {number}: {missing}"
        for worker in list(self.workers):
            self._drain(worker)

    def _heal(self) -> None:
        if not self.workers:
            self.start()
        names = {worker.producer.name for worker in self.workers if worker.producer is not None}
        for name in [name for name in self.kafka.open if name not in names]:
            self.abort(name)
        living = [worker.consumer.member for worker in self.workers if worker.consumer]
        for member in [member for member in self.kafka.members if member not in living]:
            self.kafka.leave(member)
        for worker in list(self.workers):
            self.help(worker)
        # One that drains has seconds to live: what it waits for comes as fast as in `_drain`.
        self.breathe(0.1 if any(worker.stopping for worker in self.workers) else 1.0)

    def help(self, worker: Worker) -> None:
        """All that the worker waits for comes."""
        if worker.producer is not None:
            worker.producer.fault = ""
        while worker.models.waiting:
            worker.models.answer(0)
        for _ in range(2):
            self.threads(worker)
            if worker.consumer:
                for request in list(worker.consumer.member.requests):
                    request.apply()
            if worker.producer is not None:
                worker.producer.take(PLENTY)
            for index in range(len(worker.loop.calls)):
                self.answers(worker, index)
            if worker.alive:
                worker.settle()

    def _done(self) -> bool:
        behind = any(
            self.kafka.committed.get(number, 0) < self.kafka.end(number)
            for number, log in self.kafka.log.items()
            if log
        )
        return not behind and all(w.offsets.in_flight == InFlight() for w in self.workers)

    def _drain(self, worker: Worker) -> None:
        worker.stop()
        for _ in range(ROUNDS):
            if not worker.alive:
                break
            self.help(worker)
            self.breathe(0.1)
        assert not worker.alive, "does not end when told to"
        error = worker._main.exception()
        deadline = worker.told_at + FINISH_SHARE * SHUTDOWN_S
        if deadline - self._well_since >= DRAIN_S:  # else it may have waited too long before
            assert error is None, error
        assert worker.consumer.member not in self.kafka.members, "has not left the group"

    def close(self) -> None:
        for worker in list(self.workers):
            worker.kill()
        self._swapped.close()

    def _named(self, properties: dict) -> Worker:
        return next(w for w in self._made if w.name == properties["client.id"])

    def _consumer(self, properties: dict) -> Consumer:
        worker = self._named(properties)
        worker.consumer = Consumer(self.kafka, properties)
        worker.consumer.late = lambda: [worker.thread.resume() for _ in range(4)]
        return worker.consumer

    def _producer(self, properties: dict) -> Producer:
        worker = self._named(properties)
        worker.producer = Producer(self.kafka, properties)
        return worker.producer
