"""Percentiles, spread, targets."""

import numpy as np
import pytest

from load_tests.figures import Figure, percentiles, spread, tidy


def test_a_percentile_is_a_value_that_was_measured():
    values = np.arange(1, 101)
    assert percentiles(values, 0.5, 0.99, 1.0) == [50, 99, 100]
    assert percentiles(np.array([3.0, 9.0]), 0.5, 0.51, 0.99) == [3, 9, 9]


def test_percentiles_of_nothing_are_refused():
    with pytest.raises(ValueError, match="no values"):
        percentiles(np.array([]), 0.5)


def test_spread_is_a_share_of_the_median():
    assert spread([90, 100, 120]) == 0.3
    assert spread([5]) == 0
    assert spread([0, 0]) == 0
    assert spread([0, 0, 1]) == float("inf")


@pytest.mark.parametrize(
    ("values", "better", "target", "reached"),
    [
        ([1.2, 1.4, 1.3], "higher", 1.3, True),
        ([1.2, 1.2, 1.3], "higher", 1.3, False),
        ([24, 25, 90], "lower", 25, True),
        ([26], "lower", 25, False),
        ([26], "lower", None, None),
    ],
)
def test_the_median_decides_whether_a_target_is_reached(values, better, target, reached):
    assert Figure(values, "×", better, target).reached is reached


def test_a_figure_survives_json():
    figure = Figure([1.0, 2.0, 4.0], "ms", "lower", 5)
    assert Figure.from_dict(figure.as_dict()) == figure
    assert Figure.from_dict(Figure([1.0], "ms").as_dict()) == Figure([1.0], "ms")


def test_numbers_keep_no_more_digits_than_were_measured():
    assert tidy(1.23456) == 1.235
    assert tidy(123456.7) == 123457
