"""An open loop's schedule is fixed beforehand."""

import numpy as np
import pytest

from load_tests.schedule import Schedule, drain_s


def test_a_constant_rate_has_constant_gaps():
    times = Schedule(rate=200, seconds=3).times()
    assert len(times) == 600
    assert np.allclose(np.diff(times), 1 / 200)
    assert times[0] == 0 and times[-1] < 3


def test_a_burst_has_its_rate_between_its_ends_and_the_rest_keeps_theirs():
    times = Schedule(rate=100, seconds=10, burst_at=4, burst_s=2, burst_factor=10).times()
    assert np.all(np.diff(times) > 0)
    in_burst = (times >= 4) & (times < 6)
    assert in_burst.sum() == 2000
    assert (times < 4).sum() == 400
    assert (times >= 6).sum() == 400


def test_a_burst_that_outlasts_the_schedule_ends_with_it():
    times = Schedule(rate=10, seconds=2, burst_at=1, burst_s=5, burst_factor=2).times()
    assert len(times) == 10 + 20
    assert times[-1] < 2


def test_a_queue_empties_at_what_capacity_is_left():
    assert drain_s(backlog=900, capacity=400, rate=100) == 3


def test_a_queue_that_never_empties_is_refused():
    with pytest.raises(ValueError, match="never catches up"):
        drain_s(backlog=1, capacity=100, rate=100)
