"""What an expansion keeps of a query, and what is never one."""

import numpy as np
import pytest

from worker.event import Tag
from worker.understanding.decide import Expander
from worker.understanding.protect import Protection


@pytest.fixture(scope="module")
def expander(lexicon):
    return Expander(lexicon, 32, 0.5, 0.9, 32)


def expansions(expander, query, score=0.9, intent="browse"):
    """With every candidate scored alike, and no neighbours."""
    [found] = expander.retrieve([query], np.zeros((1, expander.lexicon.dimension), np.float32))
    scores = [score] * len(expander.texts(found))
    chosen = expander.select(found, scores, intent)
    return [item["term"] for item in chosen["expansions"]], chosen


@pytest.mark.parametrize(
    "query, term",
    [
        ("red couch", "red sofa"),
        ("couch for a small room", "sofa for a small room"),
        ("cheap couch under £300", "sofa"),
        ("nike trainers size 9", "nike sneakers size 9"),
        ("grey settee and armchair", "grey sofa and armchair"),
        ("couches except leather", "sofa"),
        ("oak 50 inch tv", "oak 50 inch television"),  # by the name of a part that has others
        ("7qt slow cooker", "7qt crock pot"),  # a brand that names the thing
        ("dark chocolate candy", "dark chocolate sweets"),  # "candy" is a brand only of appliances
        ("bridal veil", "wedding veil"),
        ("wireless charger iphone xr", "qi charger iphone xr"),  # a version behind it
        ("bathroom rug fish", "bath mat fish"),  # what is on it, behind it
        ("conditioner damaged hair", "cream rinse damaged hair"),
        ("shower curtain laptop bag", "shower curtain laptop case"),  # the later of two terms
        ("steel toe boots women wide", "steel toed boots women wide"),  # what it is like, behind it
        ("iphone 11 pro case clear", "iphone 11 pro cover clear"),
        ("wireless mouse", "wireless computer mouse"),  # how it is connected is no part of the name
        ("cordless mouse", "cordless computer mouse"),
        ("wireless keyboard", "wireless computer keyboard"),
    ],
)
def test_the_thing_that_is_asked_for_is_expanded(expander, query, term):
    assert term in expansions(expander, query)[0]


@pytest.mark.parametrize(
    "query",
    [
        "couch welting foot",  # another thing, that the lexicon does not know
        "sofa bladder",
        "wedding ring hire",
        "laptop repair",
        "suede conditioner",  # for suede, not for hair
        "qwzx",
        "jane.doe@example.org",
        "0044 20 7946 0000",
        "b07xyz1234",
    ],
)
def test_what_is_not_known_is_not_expanded(expander, query):
    terms, chosen = expansions(expander, query)
    assert (terms, chosen["categories"]) == ([], [])


@pytest.mark.parametrize(
    "query, expected",
    [
        ("kids chair", ["childrens chair"]),
        ("childrens chair", ["kids chair"]),
        ("women's black skirts", ["ladies black skirts"]),
        ("women’s black skirts", ["ladies black skirts"]),
        ("kids chair under £20", ["childrens chair"]),
        ("chair for desk for women", ["chair for desk for ladies"]),
        ("chair for big kids", []),
        ("chair for adults and kids", []),
        ("for kids chair", []),
        ("mens chair", []),
        ("my kids broke the chair", []),
    ],
)
def test_a_thing_without_another_name_gets_another_word_for_whom_it_is_for(
    expander, query, expected
):
    assert expansions(expander, query)[0] == expected
    assert expansions(expander, query, intent="complaint")[0] == []


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
    "query", ["does the laptop come with a mouse", "are these jeans true to size"]
)
def test_a_question_about_a_thing_is_not_reworded_but_keeps_its_category(expander, query):
    terms, chosen = expansions(expander, query, intent="inquiry")
    assert terms == [] and chosen["categories"]


