"""Claims and counts where answers come late or a commit fails."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from tests.model.play import answer, die, end, turn
from tests.model.worker import RECORDS
from tests.model.world import World


def test_counts_do_not_erase_deaths_of_a_partition_that_came_at_the_end():
    """Its deaths are known, although nothing of it was begun."""
    world = World(["kafka.commit_interval_ms=10000"], 2, static=False, prompt=True)
    try:
        world.kafka.add(0, b"good 0 0 ", 0)
        for _ in range(2):
            dying = world.start()
            turn(world, 10)
            die(world, dying)
        dying = world.start()
        living = world.start()
        turn(world, 20)
        if dying.offsets.owned() != [0]:
            dying, living = living, dying
        assert (dying.offsets.owned(), living.offsets.owned()) == ([0], [1])
        world.kafka.add(1, b"bad 1 0 ", 0)
        turn(world, 5)
        living.stop()
        turn(world, 3)
        die(world, dying)
        turn(world, 6)
        assert living.offsets.owned() == [0, 1] and living.models.waiting
        deaths = world.kafka.notes[0]
        living.models.answer(0)
        living.consumer.commit_fault = "drop"  # of the last commit; it is made again
        for _ in range(60):
            if not living.alive:
                break
            living.producer.take(9)
            world.threads(living)
            world.breathe(0.05)
        assert not living.alive
        assert world.kafka.committed[1] == 1
        assert world.kafka.notes[0] == deaths
    finally:
        world.close()


@pytest.mark.parametrize("taken_after", [*range(11, 17), *range(27, 33)])
def test_a_claim_behind_a_gap_is_taken_out_though_an_earlier_commit_is_answered_late(taken_after):
    world = World([], 1, static=False, prompt=True)
    try:
        for offset, gap in ((0, 0), (1, 0), (3, 1)):
            world.kafka.add(0, b"good 0 %d " % offset, gap)
        worker = world.start()
        for _ in range(3):
            turn(world, 10)
            die(world, worker)
            worker = world.start()
        answer(world, worker, b"good 0 0 ")
        turn(world, 3)
        # the output of 1 is confirmed only after more than a second
        while not any(i[-1].value == b"good 0 1 " for i, _ in worker.models.waiting):
            turn(world, 1)
        worker.models.answer(0)
        for _ in range(taken_after + 3):
            world.threads(worker, 1)
            world.breathe(0.1)
        assert worker.offsets[0].produced == 2 and world.kafka.committed[0] < 2
        worker.producer.take(9)
        for _ in range(30):
            world.threads(worker, 1)
            world.breathe(0.02)
        assert world.kafka.committed[0] == 3 and worker.models.waiting
        end(world, worker)
        assert "true" not in world.kafka.notes[0]  # the claim of an owner that worked on it alone
    finally:
        world.close()


def test_an_end_by_the_limits_while_a_partition_is_given_away_is_no_death():
    world = World(["dead_letters.max_per_minute=1"], 2, static=False, prompt=True)
    try:
        world.kafka.add(1, b"bad 1 0 ", 0)
        world.kafka.add(1, b"bad 1 1 ", 0)
        worker = world.start()
        turn(world, 10)
        assert worker.models.waiting
        other = world.start()
        for _ in range(5):
            world.threads(other)
            world.threads(worker)
        while worker.models.waiting:
            worker.models.answer(0)
        for _ in range(50):
            world.threads(worker)
            world.breathe()
        assert not worker.alive
        turn(world, 10)
        notes = list(world.kafka.notes.values())
        assert '[["' not in world.kafka.notes[1] or world.kafka.notes[1].count('",0,') < 2, notes
    finally:
        world.close()


@pytest.fixture
def rewound():
    """World, worker and its commit: all is produced, and done again as the producer failed.

    The commit of all is under way.
    """
    world = World([], 1, static=False, prompt=True)
    try:
        for offset in range(2 * RECORDS):
            world.kafka.add(0, b"good 0 %d " % offset, 0)
        worker = world.start()
        turn(world, 10)
        while worker.models.waiting:
            worker.models.answer(0)
        for _ in range(20):  # until all is to be committed
            world.threads(worker)
            worker.producer.take(99)
            world.breathe()
            for request in list(worker.consumer.member.requests):
                if request.offsets[0].offset < 2 * RECORDS:
                    request.apply()
        assert world.kafka.committed[0] < 2 * RECORDS
        worker.producer.fail(KafkaError._FATAL)
        for _ in range(50):
            world.threads(worker)
            world.breathe()
        assert worker.producer.fatal is None
        yield world, worker, request
    finally:
        world.close()


def test_after_a_rewind_nothing_is_done_again_before_a_commit_under_way_is_answered(rewound):
    """It may still be made, and the next one, of less, would move the group back."""
    world, worker, request = rewound
    assert not worker.models.waiting
    request.apply()
    world.breathe(20.0)
    for _ in range(9):
        world.threads(worker)
        worker.producer.take(99)
    assert not worker.models.waiting, "all was committed"
    world.finish()
    world.check()


@pytest.mark.parametrize("made", [True, False])
def test_an_end_after_a_rewind_waits_for_the_commit_under_way(rewound, made):
    """To take a claim out is a commit, too, which would move the group back."""
    world, worker, request = rewound
    worker.stop()
    for _ in range(4):
        world.threads(worker)
        world.breathe(0.1)
    assert worker.alive
    if made:
        request.apply()
    else:
        request.drop()
    for _ in range(20):
        world.threads(worker)
        world.breathe(0.1)
    world.check()
    assert not worker.alive
    assert '"claims"' not in world.kafka.notes[0]


def test_a_commit_that_is_made_after_a_later_one_is_mended_before_the_end():
    """librdkafka makes a commit again that the coordinator was not ready for."""
    world = World([], 1, static=False, prompt=True)
    try:
        for offset in range(2 * RECORDS):
            world.kafka.add(0, b"seen 0 %d " % offset, 0)
        worker = world.start()
        world.threads(worker, 3)
        late = None
        while late is None:
            world.threads(worker)
            worker.producer.take(99)
            world.breathe()
            under_way = worker.consumer.member.requests
            late = next((one for one in under_way if one.offsets[0].offset), None)
        worker.consumer.member.requests.remove(late)
        world.kafka.add(0, b"seen 0 %d " % (2 * RECORDS), 0)
        for _ in range(9):
            world.threads(worker)
            worker.producer.take(99)
        worker.stop()
        for _ in range(4):
            world.threads(worker)
            world.breathe(0.1)
        assert world.kafka.committed[0] == 2 * RECORDS + 1 and worker.alive
        worker.consumer.member.requests.append(late)
        late.apply()
        assert world.kafka.committed[0] < 2 * RECORDS + 1 and world.kafka.violations
        world.kafka.violations.clear()
        for _ in range(20):
            world.threads(worker)
            world.breathe(0.1)
        assert not worker.alive and world.kafka.committed[0] == 2 * RECORDS + 1
        world.check()
    finally:
        world.close()


def test_a_partition_of_which_no_commit_is_under_way_goes_on():
    """Where it stands was not told at once; of the other one a commit is always under way."""
    world = World([], 2, static=False, prompt=True)
    try:
        for number in (0, 1):
            world.kafka.add(number, b"seen %d 0 " % number, 0)
        worker = world.start()
        turn(world, 20)
        assert world.kafka.committed == {0: 1, 1: 1}
        worker.offsets[1].needs_seek = True
        world.kafka.add(1, b"seen 1 1 ", 0)
        for offset in range(1, 200):
            world.kafka.add(0, b"seen 0 %d " % offset, 0)
            world.threads(worker)
            worker.producer.take(99)
            for request in list(worker.consumer.member.requests)[:-1]:
                request.apply()  # but for the last
            world.breathe()
        assert not worker.offsets[1].needs_seek
        world.finish()
    finally:
        world.close()
