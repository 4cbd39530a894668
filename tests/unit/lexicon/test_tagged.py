"""What the tags of the tagging model change in what the lists find."""

import pytest

from worker.event import Tag


def read(lexicon, query, **tagged):
    """A query's reading, with tags from text to (name, probability), by keyword for one word."""
    tags = [_tag(query, text.replace("_", " "), *said) for text, said in tagged.items()]
    return lexicon.read(query, sorted(tags))


def _tag(query, text, name, probability):
    start = query.index(text)
    return Tag(start, start + len(text), name, probability)


def said(read):
    return [(a.name, a.value) for a in read.attributes]


def test_a_brand_that_is_also_a_word_counts_where_a_query_begins_with_it_and_it_is_tagged(lexicon):
    assert said(lexicon.read("guess polarized xyz")) == []
    assert said(read(lexicon, "guess polarized xyz", guess=("brand", 0.8))) == [("brand", "guess")]
    assert said(read(lexicon, "guess polarized xyz", guess=("brand", 0.55))) == []
    assert said(read(lexicon, "polarized guess xyz", guess=("brand", 0.9))) == []
    longer = {"guess_polarized": ("brand", 0.9)}  # this is another brand, if it is one
    assert said(read(lexicon, "guess polarized xyz", **longer)) == []


def test_words_that_nobody_knows_are_a_brand_at_the_begin_of_a_query(lexicon):
    brand = [("brand", "zorvexa")]
    assert said(read(lexicon, "zorvexa socks", zorvexa=("brand", 0.5))) == brand
    assert said(read(lexicon, "zorvexa socks", zorvexa=("brand", 0.25))) == []
    assert said(read(lexicon, "zorvexa xyz", zorvexa=("brand", 0.8))) == brand
    assert said(read(lexicon, "zorvexa xyz", zorvexa=("brand", 0.55))) == []  # no term behind


@pytest.mark.parametrize(
    "query, tagged, why",
    [
        ("nike zorvexa socks", "zorvexa", "it names a brand already"),
        ("socks zorvexa", "zorvexa", "it does not stand first"),
        ("zorvexa armchair", "zorvexa", "series of furniture are called like brands"),
        ("bandits cleaner", "bandits", "a word of the language"),
        ("z80 socks", "z80", "a code"),
        ("orgsnic socks", "orgsnic", "it may be misspelt for a word of the lexicon"),
    ],
)
def test_else_they_are_none(lexicon, query, tagged, why):
    found = read(lexicon, query, **{tagged: ("brand", 0.95)})
    assert tagged not in [a.value for a in found.attributes], why


def test_a_new_brand_is_protected_as_others_are(lexicon):
    form = "zorvexa red socks"
    found = read(lexicon, form, zorvexa=("brand", 0.9))
    assert [m.surface for m in found.mentions] == ["socks"]
    assert said(found) == [("brand", "zorvexa"), ("color", "red")]


def test_a_model_stands_behind_a_brand(lexicon):
    tags = {"kraken_x2_black": ("model", 0.8)}
    found = [("brand", "razer"), ("model", "kraken x2"), ("color", "black")]
    assert said(read(lexicon, "razer kraken x2 black", **tags)) == found
    assert said(read(lexicon, "kraken x2 black", **tags)) == [("color", "black")]
    assert said(read(lexicon, "kitchenaid c", **{" c": ("model", 0.9)})) == [
        ("brand", "kitchenaid")
    ]


def test_a_thing_behind_a_brand_is_no_model_unless_it_has_a_digit(lexicon):
    assert said(read(lexicon, "nike cold pack", cold_pack=("model", 0.9))) == [("brand", "nike")]
    found = said(read(lexicon, "nike cold pack 2", cold_pack_2=("model", 0.9)))
    assert found == [("brand", "nike"), ("model", "cold pack 2")]
    assert said(read(lexicon, "nike vertical", vertical=("model", 0.55))) == [("brand", "nike")]
    sure = said(read(lexicon, "nike vertical", vertical=("model", 0.65)))
    assert sure == [("brand", "nike"), ("model", "vertical")]


