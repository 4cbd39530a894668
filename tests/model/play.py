"""What scenes on the model of Kafka have in common: turns, ends and deaths of workers."""

from __future__ import annotations

from tests.model.kafka import DEAD


def turn(world, times=6):
    for _ in range(times):
        for worker in list(world.workers):
            world.threads(worker, 2)
            for request in list(worker.consumer.member.requests if worker.consumer else ()):
                request.apply()
            if worker.alive and worker.producer is not None:
                worker.producer.take(9)
        world.breathe(0.05)


def end(world, worker):
    """It is told to stop, or stops by itself; in order either way."""
    worker.stop()
    for _ in range(60):
        if not worker.alive:
            return
        world.threads(worker, 3)
        if worker.alive:
            worker.settle()
        world.breathe(0.2)
    raise AssertionError("does not end")


def gone(world, worker):
    """Its session is over, if it has not left before."""
    assert not worker.alive
    world.kafka.leave(worker.consumer.member)


def die(world, worker):
    """Killed, and its session is over."""
    worker.kill()
    world.kafka.leave(worker.consumer.member)


def answer(world, worker, value):
    """The models answer the batch that ends with this value, when it is asked for."""
    for _ in range(100):
        turn(world, 1)
        for index, (inputs, _) in enumerate(worker.models.waiting):
            if inputs[-1].value == value:
                worker.models.answer(index)
                return
    raise AssertionError(f"{value} is not asked for")


def set_aside(world):
    """Places of the dead letters."""
    return [entry.place for entry in world.kafka.out if entry.topic == DEAD]
