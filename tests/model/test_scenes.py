"""Histories by hand: what random ones meet too seldom to be sure of."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from tests.model.world import World


@pytest.fixture
def world(request):
    """Of two partitions, and one worker; of partition 0 one record is out and committed."""
    found = World(request.param, 2, static=False, prompt=True)
    found.kafka.add(0, b"good 0 0 ", 0)
    worker = found.start()
    while not found.kafka.committed.get(0):
        found.help(worker)
        found.breathe(0.1)
    yield found
    found.close()


def half_produced(world, worker):
    """All of partition 0 is out, and of two records of partition 1 the first."""
    for count, places in enumerate(([(0, 1)], [(1, 0), (1, 1)]), 1):
        for partition, offset in places:
            world.kafka.add(partition, b"good %d %d " % (partition, offset), 0)
        for _ in range(1000):
            world.threads(worker)
            world.breathe()
            if len(worker.models.waiting) == count:
                break
        else:
            raise AssertionError("the models are not asked")
    for inputs in sorted((inputs for inputs, _ in worker.models.waiting), key=len):
        worker.models.answer([waiting[0] for waiting in worker.models.waiting].index(inputs))
        world.breathe()
    for _ in range(10):
        worker.thread.resume()
        queued = [queued.entry.place for queued in worker.producer.queue]
        if queued == [(1, 1)]:
            return
        worker.producer.take(sum(place != (1, 1) for place in queued))
    raise AssertionError(queued)


@pytest.mark.parametrize("world", [["kafka.delivery=exactly-once"]], indirect=True)
def test_what_is_refused_while_a_commit_waits_is_not_in_it(world):
    worker = world.workers[0]
    half_produced(world, worker)
    while not worker.runner.commits.waiting:  # a flush before a commit
        world.clock.now += 0.06
        world.threads(worker)
    worker.producer.refuse(KafkaError._TIMED_OUT)
    world.breathe()
    world.finish()
    world.check()


@pytest.mark.parametrize("world", [["kafka.delivery=exactly-once"]], indirect=True)
def test_a_commit_is_of_the_member_that_had_the_partitions(world):
    worker = world.workers[0]
    half_produced(world, worker)
    worker.producer.take(1)
    world.breathe()
    while not worker.producer.calling:  # offsets are to be sent
        world.clock.now += 0.06
        worker.thread.resume()
    world.kafka.leave(worker.consumer.member)  # its session is over; it joins again as another
    world.breathe()
    world.finish()
    world.check()


@pytest.mark.parametrize("world", [[]], indirect=True)
def test_what_a_drain_cuts_short_is_not_committed(world):
    worker = world.workers[0]
    half_produced(world, worker)
    worker.stop()
    for _ in range(20):  # the broker takes nothing
        if worker.alive:
            world.threads(worker)
            world.breathe(0.5)
    assert not worker.alive and worker.runner.totals.published == 3
    world.finish()
    world.check()
