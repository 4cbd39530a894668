"""Readers of the public sets: the split, the mappings, and a set that is not there."""

import pytest

from triton_models.data import sources
from triton_models.data.split import is_dev
from triton_models.settings import LABELS, UsageError


def test_split_is_by_key_without_case_and_about_its_share():
    assert is_dev("Red Shoes") == is_dev("red shoes")
    share = sum(is_dev(f"query {i}") for i in range(4000)) / 4000
    assert 0.12 < share < 0.18


def test_missing_file_names_the_folder_to_give(tmp_path):
    with pytest.raises(UsageError, match="--data"):
        sources.labelled(tmp_path)


@pytest.mark.parametrize("mapping", [sources.BITEXT, sources.BANKING])
def test_no_name_has_two_labels(mapping):
    names = [name for value in mapping.values() for name in value.split()]
    assert len(names) == len(set(names))
    assert set(mapping) <= set(LABELS)


def test_refund_policy_asks_and_refund_complains():
    assert "check_refund_policy" in sources.BITEXT["inquiry"]
    assert "get_refund" in sources.BITEXT["complaint"]


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ("how do i seek refund?", True),
        ("mine never arrived, what now?", True),
        ("does it fit a 15 inch laptop?", False),
    ],
)
def test_problems_after_the_sale_are_told_from_questions(question, problem):
    assert bool(sources.AFTER_SALES.search(question)) == problem
