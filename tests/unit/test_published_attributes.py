"""Which attributes of a query are published: what is read, what is tagged, and the product."""

import numpy as np
import pytest

from worker.event import Tag
from worker.understanding.decide import Expander


@pytest.fixture(scope="module")
def published(lexicon):
    """Name and value of the attributes of a query with tags: text, name, probability."""
    expander = Expander(lexicon, 32, 0.5, 0.9, 32)
    nothing = np.zeros((1, lexicon.dimension), np.float32)

    def attributes(query, *tagged, intent="browse"):
        tags = [Tag(at := query.index(t), at + len(t), *said) for t, *said in tagged]
        [found] = expander.retrieve([query], nothing, [sorted(tags)])
        scores = [0.0] * len(expander.texts(found))
        chosen = expander.select(found, scores, intent)
        return [(a.name, a.value) for a in chosen["attributes"]]

    return attributes


def test_the_product_is_the_term_that_names_the_thing(published):
    assert published("red couch for cats") == [("color", "red"), ("product", "couch")]
    assert published("nike couch cover") == [("brand", "nike"), ("product", "couch cover")]
    assert published("nike") == [("brand", "nike")]
    assert published("not a couch") == []


def test_unless_the_tags_name_another(published):
    tag = ("couch cover", "product", 0.7)
    assert published("blue couch cover", tag) == [("color", "blue"), ("product", "couch cover")]
    assert published("blue xyzzy", ("xyzzy", "product", 0.7))[1] == ("product", "xyzzy")
    # one that is not sure is none
    assert published("blue sofa", ("blue sofa", "product", 0.5))[1] == ("product", "sofa")


def test_a_tagged_product_is_as_long_as_the_name_that_it_ends(published):
    wrench = ("wrench", "product", 0.9)
    assert published("torque wrench", wrench) == [("product", "torque wrench")]
    assert published("basmati rice 5kg", ("rice", "product", 0.9))[0] == ("product", "basmati rice")


def test_it_is_all_of_what_is_asked_for_whatever_style_is_tagged_in_it(published):
    kettle = ("kettle", "product", 0.9)
    electric = ("electric", "style", 0.9)
    assert published("electric kettle", electric, kettle) == [
        ("style", "electric"),
        ("product", "electric kettle"),
    ]
    pin = [("rolling", "style", 0.9), ("pin", "product", 0.9)]
    assert ("product", "rolling pin") in published("rolling pin marble", *pin)
    car = [("remote control", "product", 0.9), ("car", "use", 0.9)]
    assert ("product", "remote control car") in published("remote control car", *car)
    chest = ("tool box chest", "product", 0.9)  # the end of its name and what is behind it
    assert published("truck tool box chest", chest) == [("product", "truck tool box chest")]


def test_unless_something_else_says_what_stands_before_it(published):
    kettle = ("kettle", "product", 0.9)
    assert published("glass kettle", kettle) == [("material", "glass"), ("product", "kettle")]
    tags = ("sugar", "excluded", 0.9), ("chocolates", "product", 0.9)
    assert published("sugar free chocolates", *tags) == [("product", "chocolates")]


def test_with_the_words_before_it_in_the_lexicons_name_of_the_thing(published):
    flowers = ("flowers", "product", 0.9)
    assert published("artificial flowers", flowers) == [("product", "artificial flowers")]
    # what says something else is no part of it
    santa = [("santa", "content", 0.9), ("hat", "product", 0.9)]
    assert published("santa hat", *santa) == [("content", "santa"), ("product", "hat")]
    lacking = [("sulfate", "excluded", 0.9), ("conditioner", "product", 0.9)]
    assert published("sulfate free conditioner", *lacking) == [("product", "conditioner")]


def test_what_the_lexicon_has_before_such_a_thing_is_a_style_of_it(published):
    dress = ("dress", "product", 0.9)
    assert published("dress midi", dress) == [("product", "dress"), ("style", "midi")]
    assert published("dress xyzzy", dress) == [("product", "dress")]
    assert published("dress or midi", dress) == [("product", "dress")]
    lights = ("deck lights", "product", 0.9)
    assert published("solar deck lights", lights) == [
        ("style", "solar"),
        ("product", "deck lights"),
    ]
    # the longest counts
    mirror = ("mirror", "product", 0.9)
    assert published("mirror full length", mirror)[1:] == [("style", "full length")]


def test_in_the_order_of_the_query(published):
    tags = [("xyzzy", "style", 0.9), ("for plugh", "use", 0.9)]
    assert published("xyzzy red couch for plugh", *tags) == [
        ("style", "xyzzy"),
        ("color", "red"),
        ("product", "couch"),
        ("use", "plugh"),
    ]


def test_small_talk_without_a_term_has_none(published):
    said = ("red xyzzy", ("xyzzy", "style", 0.9))
    assert published(*said, intent="other") == []
    assert len(published(*said)) == 2
    assert published("red couch", intent="other") == [("color", "red"), ("product", "couch")]


def test_a_whole_sentence_is_no_content(published):
    told = "my xyzzy couch falls apart"
    sentence = told, (told, "content", 0.99)
    for intent in ("other", "complaint"):
        assert "content" not in dict(published(*sentence, intent=intent))
    assert published(*sentence)[0] == ("content", told)


@pytest.mark.parametrize(
    "query, values",
    [
        ("difference between ps4 and ps5", ["ps4", "ps5"]),
        ("which is better ps5 or xbox", ["ps5", "xbox"]),
        ("difference between laptop and tablet", ["laptop", "tablet"]),
        ("compare iphone 14 and 15", ["iphone 14", "iphone 15"]),
        ("laptop vs tablet", ["laptop", "tablet"]),
        ("laptop or tablet which is better", ["laptop", "tablet"]),
        ("better laptop for tablet or couch", ["laptop"]),
        ("laptop vs tablet for couch", ["laptop", "tablet"]),
    ],
)
def test_all_that_is_compared_is_published(published, query, values):
    assert [value for _, value in published(query)] == values


@pytest.mark.parametrize(
    "query, said",
    [
        ("stair gate no drill", [("product", "stair gate"), ("style", "no drill")]),
        ("socks no show", [("product", "socks"), ("style", "no show")]),
        ("frying pan non-stick", [("product", "frying pan"), ("style", "non stick")]),
        ("microwave safe bowl", [("style", "microwave safe"), ("product", "bowl")]),
        ("paint that is child safe", [("product", "paint"), ("style", "child safe")]),
        # these are what they say
        ("gun safe", [("product", "gun safe")]),
        ("no boundaries jeans", [("brand", "no boundaries"), ("product", "jeans")]),
        ("no more tears shampoo", [("product", "shampoo")]),
        ("parcel no show", []),
        ("wine glasses not dishwasher safe", [("product", "wine glasses")]),
    ],
)
def test_two_words_that_name_a_property_are_a_style_and_no_thing(published, query, said):
    assert published(query) == said


def test_a_tag_for_a_part_of_such_words_gives_way_to_them(published):
    use = ("dishwasher", "use", 0.9)
    assert published("dishwasher safe plates", use)[0] == ("style", "dishwasher safe")
    assert published("is my xyzzy oven safe", ("safe", "product", 0.9)) == []
    whole = ("no drill blackout", "style", 0.9)
    assert published("no drill blackout blinds", whole)[0] == ("style", "no drill blackout")
