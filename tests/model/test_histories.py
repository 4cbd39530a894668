"""Whatever fails and whoever takes over: nothing is lost, and under exactly once nothing twice.

`make test` explores 2,000 histories, the same each time; `make prove` 50,000 others each time
(`MODEL_HISTORIES`). What fails is told as its shortest history, unless MODEL_SHRINK is 0.
"""

from __future__ import annotations

import os

from confluent_kafka import KafkaError
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model.world import LARGEST, World

HISTORIES = int(os.environ.get("MODEL_HISTORIES", "0"))
STEPS = 24 if HISTORIES else 12
PHASES = [Phase.generate] + [Phase.shrink] * (os.environ.get("MODEL_SHRINK") != "0")
small = st.integers(0, 3)
REFUSALS = (
    *(KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD),
    *(KafkaError._MSG_TIMED_OUT, KafkaError.UNKNOWN_TOPIC_OR_PART),
    KafkaError.TOPIC_AUTHORIZATION_FAILED,  # which stops the worker
)
FAULTS = ("before", "after", "abort", "fatal_before", "fatal_after")


class Histories(RuleBasedStateMachine):
    """What may happen; each rule is one thing that a worker cannot keep from happening."""

    chosen: list[str] = []

    @initialize(partitions=st.integers(1, 3), static=st.booleans(), prompt=st.booleans(),
                workers=st.integers(1, 2), turns=st.sampled_from([0, 1, 2, 2, 3]))  # fmt: skip
    def begins(self, partitions, static, prompt, workers, turns):
        """Mostly with workers that have their partitions, and perhaps their first records."""
        self.world = World(self.chosen, partitions, static, prompt)
        for number in range(partitions):
            for index in range(6):
                self._add(number, "seen" if index % 3 else "good", 0)
        for _ in range(workers):
            self.world.start()
        for _ in range(turns):
            for worker in self.world.workers:
                self.world.help(worker)
            self.world.breathe()

    def teardown(self):
        if not hasattr(self, "world"):
            return
        try:
            self.world.finish()
        finally:
            self.world.close()

    def _add(self, partition, kind, gap, size=0):
        kafka = self.world.kafka
        offset = kafka.end(partition) + gap
        kafka.add(partition, b"%b %d %d %b" % (kind.encode(), partition, offset, bytes(size)), gap)

    def _worker(self, index):
        return self.world.workers[index % len(self.world.workers)]

    @rule(partition=small, kind=st.sampled_from(["good", "seen", "bad"]), gap=st.integers(0, 1),
          count=st.integers(1, 4), large=st.booleans())  # fmt: skip
    def records_come(self, partition, kind, gap, count, large):
        for _ in range(count):
            number = partition % len(self.world.kafka.log)
            self._add(number, kind, gap, LARGEST - 100 if large else 0)

    @precondition(lambda self: self.world.workers)
    @rule(who=small, times=st.integers(1, 4))
    def kafka_thread_turns(self, who, times):
        self.world.threads(self._worker(who), times)
        self.world.breathe()

    @precondition(lambda self: self.world.workers)
    @rule(who=small, which=small, count=st.integers(1, 3))
    def models_answer(self, who, which, count):
        worker = self._worker(who)
        for _ in range(min(count, len(worker.models.waiting))):
            worker.models.answer(which)
        self.world.breathe()

    @precondition(lambda self: self.world.workers)
    @rule(who=small, count=st.integers(1, 6))
    def broker_takes(self, who, count):
        producer = self._worker(who).producer
        if producer is not None:
            producer.take(count)
        self.world.breathe()

    @precondition(lambda self: self.world.workers)
    @rule(who=small, which=small, times=st.integers(1, 4))
    def calls_return(self, who, which, times):
        worker = self._worker(who)
        for _ in range(times):
            self.world.answers(worker, which)
            if worker.alive:
                worker.settle()
        self.world.breathe()

    @precondition(lambda self: self.world.workers)
    @rule(who=small, times=st.integers(1, 3))
    def all_goes_well(self, who, times):
        worker = self._worker(who)
        for _ in range(times):
            if worker.alive:
                self.world.help(worker)
        self.world.breathe()

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.0, 6.0]))
    def time_passes(self, seconds):
        self.world.breathe(seconds)

    @precondition(lambda self: self.world.workers)
    @rule(who=small, code=st.sampled_from(REFUSALS))
    def broker_refuses(self, who, code):
        producer = self._worker(who).producer
        if producer is not None:
            producer.refuse(code)
        self.world.breathe()

    @precondition(lambda self: self.world.workers)
    @rule(who=small, fault=st.sampled_from(FAULTS))
    def next_transactional_call_fails(self, who, fault):
        producer = self._worker(who).producer
        if producer is not None and producer.name:
            producer.fault = fault

    @precondition(lambda self: self.world.workers)
    @rule(who=small, fault=st.sampled_from(["drop", "lose"]))
    def next_commit_fails(self, who, fault):
        consumer = self._worker(who).consumer
        if consumer:
            consumer.commit_fault = fault

    @precondition(lambda self: self.world.workers)
    @rule(who=small, arrives=st.booleans())
    def commit_is_answered(self, who, arrives):
        consumer = self._worker(who).consumer
        for request in list(consumer.member.requests if consumer else ()):
            if arrives:
                request.apply()
            else:
                request.drop()

    @precondition(lambda self: self.world.workers)
    @rule(who=small, written=small)
    def producer_fails_for_good(self, who, written):
        producer = self._worker(who).producer
        if producer is not None:
            producer.fail(KafkaError._FATAL, written)
        self.world.breathe()

    @precondition(lambda self: self.world.kafka.open)
    @rule(which=small)
    def broker_aborts_a_transaction(self, which):
        names = sorted(self.world.kafka.open)
        self.world.abort(names[which % len(names)])

    @precondition(lambda self: self.world.kafka.members)
    @rule(which=small)
    def session_ends(self, which):
        members = self.world.kafka.members
        self.world.kafka.leave(members[which % len(members)])

    @precondition(lambda self: len(self.world.workers) < 3)
    @rule()
    def worker_joins(self):
        self.world.start()

    @precondition(lambda self: self.world.workers)
    @rule(who=small)
    def worker_is_killed(self, who):
        self._worker(who).kill()

    @precondition(lambda self: self.world.workers)
    @rule(who=small)
    def worker_is_told_to_stop(self, who):
        self._worker(who).stop()
        self.world.breathe()

    @invariant()
    def promises_hold(self):
        if hasattr(self, "world"):
            self.world.check()


def machine(*chosen: str) -> type[RuleBasedStateMachine]:
    return type("Machine", (Histories,), {"chosen": list(chosen)})


def profile(share: float) -> settings:
    return settings(
        max_examples=int((HISTORIES or 2000) * share),
        stateful_step_count=STEPS,
        derandomize=not HISTORIES,
        database=None,
        deadline=None,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )


AT_LEAST_ONCE = machine()
EXACTLY_ONCE = machine("kafka.delivery=exactly-once")

TestAtLeastOnce = AT_LEAST_ONCE.TestCase
TestAtLeastOnce.settings = profile(0.5)
TestExactlyOnce = EXACTLY_ONCE.TestCase
TestExactlyOnce.settings = profile(0.5)
