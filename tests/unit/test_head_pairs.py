"""Things that share a word, and things for others: "dog and cat bed", "battery for my car key"."""

import pytest

from tests.understanding import expansions


@pytest.mark.parametrize(
    "query",
    [
        "phone and case",  # two things, and no smartphone case
        "dog and cat bed",  # a bed for dogs is not said by "dog and bed for cats"
        "dog or cat food",
    ],
)
def test_what_shares_a_word_with_the_thing_is_not_torn(expander, query):
    assert expansions(expander, query)[0] == []


@pytest.mark.parametrize("query", ["dog and cat food", "dog or cat food", "dog and cat bed"])
def test_what_shares_a_word_has_its_category_and_stands_in_the_product(expander, query):
    _, chosen = expansions(expander, query)
    assert [c["path"] for c in chosen["categories"]] == ["Pets > Cats", "Pets > Dogs"]
    assert [a.value for a in chosen["attributes"]] == [query]


def test_what_shares_a_word_is_no_surer_than_the_thing(expander):
    _, chosen = expansions(expander, "hat and coat stand")
    [stand, hats] = chosen["categories"]
    assert (stand["path"], hats["path"]) == ("Furniture > Storage", "Bags & Accessories > Hats")
    assert hats["score"] <= stand["score"]


@pytest.mark.parametrize(
    "query, category",
    [
        ("chair for high school", "Furniture > Chairs, Tables & Benches"),
        ("chair for my high table", "Furniture > Chairs, Tables & Benches"),
        ("battery for my car key", "Electrical > Batteries"),
        ("battery for drill set toy", "Electrical > Batteries"),
        ("case for iphone 11 pro", "Phones & Accessories > Cases & Protection"),
        ("bed for my dog", "Pets > Dogs"),
        ("cream for feet", "Beauty > Skincare"),
        ("mask for feet", "Beauty > Skincare"),
        ("watch with second hand", "Watches"),
        ("watch with a second hand", "Watches"),
    ],
)
def test_part_of_what_a_thing_is_for_or_has_is_no_other_thing(expander, query, category):
    assert [c["path"] for c in expansions(expander, query)[1]["categories"]] == [category]


def test_two_things_have_other_names_each(expander):
    assert "washing machine and dryer" in expansions(expander, "washer and dryer")[0]
    assert "bed for dogs and cat bed" in expansions(expander, "dog bed and cat bed")[0]
    assert "dog bed and bed for cats" in expansions(expander, "dog bed and cat bed")[0]
