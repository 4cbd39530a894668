"""How an expansion reads: the query, with another name of its thing."""

import pytest

from worker.event import Tag
from worker.lexicon.reading import Mention
from worker.understanding.wording import in_place


def reworded(lexicon, query, text):
    read = lexicon.read(query)
    return in_place(read, lexicon.heads(read)[-1], text)


@pytest.mark.parametrize(
    "query, text, expected",
    [
        ("couch", "sofa", "sofa"),
        ("grey velvet couch for a small room", "sofa", "grey velvet sofa for a small room"),
        ("boys backpack 12 l", "rucksack", "boys rucksack 12 l"),
        ("leather couch under $300", "sofa", "leather sofa"),
        ("couch not leather", "sofa", "sofa"),
        ("couch without cushions or legs", "sofa", "sofa"),
        ("couch made without leather", "sofa", "sofa"),
        ("-vinyl couch", "sofa", "sofa"),
        ("leather free couch", "sofa", "sofa"),
        ("bpa free backpack", "rucksack", ""),
        ("couch without arms, free returns", "sofa", "sofa free returns"),
        ("backpack no wheels added red", "rucksack", "rucksack red"),
        ("it must not be leather couch", "sofa", "sofa"),
        ("couch latex-free", "sofa", ""),
        ("legless couch", "sofa", "legless sofa"),
        ("please show me a cheap blue couch", "sofa", "blue sofa"),
        ('"blue couch"', "sofa", "blue sofa"),
        ("i want a couch", "sofa", "sofa"),
        ("i tunes couch", "sofa", "i tunes sofa"),
        ('3/4" copper pipe', "copper tube", '3/4" copper tube'),
        ("wall-mounted flashlight", "torch", "wall-mounted torch"),
        ("green led flashlight", "led torch", "green led torch"),  # no word twice
        ("couch for my dog", "dog sofa", "sofa for my dog"),  # nor in another part
        ("not too soft couch", "sofa", "not too soft sofa"),
        ("couch that isnt leather", "sofa", "sofa"),
        ("couch thats not leather in oak", "sofa", "sofa in oak"),
        ("couch that doesnt have cushions", "sofa", "sofa"),
        ("couch i dont want leather", "sofa", "sofa"),
        ("dont want leather couch", "sofa", "sofa"),
        ("couch no pull out", "sofa", "sofa"),
        ("couch can't be leather", "sofa", "sofa"),
        ("couch neither leather nor velvet", "sofa", "sofa"),
        ("couch, leather excluded, in oak", "sofa", "sofa in oak"),
        ("couch around $300", "sofa", "sofa"),
        ("couch for approximately $300 in oak", "sofa", "sofa in oak"),
        ("couch priced near £300", "sofa", "sofa"),
        ("i'd like to buy this blue couch", "sofa", "blue sofa"),
        ("deals on couches", "sofas", "sofas"),
        ("like new couch", "sofa", "like new sofa"),
        ("the north face backpack", "rucksack", "the north face rucksack"),
        ("hi-vis couch only", "sofa", "hi-vis sofa"),
        ("couch +2.5", "sofa", "sofa +2.5"),
        ("couch -1.5 soft", "sofa", "sofa -1.5 soft"),
        ("couch 0% wool", "sofa", "sofa 0% wool"),
        ("couch 5+", "sofa", "sofa 5+"),
        ("couch 3+2", "sofa", "sofa 3+2"),
        ("couch 1,5m", "sofa", "sofa 1,5m"),
        ("1,200 mm couch, soft", "sofa", "1,200 mm sofa soft"),
        # words of other languages begin titles, and lead to prices
        ("mit couch", "sofa", "mit sofa"),
        ("per una couch size 12", "sofa", "per una sofa size 12"),
        ("für elise couch", "sofa", "für elise sofa"),
        ("couch for para", "sofa", "sofa for para"),
        ("couch für unter 50 €", "sofa", "sofa"),
        ("canapé couch pour 50 €", "sofa", "canapé sofa"),
        ("couch & armchair", "easy chair", "couch & easy chair"),
    ],
)
def test_the_thing_gets_the_other_name_and_its_properties_stay(lexicon, query, text, expected):
    assert reworded(lexicon, query, text) == expected


def test_a_name_that_the_query_says_already_is_no_expansion(lexicon):
    assert reworded(lexicon, "usb charging cable", "usb cable") in ("", "usb cable")
    assert reworded(lexicon, "sofa couch", "sofa") == ""


def test_parts_of_a_name_may_stand_apart(lexicon):
    for query in ("iphone 16 plus case", "case for iphone 16 plus"):
        read = lexicon.read(query)
        [head] = lexicon.heads(read)
        assert (lexicon.name(head.term_id), head.surface) == ("iphone case", "case")
    assert reworded(lexicon, "iphone 16 plus case", "iphone cover") == "iphone 16 plus cover"


def test_what_is_labelled_has_no_other_wording_but_one_that_says_it_too(lexicon):
    read = lexicon.read("zero sugar mocktail", [Tag(5, 10, "excluded", 0.9)])
    assert in_place(read, lexicon.heads(read)[-1], "soft drink") == ""
    read = lexicon.read("mint fluoride free toothpaste", [Tag(5, 13, "excluded", 0.9)])
    [head] = lexicon.heads(read)
    assert head.surface == "fluoride free toothpaste"
    assert in_place(read, head, "non fluoride toothpaste") == "mint non fluoride toothpaste"


def test_no_other_word_stands_before_a_model_or_in_its_name(lexicon):
    read = lexicon.read("airpods 3")
    assert in_place(read, Mention(0, "airpods", 0, 7), "earbuds") == ""
    read = lexicon.read("playstation 5")
    assert in_place(read, Mention(0, "playstation 5", 0, 13), "playstation 5 console") != ""
    read = lexicon.read("xbox one controller")
    assert in_place(read, Mention(0, "controller", 9, 19), "gamepad") == "xbox one gamepad"
