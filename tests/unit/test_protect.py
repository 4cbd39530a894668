"""What an expansion keeps of a query, and what is never one."""

import numpy as np
import pytest

from tests.understanding import expansions
from worker.event import Tag
from worker.understanding.decide import Expander
from worker.understanding.protect import Protection


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
        ("chair women", ["chair ladies"]),
        ("chair kids", ["chair children"]),
        ("wobbly chair for kids", ["wobbly chair for children"]),
        ("my kids chair", []),
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


@pytest.mark.parametrize(
    "query, expected",
    [
        ("grey chair", ["gray chair"]),
        ("wobbly gray chair", ["wobbly grey chair"]),
        ("chair non-slip", ["chair anti slip"]),
        ("chair not grey", []),
        ("battery operated chair", ["battery powered chair"]),
        ("chair kids grey", ["chair children grey"]),
        ("wooden chair", ["wood chair"]),
        ("chair 2xl", ["chair xxl"]),
        ("chair xl and 2xl", []),  # both or none
        ("is it grey", []),
    ],
)
def test_a_thing_without_another_name_gets_other_words_for_what_it_is_like(
    expander, query, expected
):
    assert expansions(expander, query)[0] == expected
    assert expansions(expander, query, intent="complaint")[0] == []


@pytest.mark.parametrize(
    "query",
    [
        "second hand clock",
        "holy bible rc",
        "high rise balcony chair",
        "chair stacking dolly",
        "shirt folding board",
        "fuzzy logic chair",
        "renewed hope candle",
        "pump to blow up chair",
        "chair you can see through",
        "pregnancy loss chair",
        "baby grand piano",
        "baby doll chair",
        "women on the moon chair",  # begins with a name
        "wine women and song chair",
    ],
)
def test_words_with_a_second_sense_get_no_others(expander, query):
    assert expansions(expander, query)[0] == []


@pytest.mark.parametrize(
    "query", ["handmade holy bible", "battery operated holy bible", "john gray holy bible"]
)
def test_the_words_of_a_title_get_no_others(expander, query):
    assert expansions(expander, query)[0] == []


def test_a_word_for_a_value_gets_no_other_where_it_is_read_as_something_else(expander):
    """A kind of what is drunk has no colour."""
    assert expansions(expander, "zorvexa grey vodka")[0] == []


@pytest.mark.parametrize(
    "tag, terms",
    [
        (Tag(0, 16, "content", 0.95), []),
        (Tag(0, 8, "style", 0.95), ["handcrafted zorvexa chair"]),
    ],
)
def test_what_the_tags_take_for_a_title_keeps_its_words(expander, tag, terms):
    vectors = np.zeros((1, expander.lexicon.dimension), np.float32)
    [found] = expander.retrieve(["handmade zorvexa chair"], vectors, [[tag]])
    chosen = expander.select(found, [0.1] * len(expander.texts(found)), "browse")
    assert [item["term"] for item in chosen["expansions"]] == terms


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
