"""Figures of merit on cases that can be counted by hand."""

import numpy as np
import pytest

from triton_models.evaluation import figures


def test_label_table_counts_hits():
    table = figures.label_table(["a", "a", "b"], ["a", "b", "b"], ["a", "b"])
    assert table["a"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "count": 2}
    assert table["b"]["precision"] == 0.5


def test_a_label_that_is_never_found_counts_in_macro_f1():
    assert figures.macro_f1(["a", "b"], ["a", "a"], ["a", "b"]) == pytest.approx((2 / 3) / 2)


def test_calibration_is_the_gap_between_confidence_and_accuracy():
    sure = np.array([[0.9, 0.1]] * 10)
    wanted = np.array([0] * 9 + [1])
    assert figures.calibration_error(sure, wanted) == pytest.approx(0.0)
    assert figures.calibration_error(sure, np.ones(10, int)) == pytest.approx(0.9)


def test_calibration_has_fifteen_bins():
    """Right at 0.30 and wrong at 0.34: of one bin in ten, of two in fifteen."""
    rest = [0.14] * 5
    sure = np.array([[0.30, *rest], [0.34, *rest]])
    gaps = 0.70 + 0.34  # each in its own bin
    assert figures.calibration_error(sure, np.array([0, 1])) == pytest.approx(gaps / 2)


def test_average_precision_of_a_perfect_and_of_the_worst_order():
    matches = np.array([1, 1, 0, 0])
    assert figures.average_precision(np.array([4, 3, 2, 1.0]), matches) == 1.0
    worst = figures.average_precision(np.array([1, 2, 3, 4.0]), matches)
    assert worst == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_threshold_parts_matches_from_the_rest():
    scores, matches = np.array([0.9, 0.8, 0.3, 0.2]), np.array([1, 1, 0, 0])
    assert 0.3 < figures.best_threshold(scores, matches) <= 0.8


def test_ndcg_is_one_for_the_ideal_order_and_less_for_another():
    assert figures.ndcg([3, 2, 0], [0, 2, 3]) == pytest.approx(1.0)
    assert figures.ndcg([0, 2, 3], [0, 2, 3]) < 0.7
    assert figures.ndcg([0], [0]) == 0.0
