"""Claims and counts of workers that end in order."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from tests.model.play import answer, die, end, gone, set_aside, turn
from tests.model.world import World
from worker.stream.rejection_limits import NOTE as COUNTED


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_counts_of_dead_letters_outlive_an_end_at_which_records_wait(delivery):
    world = World([f"kafka.delivery={delivery}"], 2, static=False, prompt=True)
    try:
        world.kafka.add(0, b"good 0 0 ", 0)
        worker = world.start()
        turn(world, 10)
        world.kafka.add(1, b"bad 1 0 ", 0)
        answer(world, worker, b"bad 1 0 ")
        turn(world, 20)  # its dead letter is committed
        assert world.kafka.committed == {0: 0, 1: 1}
        end(world, worker)
        notes = world.kafka.notes.values()
        assert any(note.startswith(COUNTED) for note in notes), notes
    finally:
        world.close()


ENDS = 8


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_an_end_for_a_missing_right_is_no_death(delivery):
    """The output topic refuses all until somebody adds the right; each worker ends for that."""
    world = World([f"kafka.delivery={delivery}"], 1, static=False, prompt=True)
    try:
        for offset in range(3):
            world.kafka.add(0, b"good 0 %d " % offset, 0)
        for _ in range(ENDS):
            worker = world.start()
            for _ in range(200):
                if not worker.alive:
                    break
                world.threads(worker, 2)
                while worker.models.waiting:
                    worker.models.answer(0)
                if worker.alive and worker.producer is not None:
                    worker.producer.refuse(KafkaError.TOPIC_AUTHORIZATION_FAILED)
                world.breathe(0.05)
            assert not set_aside(world)
            gone(world, worker)
        world.finish()
        assert not set_aside(world)
    finally:
        world.close()


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_an_end_while_outputs_are_not_taken_is_no_death(delivery):
    world = World([f"kafka.delivery={delivery}"], 1, static=False, prompt=True)
    try:
        for offset in range(3):
            world.kafka.add(0, b"good 0 %d " % offset, 0)
        for _ in range(ENDS):
            worker = world.start()
            for _ in range(20):
                world.threads(worker, 2)
                while worker.models.waiting:
                    worker.models.answer(0)
                world.breathe(0.05)
            end(world, worker)
            gone(world, worker)
        world.finish()
        assert not set_aside(world)
    finally:
        world.close()


def test_an_end_while_no_transaction_can_begin_is_no_death():
    world = World(["kafka.delivery=exactly-once"], 1, static=False, prompt=True)
    try:
        for offset in range(3):
            world.kafka.add(0, b"good 0 %d " % offset, 0)
        for _ in range(ENDS):
            worker = world.start()
            for _ in range(20):
                if worker.producer is not None:
                    worker.producer.fault = "before"
                world.threads(worker, 2)
                while worker.models.waiting:
                    worker.models.answer(0)
                world.breathe(0.05)
            worker.stop()
            for _ in range(60):
                if not worker.alive:
                    break
                worker.producer.fault = "before"
                world.threads(worker, 3)
                world.breathe(0.2)
            gone(world, worker)
        world.finish()
        assert not set_aside(world)
    finally:
        world.close()


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_an_end_after_a_rewind_is_no_death(delivery):
    world = World([f"kafka.delivery={delivery}"], 1, static=False, prompt=True)
    try:
        world.kafka.add(0, b"good 0 0 ", 0)
        worker = world.start()
        turn(world, 10)
        worker.producer.fail(KafkaError._FATAL)
        turn(world, 30)
        assert worker.producer.fatal is None and worker.models.waiting  # all is done once more
        end(world, worker)
        assert '"claims"' not in world.kafka.notes[0]
    finally:
        world.close()


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_what_was_revoked_as_the_limits_stopped_the_worker_is_not_committed(delivery):
    """The next owner has it: with `exactly-once` its outputs would be out twice."""
    chosen = [f"kafka.delivery={delivery}", "dead_letters.max_per_minute=1"]
    world = World([*chosen, "kafka.commit_interval_ms=10000"], 2, static=False, prompt=True)
    try:
        worker = world.start()
        turn(world, 10)
        world.kafka.add(1, b"good 1 0 ", 0)
        turn(world, 3)
        worker.models.answer(0)
        world.kafka.add(1, b"bad 1 1 ", 0)
        world.kafka.add(1, b"bad 1 2 ", 0)
        turn(world, 3)
        assert worker.offsets[1].uncommitted and worker.models.waiting
        other = world.start()
        for _ in range(5):
            world.threads(other)
            world.threads(worker)  # gives partition 1 up
        while worker.models.waiting:
            worker.models.answer(0)
        for _ in range(50):
            for one in list(world.workers):
                world.threads(one)
                if one.producer is not None:
                    one.producer.take(9)
            world.breathe()
            world.check()
        assert not worker.alive
    finally:
        world.close()


def test_counts_of_dead_letters_do_not_erase_deaths():
    """They are left where no earlier owner's claim stands, if there is such a place."""
    world = World([], 2, static=False, prompt=True)
    try:
        world.kafka.add(0, b"good 0 0 ", 0)
        for _ in range(2):
            worker = world.start()
            turn(world, 10)
            die(world, worker)
        worker = world.start()
        turn(world, 10)
        world.kafka.add(1, b"bad 1 0 ", 0)
        answer(world, worker, b"bad 1 0 ")
        turn(world, 20)  # its dead letter is committed
        assert world.kafka.committed == {0: 0, 1: 1}
        end(world, worker)
        assert '"claims"' in world.kafka.notes[0] and world.kafka.notes[1].startswith(COUNTED)
    finally:
        world.close()
