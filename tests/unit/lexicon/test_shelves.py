"""Where things stand that are for somebody."""

import pytest

from worker.lexicon.shelves import Shelves


@pytest.mark.parametrize(
    "query, path, shelf",
    [
        ("bigfoot t-shirt for men", "Clothing > Tops", "Men's Clothing > Shirts & Tops"),
        ("bigfoot t-shirt", "Clothing > Tops", "Clothing > Tops"),
        ("socks for men", "Clothing > Underwear & Socks", "Clothing > Underwear & Socks"),
        ("winter boots toddler boys", "Shoes > Boots & Hiking Shoes", "Shoes > Kids' Shoes"),
        ("shirt baby boy", "Clothing > Tops", "Kids' Clothing > Baby Clothes"),
        ("clothes 6-12 months boy", "Clothing", "Kids' Clothing > Baby Clothes"),
        ("desk for 10 year old", "Furniture > Home Office", "Furniture > Kids' Furniture"),
        ("desk for 16 year old", "Furniture > Home Office", "Furniture > Home Office"),
        ("drill for men", "Tools & DIY > Power Tools", "Tools & DIY > Power Tools"),
    ],
)
def test_a_thing_stands_where_things_for_them_do(lexicon, query, path, shelf):
    assert lexicon.shelf(path, lexicon.read(query).attributes) == shelf


def test_a_category_that_the_lexicon_lacks_is_not_published(lexicon):
    table = [(["men"], {"Clothing > Tops": "Men's Clothing > Shirts"})]
    attributes = lexicon.read("shirt for men").attributes
    tops, mens = "Clothing > Tops", "Men's Clothing > Shirts"
    assert Shelves(table, [tops]).of(tops, attributes) == tops
    assert Shelves(table, [tops, mens]).of(tops, attributes) == mens
