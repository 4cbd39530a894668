"""Workers on the model of Kafka: the real runner, source, tracker, gate, sink and deliveries.

Only what lies outside of them is not real: the clients, the models, time, and which thread runs.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from unittest.mock import patch

from tests.model.clients import Consumer, Producer
from tests.model.kafka import Kafka
from tests.model.steps import Clock, Condition, Event, Loop, Strand, wait
from worker import config
from worker.errors import Reject, Stop
from worker.events import Enrichment
from worker.metrics import Metrics
from worker.stream import runner, sink, source, transactions
from worker.stream.runner import Runner
from worker.stream.tracker import InFlight, Tracker
from worker.understanding.pipeline import Output

TICK_S = 0.01
BATCHES, RECORDS, BYTES = 3, 3, 2**20
LARGEST = 300_000  # bytes of a record
ROUNDS = 40  # without a fault and without a commit: it stands still


class Models:
    """In place of the pipeline: each batch waits until it is answered."""

    def __init__(self) -> None:
        self.waiting: list[tuple[list, asyncio.Future]] = []

    async def process(self, inputs: list) -> list[Output | Reject]:
        self.waiting.append((inputs, asyncio.get_running_loop().create_future()))
        return await self.waiting[-1][1]

    def answer(self, index: int) -> None:
        inputs, future = self.waiting.pop(index % len(self.waiting))
        if not future.done():
            future.set_result([_result(item.value) for item in inputs])


def _result(value: bytes) -> Output | Reject:
    if value.startswith(b"bad"):
        return Reject("decode", "invalid_json", "planned")
    return Output(value, Enrichment(b"", None))


class Worker:
    """One process; `kill` ends it as SIGKILL does."""

    def __init__(self, world: World, name: str) -> None:
        self.name, self._world = name, world
        self.loop, self.models, self.tracker = Loop(world.clock), Models(), Tracker()
        self.consumer: Consumer | None = None
        self.producer: Producer | None = None
        self.runner = Runner(world.settings(name), self.models, self.tracker, Metrics())
        self.tracker._changed = Condition()
        self.source = self.runner._source
        self.thread = self.source._thread = Strand(world.clock, self.source._run)
        self.source._quiet = Event()
        self._stop = asyncio.Event()
        self._main = self.loop.create_task(self.runner.run(self._stop))

    @property
    def alive(self) -> bool:
        return not self._main.done()

    def settle(self) -> None:
        self.loop.settle()
        if self._main.done():
            self.kill()
            error = self._main.exception()
            assert error is None or isinstance(error, Stop), repr(error)
            assert not self.loop.faults, self.loop.faults

    def stop(self) -> None:
        self._stop.set()

    def kill(self) -> None:
        """Gone in the midst of whatever it does."""
        if self.consumer:
            self.consumer.dead = True
        for strand in (self.thread, *self.loop.calls):
            strand.kill()
        self._world.workers.remove(self)


class World:
    """The cluster, its workers, and the time.

    Args:
        chosen: assignments of settings.
        partitions: of the input topic.
        static: each worker's successor has its name.
    """

    def __init__(self, chosen: list[str], partitions: int, static: bool) -> None:
        self.clock, self.kafka = Clock(), Kafka(partitions)
        self.workers: list[Worker] = []
        self._chosen, self._static, self._count = chosen, static, 0
        self._made: list[Worker] = []
        self.exactly_once = any("exactly-once" in item for item in chosen)
        self.ordered = not any("unordered" in item for item in chosen)
        self._swapped = self._swap()

    def settings(self, name: str):
        member = name[:2] if self._static else name
        own = [f"kafka.client.client.id={name}", f"kafka.consumer.group.instance.id={member}"]
        limits = [f"batching.max_batches_in_flight={BATCHES}", f"batching.max_records={RECORDS}"]
        limits += [f"batching.max_bytes_in_flight={BYTES}", "kafka.commit_interval_ms=50"]
        limits += ["lifecycle.shutdown_timeout_s=5"]
        return config.load(None, {}, [*own, *limits, *self._chosen])

    # What tests move.

    def start(self) -> Worker:
        self._count += 1
        taken = {worker.name[:2] for worker in self.workers}
        slot = next(slot for slot in ("w0", "w1", "w2") if slot not in taken)
        name = f"{slot}-{self._count}"
        worker = Worker(self, name)
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

    def threads(self, worker: Worker, times: int = 1, doors: int | None = None) -> None:
        """The consumer's thread, and then what blocks in others, goes on."""
        for _ in range(times):
            worker.thread.resume(doors)
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
        self.kafka.check(self.exactly_once, self.ordered)
        for worker in self.workers:
            now, most = worker.tracker.in_flight, len(self.kafka.log)
            assert min(now.batches, now.records, now.size) >= 0
            assert now.batches <= BATCHES + most, now
            assert now.size <= BYTES + most * RECORDS * LARGEST, now
            assert not worker.loop.faults, worker.loop.faults
            if worker.consumer and not worker.thread.at_door:
                self._check_paused(worker.consumer, worker.source._pauses.paused)
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
        names = {worker.producer.name for worker in self.workers if worker.producer}
        for name in [name for name in self.kafka.open if name not in names]:
            self.abort(name)
        living = [worker.consumer.member for worker in self.workers if worker.consumer]
        for member in [member for member in self.kafka.members if member not in living]:
            self.kafka.leave(member)
        for worker in list(self.workers):
            self.help(worker)
        self.breathe(1.0)

    def help(self, worker: Worker) -> None:
        """All that the worker waits for comes."""
        if worker.producer:
            worker.producer.fault = ""
        while worker.models.waiting:
            worker.models.answer(0)
        for _ in range(2):
            self.threads(worker)
            if worker.consumer:
                for request in list(worker.consumer.member.requests):
                    request.apply()
            if worker.producer:
                worker.producer.take(99)
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
        return not behind and all(w.tracker.in_flight == InFlight() for w in self.workers)

    def _drain(self, worker: Worker) -> None:
        worker.stop()
        for _ in range(ROUNDS):
            if not worker.alive:
                break
            self.help(worker)
            self.breathe(0.2)
        assert not worker.alive, "does not end when told to"
        assert worker._main.exception() is None, worker._main.exception()
        assert worker.consumer.member not in self.kafka.members, "has not left the group"

    def close(self) -> None:
        for worker in list(self.workers):
            worker.kill()
        self._swapped.close()

    # In place of what lies outside.

    def _swap(self) -> ExitStack:
        """The clients, the clock and the pauses of the worker's code, until this is closed."""
        swapped = ExitStack()
        for place, name, value in (
            (source, "Consumer", self._consumer),
            (source, "monotonic", self.clock),
            (runner, "monotonic", self.clock),
            (runner, "Backlog", lambda _: Backlog()),
            (runner, "LAG_S", 1e9),
            (sink, "Producer", self._producer),
            (sink, "Cluster", lambda _: Cluster()),
            (sink, "POLL_S", TICK_S),
            (transactions.ExactlyOnce, "_ask", _patient(transactions.ExactlyOnce._ask)),
        ):
            swapped.enter_context(patch.object(place, name, value))
        return swapped

    def _named(self, properties: dict) -> Worker:
        return next(w for w in self._made if w.name == properties["client.id"])

    def _consumer(self, properties: dict) -> Consumer:
        worker = self._named(properties)
        worker.consumer = Consumer(self.kafka, properties)
        worker.consumer.late = lambda: [worker.thread.resume() for _ in range(4)]
        return worker.consumer

    def _producer(self, properties: dict) -> Producer:
        worker = self._named(properties)
        worker.producer = Producer(self.kafka, properties.get("transactional.id"))
        return worker.producer


class Backlog:
    def lag(self, _partitions: list[int]) -> dict[int, int]:
        return {}


class Cluster:
    def message_limits(self) -> dict[str, int]:
        return {}


class _Patient:
    """A future whose result a strand may wait for."""

    def __init__(self, future) -> None:
        self._future = future
        self.done = future.done

    def result(self, timeout_s: float) -> None:
        wait(self._future.done, timeout_s)
        return self._future.result(0)


def _patient(ask):
    return lambda self: _Patient(ask(self))