@pytest.mark.parametrize(
    "query, terms",
    [
        ("case for glasses", {"spectacle case for glasses", "sunglasses case for glasses"}),
        ("handle for fridge", {"refrigerator handle for fridge"}),
        ("sudoku book large print", {"sudoku book big print book"}),
        ("battery aa", {"battery double a batteries"}),
    ],
)
def test_nothing_is_said_twice(expander, query, terms):
    assert terms.isdisjoint(expansions(expander, query)[0])


def test_another_word_for_whom_it_is_for_heeds_the_threshold(lexicon):
    assert expansions(Expander(lexicon, 32, 0.5, 0.99, 32), "kids chair")[0] == []


def test_a_thing_with_another_name_keeps_whom_it_is_for(expander):
    assert {e for e in expansions(expander, "kids bookshelf")[0] if "childrens" in e} == set()


def test_a_word_that_the_model_does_not_find_in_the_query_is_not_renamed(expander):
    """As where it means another thing there: "sand filter pumps"."""
    assert expansions(expander, "silk velvet couch", score=0.6)[0]
    [found] = expander.retrieve(
        ["silk velvet couch"], np.zeros((1, expander.lexicon.dimension), np.float32)
    )
    scores = [0.01] + [0.6] * len(found.candidates)
    assert expander.select(found, scores)["expansions"] == []


@pytest.mark.parametrize("intent", ["other", "complaint"])
def test_small_talk_and_complaints_are_not_expanded(expander, intent):
    assert expansions(expander, "my couch", intent=intent)[0] == []


def test_broader_terms_come_only_where_the_intent_wants_them(lexicon):
    plain = Expander(lexicon, 32, 0.5, 0.9, 32)
    broad = Expander(lexicon, 32, 0.5, 0.9, 32, 0.5, frozenset({"browse"}))
    assert "ankle boots" not in expansions(plain, "chelsea boots")[0]
    assert "ankle boots" not in expansions(broad, "chelsea boots", intent="purchase")[0]
    assert "ankle boots" in expansions(broad, "chelsea boots")[0]


def admitted(lexicon, query, text, source):
    read = lexicon.read(query)
    instead_of = query if source != "embedding" else ""
    return Protection(lexicon, read, lexicon.heads(read)).admit(text, source, 0, instead_of)


@pytest.mark.parametrize(
    "query, text, source",
    [
        ("kids shoes", "shoes", "parent"),
        ("kids shoes", "mens shoes", "embedding"),
        ("4k tv", "8k tv", "embedding"),
        ("2 slice toaster", "4 slice toaster", "synonym"),
        ("black dress", "red dress", "synonym"),
        ("womens watch", "mens watch", "embedding"),
        ("nike socks", "adidas socks", "synonym"),
        ("wired earphones", "wireless earphones", "embedding"),
        ("skimmed milk", "whole milk", "synonym"),
        ("hangers", "velvet hangers", "synonym"),
        ("tent", "tent pegs", "embedding"),  # an accessory
        ("tent pegs", "tent", "embedding"),  # the thing of an accessory
        ("phone case", "phone", "embedding"),
        ("smart phone", "smartphone", "synonym"),  # two spellings of one thing
        ("rain coat", "raincoats", "synonym"),
        ("noise cancelling earphones", "noise canceling earphone", "synonym"),
        ("shirt dress", "dress shirt", "embedding"),
        ("snacks without nuts", "peanut butter", "embedding"),
        ("dress not black", "little black dress", "synonym"),
        ("wool free jumper", "wool sweater", "synonym"),
        ("mouse not wireless", "wireless mouse", "embedding"),
        ("sugarless candy", "sugar candy", "synonym"),
        ("not sugar free candy", "sugarless candy", "synonym"),
        ("not fat free or sugar free candy", "sugarless candy", "synonym"),
        ("milk not lactose free", "lactose free milk", "embedding"),
        ("not waterproof jacket", "waterproof coat", "synonym"),
        ("plaid shirt", "striped shirt", "synonym"),
        ("oval rug", "round rug", "synonym"),
        ("rug", "round rug", "synonym"),
        ("rain coat kids", "kids coat", "embedding"),  # loses what kind
        ("xbox one controller", "xbox controller", "embedding"),  # which version
        ("desk organizers and accessories", "desk accessories", "embedding"),  # one of two
    ],
)
def test_what_is_never_an_expansion(lexicon, query, text, source):
    assert not admitted(lexicon, query, text, source)