def test_what_two_things_are_compared_by_is_no_model(lexicon):
    found = said(read(lexicon, "samsung vs iphone", vs=("model", 0.9)))
    assert found == [("brand", "samsung")]


def test_for_whom_and_in_which_color_is_no_part_of_a_brand(lexicon):
    assert said(lexicon.read("baby zorvexa lamp")) == [("age", "baby")]
    found = said(read(lexicon, "baby zorvexa lamp", baby_zorvexa=("brand", 0.65)))
    assert ("age", "baby") not in found


def test_what_is_on_a_thing_says_nothing_of_it(lexicon):
    query = "blue roads poster"
    assert said(lexicon.read(query)) == [("color", "blue")]
    tags = {"blue_roads": ("content", 0.8), "poster": ("product", 0.9)}
    assert said(read(lexicon, query, **tags)) == []
    unsure = {"blue_roads": ("content", 0.6), "poster": ("product", 0.9)}
    assert said(read(lexicon, query, **unsure)) == [("color", "blue")]


def test_what_is_on_a_thing_is_no_term_beside_it(lexicon):
    query, content = "lantern poster", {"lantern": ("content", 0.9)}
    names = [m.surface for m in read(lexicon, query, **content).mentions]
    assert names == ["lantern", "poster"]  # no product is tagged that it could be on
    content["poster"] = "product", 0.9
    assert [m.surface for m in read(lexicon, query, **content).mentions] == ["poster"]


def test_a_color_in_a_things_name_is_none(lexicon):
    query = "rust eraser blocks"
    assert said(lexicon.read(query)) == [("color", "rust")]
    assert said(read(lexicon, query, rust_eraser_blocks=("product", 0.9))) == []


def test_a_word_for_a_color_or_a_scent_is_none_where_it_is_tagged_as_anything_else(lexicon):
    color = [("color", "orange")]
    assert said(lexicon.read("peach sofa")) == color
    assert said(read(lexicon, "peach sofa", peach=("color", 0.6))) == color
    assert said(read(lexicon, "peach sofa", peach=("style", 0.4))) == color
    assert said(read(lexicon, "peach sofa", peach=("style", 0.6))) == []
    red = read(lexicon, "red sofa", red=("style", 0.6))  # which is no scent
    assert said(red) == [("color", "red")]


def test_it_is_one_in_what_is_tagged_as_the_thing_unless_that_is_a_name(lexicon):
    thing = {"cream_sofa": ("product", 0.6)}
    assert said(read(lexicon, "cream sofa", **thing)) == [("color", "white")]
    named = {"rose_oil": ("product", 0.6)}
    assert said(read(lexicon, "rose oil", **named)) == []


def test_what_a_thing_is_for_is_not_what_it_is_of_even_where_it_is_tagged(lexicon):
    assert said(read(lexicon, "leather conditioner", leather=("material", 0.9))) == []


def test_a_value_that_the_rules_set_aside_counts_where_it_is_tagged(lexicon):
    query = "mens sneaker 4 rubber"
    assert said(lexicon.read(query)) == [("gender", "men")]
    with_it = [("gender", "men"), ("material", "rubber")]
    assert said(read(lexicon, query, rubber=("material", 0.9))) == with_it
    assert said(read(lexicon, query, rubber=("material", 0.65))) == [("gender", "men")]


def test_a_tag_adds_nothing_to_what_the_lists_have(lexicon):
    query = "light blue shirt"
    assert said(read(lexicon, query, light_blue=("color", 0.95))) == said(lexicon.read(query))


def test_tags_do_not_bring_back_what_is_excluded(lexicon):
    found = read(lexicon, "sneakers without rubber", rubber=("material", 0.95))
    assert said(found) == [] and [x.term for x in found.exclusions] == ["rubber"]


