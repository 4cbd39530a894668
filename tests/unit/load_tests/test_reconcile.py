"""Every event accounted for."""

import numpy as np

from load_tests.reconcile import Balance, Outputs, reconcile


def outputs(*rows: tuple[int, int]) -> Outputs:
    """Of (number, output partition)."""
    numbers, partitions = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return Outputs(numbers, partitions, np.zeros(len(rows), np.int64))


def test_all_out_in_order_balances():
    assert reconcile(4, 2, outputs((0, 5), (1, 3), (2, 5), (3, 3))) == Balance(0, 0, 0, 0)


def test_what_is_missing_is_lost():
    assert reconcile(4, 2, outputs((0, 0), (2, 0))) == Balance(2, 0, 0, 0)


def test_nothing_out_is_all_lost():
    assert reconcile(3, 2, outputs()) == Balance(3, 0, 0, 0)


def test_a_dead_letter_is_not_lost():
    assert reconcile(2, 1, outputs((0, 0)), set_aside=[1]) == Balance(0, 0, 0, 0)


def test_one_event_twice_in_the_dead_letters_is_a_duplicate():
    assert reconcile(1, 1, outputs(), set_aside=[0, 0]) == Balance(0, 1, 0, 0)


def test_what_came_twice_or_thrice_counts_each_time():
    assert reconcile(2, 1, outputs((0, 0), (1, 0), (1, 0), (1, 0))) == Balance(0, 2, 0, 0)


def test_an_event_after_a_later_one_of_its_partition_is_out_of_order():
    assert reconcile(4, 2, outputs((2, 0), (0, 0), (1, 0), (3, 0))) == Balance(0, 0, 1, 0)


def test_partitions_have_no_order_among_them():
    assert reconcile(4, 2, outputs((1, 0), (0, 0), (3, 0), (2, 0))) == Balance(0, 0, 0, 0)
    assert reconcile(4, 1, outputs((1, 0), (0, 1), (3, 0), (2, 1))) == Balance(0, 0, 0, 0)


def test_a_warm_up_does_not_count_and_what_nobody_sent_does():
    assert reconcile(1, 1, outputs((-2, 0), (-1, 0), (0, 0), (7, 0))) == Balance(0, 0, 0, 1)
