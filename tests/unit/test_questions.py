"""What is asked for where a query tells a purpose, asks for a service, or asks about a thing."""

import pytest

from tests.understanding import expansions


@pytest.mark.parametrize(
    "query",
    [
        "want something to keep my coffee hot",
        "need something to carry my laptop",
        "a thing that opens jars",
        "something to clean my vacuum cleaner",
        "something to make and",
        "something to drink coffee from",
        "something to sit on my chair",
        "something to wear with dress",
        "do you repair watches",
        "do you deliver sofas",
        "do you buy phones",
    ],
)
def test_what_a_query_names_beside_a_purpose_or_a_service_is_not_asked_for(expander, query):
    terms, chosen = expansions(expander, query)
    assert (terms, chosen["categories"], chosen["attributes"]) == ([], [], [])


@pytest.mark.parametrize(
    "query, product",
    [
        ("do you even lift t shirt", "t shirt"),
        ("do you want a cookie mug", "mug"),
        ("do you like jazz poster", "poster"),
        ("do you believe in magic book", "magic book"),
        ("do you want to build a snowman toy", "toy"),
        ("need something to wear black dress size 12", "dress"),
        ("something to sleep in pyjamas", "pyjamas"),
        ("thing to cut pizza cutter", "pizza cutter"),
        ("stuff to clean oven cleaner", "oven cleaner"),
        ("anything to declare luggage tag", "luggage tag"),
        ("things to make and do craft kit", "craft kit"),
        ("something to believe in cd album", "cd album"),
    ],
)
def test_what_stands_behind_a_saying_or_a_purpose_is_asked_for(expander, query, product):
    _, chosen = expansions(expander, query)
    assert chosen["categories"]
    assert [a.value for a in chosen["attributes"] if a.name == "product"] == [product]


@pytest.mark.parametrize(
    "query, term",
    [
        ("do you sell couches", "sofa"),
        ("do you have a red couch", "red sofa"),
        ("is there a red couch", "red sofa"),
        ("can i buy a couch", "sofa"),
    ],
)
def test_what_is_asked_of_the_shop_is_asked_for(expander, query, term):
    assert term in expansions(expander, query)[0]


@pytest.mark.parametrize(
    "query",
    [
        "does the laptop come with a mouse",
        "are these jeans true to size",
    ],
)
def test_a_question_about_a_thing_is_not_reworded_but_keeps_its_category(expander, query):
    terms, chosen = expansions(expander, query, intent="inquiry")
    assert terms == [] and chosen["categories"]


@pytest.mark.parametrize(
    "query",
    [
        "how do i return my couch",
        "where is my order of a couch",
        "warranty of couch",
        "couch order",
    ],
)
def test_a_question_about_an_order_is_not_reworded(expander, query):
    assert expansions(expander, query, intent="inquiry")[0] == []
    assert expansions(expander, query)[0]  # to browse


@pytest.mark.parametrize(
    "query",
    ["which couch is best", "how to order a couch online", "what is the best receipt printer"],
)
def test_a_question_about_what_a_shop_has_is_reworded(expander, query):
    assert expansions(expander, query, intent="inquiry")[0]
