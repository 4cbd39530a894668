"""Partitions without an owner are told after a while, and only where there can be any."""

from __future__ import annotations

import pytest

from worker.config.load import load_settings
from worker.stream.ownership import LEFT_S, Left, assigned, may_be_left


def test_what_is_given_up_in_time_is_not_told():
    left = Left()
    assert left.overdue({1, 2}, 0.0) == []
    assert left.overdue({2}, LEFT_S - 1) == []
    assert left.overdue({1}, LEFT_S) == []
    assert left.overdue({1}, 2 * LEFT_S - 1) == []
    assert left.overdue({1}, 2 * LEFT_S) == [1]


def test_what_stays_without_an_owner_is_told_again():
    left = Left()
    told = [left.overdue({0, 3}, float(second)) for second in range(int(3 * LEFT_S))]
    assert [found for found in told if found] == [[0, 3], [0, 3]]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ([], False),
        (["group.instance.id=a"], True),
        (["group.instance.id=a", "group.protocol=classic"], True),
        (["group.instance.id=a", "group.protocol=consumer"], False),
    ],
)
def test_only_static_members_of_classic_groups_leave_any(properties, expected):
    kafka = load_settings(None, {}, [f"kafka.consumer.{item}" for item in properties]).kafka
    assert may_be_left(kafka) is expected


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        (b"", set()),
        (b"\0\0" + b"\0\0\0\0" + b"\xff\xff\xff\xff", set()),
        (b"\0\1" + b"\0\0\0\1" + b"\0\1t" + b"\0\0\0\2" + b"\0\0\0\2\0\0\0\7", {2, 7}),
        (
            b"\0\1"
            + b"\0\0\0\2"
            + (b"\0\5other" + b"\0\0\0\1" + b"\0\0\0\5")
            + (b"\0\1t" + b"\0\0\0\1" + b"\0\0\0\3"),
            {3},
        ),
    ],
)
def test_of_an_assignment_the_input_topic_counts(assignment, expected):
    assert assigned(assignment, "t") == expected
