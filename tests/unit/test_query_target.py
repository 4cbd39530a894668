"""What a query asks for where its own words do not tell surely."""

from worker.event import Tag
from worker.understanding.query_target import query_target


def found(lexicon, query, *nearest, cosine=0.8):
    """What the query asks for, if these terms are nearest to it."""
    ids = [lexicon.read(text).mentions[0].term_id for text in nearest]
    heads, near, _ = query_target(lexicon, lexicon.read(query), ids, cosine)
    return [head.surface for head in heads], near


KNIVES = ["bread knife", "carving knife", "paring knife", "nakiri knife"]


def test_a_term_of_the_query_names_the_thing(lexicon):
    assert found(lexicon, "carbon bread knife") == (["bread knife"], "")
    assert found(lexicon, "carbon bread knife", *KNIVES) == (["bread knife"], "")
    assert found(lexicon, "height-adjustable desk chair") == (["desk chair"], "")


def test_nearest_terms_that_end_as_the_query_does_tell_its_category(lexicon):
    heads, near = found(lexicon, "brindolo knife", *KNIVES)
    assert heads == [] and near.startswith("Kitchen")
    assert found(lexicon, "brindolo knife", *KNIVES[:3]) == ([], "")  # too few
    assert found(lexicon, "brindolo knife sharpener case", *KNIVES) == ([], "")  # a thing for it


def test_they_confirm_a_term_with_other_words_behind_it(lexicon):
    lipsticks = ["matte lipstick", "liquid lipstick", "lipstick", "red lipstick"]
    assert found(lexicon, "lipstick crushed berry") == ([], "")
    assert found(lexicon, "lipstick crushed berry", *lipsticks)[0] == ["lipstick"]


def test_they_tell_of_a_thing_that_seems_of_another_department(lexicon):
    bowls = ["dog bowl", "cat bowl", "pet bowl", "slow feeder bowl"]
    heads, near = found(lexicon, "puzzle bowl", *bowls)
    assert heads == ["bowl"] and near.startswith("Pets")


def test_the_words_of_a_name_may_stand_apart(lexicon):
    heads, near = found(lexicon, "organizer desk", "desk organizer")
    assert heads == [] and near.startswith("Office")
    assert found(lexicon, "organizer desk", "desk organizer", cosine=0.7)[0] == ["desk"]
    assert found(lexicon, "not organizer desk", "desk organizer")[0] == ["desk"]
    assert found(lexicon, "light balloons", "balloon lights")[0] == []
    assert found(lexicon, "light blue balloons", "balloon lights")[0] == ["balloons"]


def test_what_a_thing_is_like_makes_no_other_thing_of_it(lexicon):
    heads, _ = found(lexicon, "shower curtain extra long", "extra long curtains")
    assert heads == ["shower curtain"]


def test_a_thing_for_another_is_named_so_only_if_nothing_else_names_it(lexicon):
    assert found(lexicon, "blue case for iphone")[0] == ["case"]
    assert lexicon.heads(lexicon.read("wrap for baby"))[0].surface == "wrap"
    assert found(lexicon, "blanket wrap for baby") == ([], "")


def test_a_brand_that_sells_one_kind_of_thing_tells_its_category(lexicon):
    assert found(lexicon, "lowa zephyr", *KNIVES) == ([], "Shoes > Boots & Hiking Shoes")


def test_nearest_terms_tell_which_of_its_things_if_it_sells_several(lexicon):
    phones = ["smartphone", "android phone", "refurbished phone"]
    assert found(lexicon, "samsung zephyr", *phones)[1].startswith("Phones")
    assert found(lexicon, "samsung zephyr", *phones[:2])[1] == ""


def test_a_thing_behind_needs_more_of_them(lexicon):
    mice = ["computer mouse", "wired mouse", "silent mouse", "bluetooth mouse", "wireless mouse"]
    assert found(lexicon, "mouse paws", *mice[:4]) == ([], "")
    assert found(lexicon, "mouse paws", *mice)[1].startswith("Computers")


def test_most_of_the_nearest_terms_tell_if_they_are_near_and_one_ends_as_a_word_does(lexicon):
    makeup = ["lip gloss", "lip makeup", "lipstick", "mascara", "blush", "eyeliner"]
    assert found(lexicon, "gloss flarbsion", *makeup)[1].startswith("Beauty")
    assert found(lexicon, "gloss flarbsion", *makeup[:5])[1] == ""
    assert found(lexicon, "gloss flarbsion", *makeup, cosine=0.6)[1] == ""
    assert found(lexicon, "flarbsion", *makeup)[1] == ""


def test_words_that_are_joined_stand_not_apart(lexicon):
    assert found(lexicon, "grandma cup and straw", "straw cup")[0] == ["cup"]


def tagged(lexicon, query, *products, chance=0.8):
    """What the query asks for, if these words of it are tagged as products."""
    places = [(query.index(text), query.index(text) + len(text)) for text in products]
    tags = [Tag(*place, "product", chance) for place in places]
    heads, _, _ = query_target(lexicon, lexicon.read(query, tags), [], 0.0)
    return [head.surface for head in heads]


def test_what_is_tagged_as_a_product_is_asked_for_rather_than_what_stands_behind_it(lexicon):
    query = "hydrating sheet masks yoga hairband"
    assert tagged(lexicon, query) == ["hairband"]
    assert tagged(lexicon, query, "sheet masks") == ["sheet masks"]
    assert tagged(lexicon, query, "sheet masks", chance=0.7) == ["hairband"]  # not surely
    assert tagged(lexicon, query, "masks") == ["sheet masks"]  # its end
    assert tagged(lexicon, query, "yoga hairband") == ["hairband"]  # they agree
    assert tagged(lexicon, query, "hydrating") == []  # no term: nothing is known of it
    assert tagged(lexicon, "push lights, stick on", "push lights,") == ["push lights"]
