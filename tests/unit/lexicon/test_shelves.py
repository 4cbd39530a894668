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
        ("sleeping bag 18-36 months", "Outdoor > Sleeping", "Baby > Nursery"),
        ("sleeping bag toddler", "Outdoor > Sleeping", "Baby > Nursery"),
        ("sleeping bag adults", "Outdoor > Sleeping", "Outdoor > Sleeping"),
        ("seat cover newborn", "Automotive > Interior", "Baby > Strollers & Carriers"),
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


SHOP = ["Men > Shoes > Trainers", "Women > Shoes > Trainers", "Kids > Girls > Dresses",
        "Women > Dresses", "Men > Underwear", "Men", "Men & Women > Umbrellas", "Men > Hats",
        "Kids > Boys > Hats", "Kids > Girls > Hats", "Kids > Hats", "Shoes > Boots",
        "Women's Shoes > Boots"]  # fmt: skip


@pytest.mark.parametrize(
    "query, path, shelf",
    [
        ("white sneakers women", "Men > Shoes > Trainers", "Women > Shoes > Trainers"),
        ("mens trainers", "Men > Shoes > Trainers", "Men > Shoes > Trainers"),
        ("trainers", "Men > Shoes > Trainers", "Men > Shoes > Trainers"),
        ("girls dress", "Women > Dresses", "Kids > Girls > Dresses"),
        ("teen dress", "Women > Dresses", "Women > Dresses"),
        ("womens boxers", "Men > Underwear", ""),
        ("mens dress", "Women > Dresses", ""),
        ("boots for women", "Shoes > Boots", "Women's Shoes > Boots"),
        ("boots for men", "Shoes > Boots", "Shoes > Boots"),
        ("boots for men and women", "Women's Shoes > Boots", "Women's Shoes > Boots"),
        ("kettle for men", "", ""),
        ("mens umbrella", "Men & Women > Umbrellas", "Men & Women > Umbrellas"),
        ("kids shoes", "Men > Hats", "Kids > Hats"),
        ("girls hat", "Men > Hats", "Kids > Girls > Hats"),
    ],
)
def test_a_shops_category_of_the_same_name_for_others_counts(lexicon, query, path, shelf):
    assert Shelves([], SHOP).of(path, lexicon.read(query).attributes) == shelf
