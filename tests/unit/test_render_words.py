"""Which words of a query are searched, beside those that became filters and exclusions."""

import pytest

from tests.engines.events import event
from worker.commands.render import ENGINES
from worker.commands.render.fields import Fields
from worker.commands.render.search import search
from worker.lexicon.negations import NEGATIONS, NEGATIONS_BEHIND

FILTERS = {
    name: name
    for name in ("brand", "color", "gender", "material", "pattern", "size", "price", "condition")
}


def spoken(form, *said):
    """An event whose attributes are given by name, words and value."""
    spans = [(name, form.index(words), len(words), value) for name, words, value in said]
    attributes = [
        {"name": name, "value": value, "start": start, "end": start + length}
        | ({"min": 20, "max": 20, "currency": "USD"} if name == "price" else {})
        for name, start, length, value in spans
    ]
    return event(form, attributes=attributes)


def text(given):
    return search(given, Fields(filters=FILTERS)).text


@pytest.mark.parametrize(
    ("form", "price", "left"),
    [
        ("tshirt around $20", "$20", "tshirt"),
        ("tshirt in the price range of $20", "$20", "tshirt"),
        ("tshirt whose price $20", "$20", "tshirt"),
        ("shirts ranging $20", "$20", "shirts"),
        ("price $20 tshirt", "$20", "tshirt"),
        ("tshirt for $20 or so", "$20", "tshirt"),
        ("tshirt for men for $20", "$20", "tshirt for men"),
        ("slip on $20", "$20", "slip on"),
        ("price tags $20", "$20", "price tags"),
    ],
)
def test_what_only_leads_to_a_price_leaves_with_it(form, price, left):
    assert text(spoken(form, ("price", price, "20 USD"))) == left


def test_a_name_before_a_price_stays_whole():
    given = spoken("fisher price $20", ("model", "fisher price", "x"), ("price", "$20", "20 USD"))
    assert text(given) == "fisher price"


def test_what_leaves_the_query_leaves_its_expansions():
    price = ("price", "$20", "20 USD")
    given = spoken("tshirt around $20", price) | event("", expansions=[("tee around", 0.9)])
    given |= {"normalized_query": "tshirt around $20"}
    given["attributes"] = spoken("tshirt around $20", price)["attributes"]
    assert search(given, Fields()).expansions == [("tee", 0.18)]


@pytest.mark.parametrize(
    ("form", "said", "left"),
    [
        ("red or black shoes", (("color", "red"), ("color", "black")), "shoes"),
        ("dress in red for women", (("color", "red"),), "dress for women"),
        ("shoes in the color red", (("color", "red"),), "shoes"),
        ("dress, red, please", (("color", "red"),), "dress"),
        ("shoes and red socks", (("color", "red"),), "shoes and socks"),
        ("red vs black", (("color", "red"), ("color", "black")), ""),
        ("red shoes vs black shoes", (("color", "red"), ("color", "black")), "shoes vs shoes"),
        ("used in good condition sofa", (("condition", "good condition"),), "sofa"),
        ("sofa in good condition for dogs", (("condition", "good condition"),), "sofa for dogs"),
        ("used sofa in grey", (("condition", "used"),), "sofa in grey"),
    ],
)
def test_what_joins_or_leads_to_filters_leaves_with_them(form, said, left):
    assert text(spoken(form, *((name, words, words) for name, words in said))) == left


@pytest.mark.parametrize(
    ("form", "excluded", "left"),
    [
        ("shoes no nike please", ["nike"], "shoes"),
        ("no sugar added peanut butter", ["sugar"], "peanut butter"),
        ("dress neither black nor white", ["black", "white"], "dress"),
        ("i do not want nike shoes", ["nike"], "shoes"),
        ("don't show me nike shoes", ["nike"], "shoes"),
        ("never nike shoes", ["nike"], "shoes"),
        ("shoes, nike excluded", ["nike"], "shoes"),
        ("shoes avoid leather", ["leather"], "shoes"),
        ("jacket which is not waterproof", ["waterproof"], "jacket"),
        ("dress that isn't black", ["black"], "dress"),
        ("mouthwash, zero alcohol", ["alcohol"], "mouthwash"),
        ("bier ohne alkohol", ["alkohol"], "bier"),
        ("shoes any brand but nike", ["nike"], "shoes"),
        ("milk instead of soy", ["soy"], "milk"),
        ("slip on not nike", ["nike"], "slip on"),
        ("sofa can't be leather", ["leather"], "sofa"),
        ("sofa mustn’t be leather", ["leather"], "sofa"),
        ("kettle w/o plastic", ["plastic"], "kettle"),
        ("cot excl. mattress", ["mattress"], "cot"),
        ("it must not be wool jumper", ["wool"], "jumper"),
    ],
)
def test_what_negates_leaves_with_what_is_excluded(form, excluded, left):
    assert search(event(form, exclusions=excluded), Fields()).text == left


