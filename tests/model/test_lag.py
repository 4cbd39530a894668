"""The lag of a partition is shown by its owner alone, however late it was measured."""

from __future__ import annotations

import pytest

from tests.model.kafka import TOPIC
from tests.model.worker import METRICS
from tests.model.world import World


def shown():
    """Partitions whose lag has a series."""
    (family,) = METRICS.lag.collect()
    return {int(s.labels["partition"]) for s in family.samples if s.labels["topic"] == TOPIC}


@pytest.mark.parametrize("late", [True, False])
def test_a_measurement_does_not_bring_back_the_series_of_a_revoked_partition(late):
    world = World([], 2, static=False, prompt=True)
    try:
        worker = world.start()
        measured = {0: 5, 1: 7}
        for _ in range(20):
            world.threads(worker)
            world.breathe()
        assert worker.offsets.owned() == [0, 1]
        worker.kafka_thread.show_lag(measured)
        world.threads(worker, 2)
        assert shown() == {0, 1}
        if not late:
            worker.kafka_thread.show_lag(measured)
        other = world.start()
        world.threads(other, 2)  # it joins, and takes one of them over
        for _ in range(20):
            world.threads(worker)
            world.breathe()
        assert len(worker.offsets.owned()) == 1
        if late:
            worker.kafka_thread.show_lag(measured)
        world.threads(worker, 3)
        assert shown() == set(worker.offsets.owned())
    finally:
        world.close()
        METRICS.lag.clear()
