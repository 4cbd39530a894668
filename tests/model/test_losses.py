"""Partitions that are lost again and again while models are away: no record is to blame."""

from __future__ import annotations

import pytest

from tests.model.play import set_aside
from tests.model.world import World

LOSSES = 12


@pytest.fixture(params=["at-least-once", "exactly-once"])
def world(request):
    """Three workers and as many partitions, each with records that the models do not answer."""
    found = World([f"kafka.delivery={request.param}"], 3, static=False, prompt=True)
    for number in range(3):
        for offset in range(3):
            found.kafka.add(number, b"good %d %d " % (number, offset), 0)
    for _ in range(3):
        found.start()
    yield found
    found.close()


def turn(world, times=6):
    for _ in range(times):
        for worker in list(world.workers):
            world.threads(worker, 2)
            if worker.producer is not None:
                worker.producer.take(9)
        world.breathe(0.05)


def recover(world):
    """The models answer again, for stale records too, and all comes out."""
    for worker in world.workers:
        while worker.models.waiting:
            worker.models.answer(0)
    turn(world)
    world.finish()
    world.check()


def members(world):
    """Those of the group; one that was alone joins again before it has waited a second."""
    for _ in range(50):
        if found := list(world.kafka.members):
            return found
        turn(world, 1)
    raise AssertionError("nobody joined again")


def test_a_session_that_ends_is_no_death(world):
    turn(world)
    for number in range(LOSSES):
        found = members(world)
        world.kafka.leave(found[number % len(found)])  # it joins again at its next poll
        turn(world)
    recover(world)
    assert not set_aside(world)


def test_nor_is_it_one_where_every_owner_goes_on_elsewhere(world):
    """All sessions end at once, so that each partition comes to another worker."""
    turn(world)
    for number in range(LOSSES):
        members = list(world.kafka.members)
        for member in members[number % 2 :]:
            world.kafka.leave(member)
        turn(world)
    recover(world)
    assert not set_aside(world)


def test_a_death_is_one(world):
    turn(world)
    for _ in range(LOSSES):
        worker = world.workers[0]
        member = worker.consumer.member
        worker.kill()
        world.kafka.leave(member)
        world.start()
        turn(world)
    assert any(worker.kafka_thread._poison.holding for worker in world.workers) or set_aside(world)


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_what_kills_behind_a_gap_is_set_aside(delivery):
    """It kills only after a commit was due: its claim must outlive that commit."""
    world = World([f"kafka.delivery={delivery}"], 1, static=False, prompt=True)
    try:
        for offset, gap in ((0, 0), (1, 0), (3, 1)):  # at 2 stands the end of a transaction
            world.kafka.add(0, b"good 0 %d " % offset, gap)
        worker = world.start()
        for _ in range(LOSSES * 50):
            turn(world, 1)
            waiting = [[item.value for item in inputs] for inputs, _ in worker.models.waiting]
            harmless = [n for n, values in enumerate(waiting) if b"good 0 3 " not in values]
            if harmless:
                worker.models.answer(harmless[0])
            elif waiting:
                turn(world, 3)
                worker.kill()
                world.kafka.leave(worker.consumer.member)
                worker = world.start()
            if set_aside(world):
                break
        assert set_aside(world) == [(0, 3)]
        world.finish()
        world.check()
    finally:
        world.close()
