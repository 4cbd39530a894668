"""Readers of the public sets: the split, and a set that is not there."""

import pytest

from triton_models.data import sources
from triton_models.data.split import is_dev
from triton_models.settings import UsageError


def test_split_is_by_key_without_case_and_about_its_share():
    assert is_dev("Red Shoes") == is_dev("red shoes")
    share = sum(is_dev(f"query {i}") for i in range(4000)) / 4000
    assert 0.12 < share < 0.18


def test_missing_file_names_the_folder_to_give(tmp_path):
    with pytest.raises(UsageError, match="--data"):
        sources.catalogue(tmp_path)