def test_what_is_tagged_as_a_product_is_told_without_the_marks_around_it(lexicon):
    found = read(lexicon, "red floor mats, 2 door", **{"floor_mats,": ("product", 0.6)})
    assert [tuple(thing) for thing in found.things] == [(4, 14, 0.6)]
    assert read(lexicon, "floor mats", **{"floor_mats": ("product", 0.4)}).things == []


def without(read):
    return [x.term for x in read.exclusions]


def test_nothing_is_excluded_in_a_title(lexicon):
    title = {"a_town_without_rain": ("content", 0.9)}
    assert without(lexicon.read("a town without rain")) == ["rain"]
    assert without(read(lexicon, "a town without rain", **title)) == []
    assert without(read(lexicon, "a town without rain", rain=("excluded", 0.9))) == ["rain"]
    assert without(read(lexicon, "no logo shirt", no_logo=("content", 0.9))) == ["logo"]


@pytest.mark.parametrize(
    "query, tagged, excluded",
    [
        ("fluoride free toothpaste", ["fluoride"], ["fluoride"]),  # a term
        ("zero sugar lemonade", ["sugar"], ["sugar"]),
        ("egg, sesame, nut free crackers", ["egg,", "sesame,", "nut"], ["egg", "sesame", "nut"]),
        ("oat bar free bpa and soy", ["bpa", "soy"], ["bpa", "soy"]),
        ("non stick pan", ["stick"], []),  # the name of a property
        ("shoes leather free express delivery", ["leather"], []),  # the delivery is free
        ("bread gluten free home delivery", ["gluten"], ["gluten"]),  # shops print it
        ("gloves latex free home delivery", ["latex"], ["latex"]),  # though it is a material
        ("shoes no leather free express delivery", ["leather"], ["leather"]),
        ("bcaa without artificial sweeteners", ["artificial"], ["artificial sweeteners"]),
    ],
)
def test_what_is_tagged_so_is_excluded(lexicon, query, tagged, excluded):
    tags = {text: ("excluded", 0.6) for text in tagged}
    assert without(read(lexicon, query, **tags)) == excluded


def test_a_tag_on_what_negates_excludes_nothing_and_takes_nothing(lexicon):
    query = "sneakers puma not wanted"
    assert without(read(lexicon, query, wanted=("excluded", 0.9))) == ["puma"]


def test_what_is_excluded_ends_with_its_tag(lexicon):
    query = "antenna without cable outdoor"
    assert without(lexicon.read(query)) == ["cable outdoor"]
    assert without(read(lexicon, query, cable=("excluded", 0.5))) == ["cable"]
    assert without(read(lexicon, query, cable=("excluded", 0.2))) == ["cable outdoor"]


def test_a_part_behind_it_is_excluded_with_it_unless_it_is_tagged_as_something_else(lexicon):
    query, suction = "phone holder no suction cup", ("excluded", 0.8)
    assert without(read(lexicon, query, suction=suction)) == ["suction cup"]
    assert without(read(lexicon, query, suction=suction, cup=("style", 0.4))) == ["suction cup"]
    assert without(read(lexicon, query, suction=suction, cup=("style", 0.6))) == ["suction"]


def test_how_much_of_a_quality_there_is_to_be_is_not_excluded_however_it_is_tagged(lexicon):
    found = read(lexicon, "wine not too sweet", sweet=("excluded", 0.9))
    assert without(found) == [] and not found.excluded_terms


def test_a_term_that_says_what_it_lacks_is_still_what_is_asked_for(lexicon):
    found = read(lexicon, "fluoride free toothpaste", fluoride=("excluded", 0.9))
    assert [m.surface for m in found.mentions] == ["fluoride free toothpaste"]


def test_a_letter_of_a_code_is_no_size_however_it_is_tagged(lexicon):
    assert said(read(lexicon, "socks m", m=("size", 0.9))) == [("size", "medium")]
    assert said(read(lexicon, "m.2 xyz", m=("size", 0.9))) == []
