"""Which terms of a query name the thing that is asked for."""

import pytest

from worker.lexicon.head_pairs import for_another
from worker.lexicon.heads import naming


@pytest.mark.parametrize(
    "query, expected",
    [
        ("case for a phone", "case"),
        # what a thing is sold in
        ("dry dog food 40 lb bag", "dry dog food"),
        ("5 pound bag of hard candy", "candy"),
        ("leather bag", "bag"),
        # sold without what belongs to it
        ("makita impact driver bare tool", "impact driver"),
        ("dewalt drill tool only", "drill"),
        ("multi tool only", "multi tool"),
        # what it is made of, or is said to be like
        ("flip flops made of vinyl", "flip flops"),
        ("pants fleece lined", "pants"),
        ("coffee table, wire-framed", "coffee table"),
        ("candle limoncello scented", "candle"),
        ("organic for tea bags peppermint", "tea bags"),
        ("light fixtures flush mount 2 pack", "light fixtures"),
        # what it is for
        ("water bottle holder bike", "bottle holder"),
        ("balance bike", "balance bike"),
        ("macbook pro 13 case", "case"),
        ("shower curtain mold resistant", "shower curtain"),
        # the same in other languages, where it is no English
        ("sneakers für damen", "sneakers"),
        ("sneakers ohne schnürsenkel", "sneakers"),
        ("sneakers mit klettverschluss", "sneakers"),
        ("kettle avec thermostat", "kettle"),
        ("sneakers pour femme", "sneakers"),
        ("sofa para perros", "sofa"),
        ("backpack con ruedas", "backpack"),
        ("backpack per bambini", "backpack"),
        ("backpack voor kinderen", "backpack"),
        ("pour over coffee maker", "pour over coffee maker"),
        ("kids comic con shirt", "shirt"),
        ("candle pour pitcher", "pitcher"),
        ("sofa para mujer", "sofa"),
        ("sneakers per donna", "sneakers"),
        ("koffer backpack mit magnet", "backpack"),
        # what stands behind a greeting, or at the end of a title
        ("good morning, do you stock banjo strings", "banjo strings"),
        ("c# for beginners book", "book"),
        ("shelf for paperback", "shelf"),
        # in what form it is, or what comes with it
        ("vitamin d tablets", "vitamin d"),
        ("tablets for kids", "tablets"),
        ("paint rollers and tray", "paint rollers"),
        # what links two things
        ("usb c to hdmi cable", "cable"),
    ],
)
def test_the_thing_is_the_head(lexicon, query, expected):
    surfaces = [mention.surface for mention in lexicon.heads(lexicon.read(query))]
    assert surfaces and all(expected in surface for surface in surfaces)


@pytest.mark.parametrize(
    "query, name",
    [
        ("succulent plants artificial", "artificial plants"),
        ("lounge chairs outdoor", "outdoor lounge chair"),
        ("black shorts men", "shorts"),  # no name of the thing
        ("dog coat waterproof", "dog coat"),  # no coat for people
    ],
)
def test_a_name_may_stand_the_other_way_round(lexicon, query, name):
    [head] = lexicon.heads(lexicon.read(query))
    assert lexicon.name(head.term_id) == name


@pytest.mark.parametrize(
    "query",
    [
        *("oven mit", "oven mit red", "wine pour spout", "ps5 con"),
        *("bbq mit heat resistant", "chili con queso warmer"),
    ],
)
def test_words_that_english_has_lead_to_nothing_in_english(lexicon, query):
    assert lexicon.heads(lexicon.read(query)) == []


@pytest.mark.parametrize("query", ["trails of cold steel ps4", "plant based grommies"])
def test_a_platform_or_quality_is_no_head(lexicon, query):
    assert lexicon.heads(lexicon.read(query)) == []


def test_words_that_may_name_a_thing_end_with_one_for_another(lexicon):
    assert naming(lexicon.read("shun paring knife for women")) == ["knife", "paring", "shun"]
    assert naming(lexicon.read("red lamp base")) == ["base"]


@pytest.mark.parametrize(
    "query, sells",
    [
        ("lowa zephyr", ["Shoes > Boots & Hiking Shoes"]),
        ("strap for lowa zephyr", []),
        ("lowa strap", []),
        ("zephyr", []),
        ("lowa star wars", ["Shoes > Boots & Hiking Shoes"]),  # what is on it
    ],
)
def test_what_a_brand_sells(lexicon, query, sells):
    assert lexicon.sold(lexicon.read(query)) == sells
    assert len(lexicon.sold(lexicon.read("samsung zephyr"))) > 1


def test_what_brands_sell_that_are_named_together(lexicon):
    sold = lexicon.sold(lexicon.read("bosch or makita"))
    assert sold and {*sold} < {*lexicon.sold(lexicon.read("bosch"))}
    assert lexicon.sold(lexicon.read("dyson or lego")) == []


@pytest.mark.parametrize(
    "query, term",
    [
        ("battery for my drill", "tool battery"),
        ("battery for dewalt drill", "tool battery"),
        ("battery for drill 20v", "tool battery"),
        ("battery for drill toy", "batteries"),
        ("battery for flarbsion", "batteries"),
        ("battery with drill", "batteries"),
        ("sweaters for women", "sweater"),  # whom it is for names no other thing
    ],
)
def test_a_thing_and_what_it_is_for_are_a_term(lexicon, query, term):
    read = lexicon.read(query)
    [head] = lexicon.heads(read)
    assert lexicon.name(for_another(read, head, lexicon.term_of)) == term
