"""Recovery and standstill are measured as they say."""

from __future__ import annotations

import pytest

from tests.faults.flow import Flow


@pytest.fixture
def flow():
    """Input n is due at second n, in partition 0 if it is even, else 1."""
    return Flow(2, lambda number: number % 2, [float(number) for number in range(100)])


def feed(flow, *outputs):
    for number, now in outputs:
        flow.came(number, now)


def test_a_partition_flows_again_with_the_first_input_that_was_due_after_the_moment(flow):
    feed(flow, (6, 9.5), (8, 11.0))  # due before
    assert flow.flows_since(0, 10.0, 20.0, 12.0) is None
    feed(flow, (12, 14.0), (14, 15.0))
    assert flow.flows_since(0, 10.0, 20.0, 16.0) == 14.0
    assert flow.flows_since(1, 10.0, 20.0, 16.0) is None


def test_who_stands_still_again_has_not_recovered(flow):
    feed(flow, (12, 14.0), (14, 15.0))
    assert flow.flows_since(0, 10.0, 30.0, 18.0) is None
    feed(flow, (16, 24.0), (18, 25.0))
    assert flow.flows_since(0, 10.0, 30.0, 26.0) == 24.0
    assert flow.flows_since(0, 10.0, 14.5, 26.0) == 14.0, "what stops it later is another fault's"


def test_a_copy_is_no_sign_of_life(flow):
    feed(flow, (12, 13.0), (12, 14.5))
    assert flow.seen == 1
    assert flow.flows_since(0, 13.5, 20.0, 15.0) is None
    assert flow.standstill(0, 13.0, 15.0) == 2.0


def test_a_standstill_is_the_longest_gap_within_the_window(flow):
    feed(flow, (2, 1.0), (4, 12.0), (6, 13.5), (8, 18.0), (10, 40.0))
    assert flow.standstill(0, 10.0, 20.0) == 4.5
    assert flow.standstill(0, 10.0, 30.0) == 12.0
    assert flow.standstill(1, 10.0, 20.0) == 10.0