@pytest.mark.parametrize("words", sorted(map(" ".join, NEGATIONS)))
def test_all_that_negates_leaves_with_what_is_excluded(words):
    given = event(f"shoes {words} any nike", exclusions=["nike"])
    assert search(given, Fields()).text == "shoes"


@pytest.mark.parametrize("words", list(map(" ".join, NEGATIONS_BEHIND)))
def test_all_that_negates_behind_what_is_excluded_leaves_with_it(words):
    given = event(f"shoes, nike {words}", exclusions=["nike"])
    assert search(given, Fields()).text == "shoes"


@pytest.mark.parametrize(
    ("form", "excluded", "kept"),
    [
        ("beer non alcoholic", "alcoholic", "non alcoholic"),
        ("non-dairy creamer", "dairy", "non dairy"),
        ("orange juice not from concentrate", "concentrate", "not from concentrate"),
        ("kindle not with ads", "ads", "without ads"),
        ("shampoo that doesn't contain parabens", "parabens", "without parabens"),
        ("toy that does not need batteries", "batteries", "no batteries"),
        ("cereal minus raisins", "raisins", "no raisins"),
    ],
)
def test_a_title_that_says_what_it_lacks_as_the_query_does_stays(form, excluded, kept):
    [exclusion] = search(event(form, exclusions=[excluded]), Fields()).exclusions
    assert kept in exclusion.unless


def test_a_lack_is_that_of_all_in_its_list_and_of_no_other():
    bread = event("gluten and dairy free bread", exclusions=["gluten", "dairy"])
    gluten, dairy = search(bread, Fields()).exclusions
    assert "gluten free" in gluten.unless and "dairy free" in dairy.unless
    shoes = event("shoes no sugar, not nike", exclusions=["sugar", "nike"])
    sugar, nike = search(shoes, Fields()).exclusions
    assert "no sugar" in sugar.unless and not nike.unless


@pytest.mark.parametrize(
    ("form", "name", "words", "value", "left"),
    [
        ("kindle paperwhite", "brand", "kindle paperwhite", "kindle", "paperwhite"),
        ("airpods pro 2nd gen", "brand", "airpods", "apple", "airpods pro 2nd gen"),
        ("nothing phone 2", "brand", "nothing phone", "nothing", "phone 2"),
        ("wine red dress", "color", "wine red", "red", "wine dress"),
        ("navy dress", "color", "navy", "blue", "navy dress"),
        ("grey dress", "color", "grey", "gray", "dress"),
        ("levi's jeans", "brand", "levi's", "levis", "jeans"),
        ("black & decker drill", "brand", "black & decker", "black and decker", "drill"),
        ("floral print dress", "pattern", "floral print", "floral", "dress"),
        ("peach colored mug", "color", "peach colored", "orange", "peach colored mug"),
        ("wooden table", "material", "wooden", "wood", "table"),
        ("xl shirt", "size", "xl", "x-large", "shirt"),
        ("womens shirt", "gender", "womens", "women", "shirt"),
    ],
)
def test_a_filter_takes_out_only_the_words_that_its_value_says(form, name, words, value, left):
    assert text(spoken(form, (name, words, value))) == left


@pytest.mark.parametrize(
    ("form", "left"),
    [
        ("👟 red shoes", "red shoes"),
        ("❤️ mug 👍🏽", "mug"),
        ("1️⃣ shoe", "1 shoe"),
        ("東京 tokyo", "東京 tokyo"),
    ],
)
def test_emoji_are_no_words_to_search(form, left):
    assert search(event(form, expansions=[(form, 1.0)]), Fields()).text == left
    assert search(event(form, expansions=[(form, 1.0)]), Fields()).expansions[0][0] == left


@pytest.mark.parametrize("engine", ENGINES)
def test_signs_beside_a_filter_are_no_words_to_search(engine):
    found = search(spoken("!!! red 👟", ("color", "red", "red")), Fields(filters=FILTERS))
    assert found.text == ""
    assert ENGINES[engine](found, Fields())


@pytest.mark.parametrize("form", ["😀", "!!!", "/.*/"])
def test_signs_alone_do_not_match_everything(form):
    assert search(event(form), Fields()).text == form