@pytest.mark.parametrize(
    "query, text, source",
    [
        ("kids shoes", "childrens shoes", "synonym"),
        ("shoes for running", "running shoes", "embedding"),
        ("couch", "sofa", "synonym"),
        ("sugarless candy", "sugar free sweets", "synonym"),
        ("sugar free candy", "sugarless candy", "synonym"),
        ("syringe without needle", "needleless syringe", "synonym"),
        ("4k tv", "4k television", "synonym"),
    ],
)
def test_what_keeps_all_is(lexicon, query, text, source):
    assert admitted(lexicon, query, text, source)


def test_two_spellings_of_one_thing_do_not_come_together(lexicon):
    admit = Protection(lexicon, lexicon.read("jumper")).admit
    assert admit("sweat shirt", "synonym", 0, "jumper")
    assert not admit("sweatshirts", "synonym", 0, "jumper")


def test_the_odds_of_link_and_score_multiply(lexicon):
    probability = Expander(lexicon, 32, 0.5, 0.9, 32).probability
    assert probability(0.9, (0.5, 1)) == 0.9
    assert probability(0.5, (0.8, 1)) == 0.8
    assert probability(0.9, (0.9, 1)) > 0.98
    assert probability(0.9, (0.2, 1)) < 0.7
    assert 0 < probability(0.5, (0.0, 1)) < probability(0.5, (1.0, 1)) < 1


def test_a_score_at_the_models_threshold_says_nothing(lexicon):
    strict = Expander(lexicon, 32, 0.5, 0.9, 32, 0.2)
    assert strict.probability(0.7, (0.2, 1)) == strict.probability(0.7, (0.2, 0.5)) == 0.7
    assert 0.7 < strict.probability(0.7, (0.5, 0.5)) < strict.probability(0.7, (0.5, 1))


def test_another_name_may_say_what_a_thing_lacks(lexicon):
    query = "fluoride free toothpaste"
    read = lexicon.read(query, [Tag(0, 8, "excluded", 0.9)])
    assert [x.term for x in read.exclusions] == ["fluoride"]
    protection = Protection(lexicon, read, lexicon.heads(read))
    assert protection.admit("non fluoride toothpaste", "synonym", 0, query)
    assert not protection.admit("fluoride toothpaste", "synonym", 0, query)


@pytest.mark.parametrize(
    "query, narrower",
    [
        ("toothbrush", "manual toothbrush"),
        ("mens razor", "mens wet razor"),
        ("ankle socks", "quarter socks"),
        ("suitcase without wheels", "rolling suitcase"),
        ("iphone cable", "lightning cable"),
        ("refurbished iphone", "second hand iphone"),
        ("sleeping bag newborn", "camping sleeping bag newborn"),
    ],
)
def test_no_other_name_says_more_than_the_query(expander, query, narrower):
    assert narrower not in expansions(expander, query)[0]


@pytest.mark.parametrize(
    "query, path",
    [
        ("dog t shirt", "Pets > Dogs"),
        ("dog coat waterproof", "Pets > Dogs"),
        ("infant car seat cover", "Baby > Strollers & Carriers"),
        ("toddler car seat cushion", "Baby > Strollers & Carriers"),
        ("car seat cover", "Automotive > Interior"),
        ("hose pipe connector", "Garden & Patio > Watering"),
    ],
)
def test_a_thing_for_a_baby_or_a_pet_is_no_other(expander, query, path):
    assert [c["path"] for c in expansions(expander, query)[1]["categories"]] == [path]
