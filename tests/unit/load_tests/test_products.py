"""Invented catalogues: the same for a seed, and as varied as the stated law says."""

from itertools import islice

import pytest

from load_tests.products import BETA, K, products


def test_a_seed_gives_the_same_products_and_another_seed_others():
    first = [*islice(products(50), 50)]
    assert first == [*products(50)]
    assert first != [*products(50, seed=8)]
    assert first == [*islice(products(90), 50)]  # a larger catalogue begins with the smaller


@pytest.mark.parametrize("count", [2_000, 20_000])
def test_kinds_grow_by_heaps_law(count):
    kinds = {" ".join(product["title"].split(" ")[2:-3]) for product in products(count)}
    assert len(kinds) == pytest.approx(K * count**BETA, rel=0.15)
