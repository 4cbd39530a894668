"""What the tagging model says of a query that no list holds."""

import pytest

from worker.event import Tag


def described(lexicon, query, *tagged):
    """Name and value of what tags say; each is text, name, probability."""
    tags = []
    for text, name, probability in tagged:
        start = query.index(text)
        tags.append(Tag(start, start + len(text), name, probability))
    return [(a.name, a.value) for a in lexicon.read(query, sorted(tags)).described]


def test_product_style_and_use_are_the_words_that_are_tagged_so(lexicon):
    query = "wireless noise-cancelling earmuffs for travel"
    found = described(
        lexicon,
        query,
        ("wireless", "style", 0.9),
        ("noise-cancelling", "style", 0.9),
        ("earmuffs", "product", 0.9),
        ("for travel", "use", 0.9),
    )
    assert found == [
        ("style", "wireless"),
        ("style", "noise cancelling"),
        ("product", "earmuffs"),
        ("use", "travel"),
    ]


@pytest.mark.parametrize(
    "query, tag, product",
    [
        ("zog impact driver tool only", "impact driver tool", [("product", "impact driver")]),
        ("zog impact driver bare tool", "tool", []),
        ("multi tool only", "multi tool", [("product", "multi tool")]),
        ("fifty foot hose", "foot hose", [("product", "hose")]),
        ("two piece sets", "two piece sets", [("product", "two piece sets")]),
    ],
)
def test_a_product_has_no_words_that_name_no_thing(lexicon, query, tag, product):
    assert described(lexicon, query, (tag, "product", 0.9)) == product


@pytest.mark.parametrize(
    "name, least", [("product", 0.6), ("style", 0.5), ("use", 0.5), ("content", 0.85)]
)
def test_from_the_probability_of_their_name(lexicon, name, least):
    assert described(lexicon, "xyzzy", ("xyzzy", name, least)) == [(name, "xyzzy")]
    assert described(lexicon, "xyzzy", ("xyzzy", name, least - 0.01)) == []


def test_a_tag_of_another_name_is_an_attribute_of_that_name(lexicon):
    assert described(lexicon, "xyzzy", ("xyzzy", "flavor", 0.8)) == [("flavor", "xyzzy")]
    assert described(lexicon, "xyzzy", ("xyzzy", "flavor", 0.79)) == []


@pytest.mark.parametrize("name", ["brand", "model", "color", "size", "price", "excluded"])
def test_what_the_lists_say_is_left_to_them(lexicon, name):
    assert described(lexicon, "ab xyzzy", ("xyzzy", name, 0.99)) == []


@pytest.mark.parametrize(
    "text, name",
    [("full length", "size"), ("lava rock", "material"), ("bulk", "quantity")],
)
def test_what_the_lists_lack_in_ordinary_words_is_a_style_of_the_thing(lexicon, text, name):
    query, thing = f"{text} xyzzy", ("xyzzy", "product", 0.6)
    said = [("style", text), ("product", "xyzzy")]
    assert described(lexicon, query, (text, name, 0.5), thing) == said
    assert described(lexicon, query, (text, name, 0.49), thing) == said[1:]
    assert described(lexicon, query, (text, name, 0.9)) == []


@pytest.mark.parametrize(
    "text, name", [("two", "quantity"), ("dozen", "quantity"), ("plugh", "size"), ("8", "size")]
)
def test_a_number_or_a_word_that_nobody_knows_is_no_style(lexicon, text, name):
    query, thing = f"{text} xyzzy", ("xyzzy", "product", 0.9)
    assert described(lexicon, query, (text, name, 0.99), thing) == [("product", "xyzzy")]


def test_a_shade_that_the_lists_lack_is_a_color(lexicon):
    query, thing = "xyzzy in fog color", ("xyzzy", "product", 0.9)
    said = [("product", "xyzzy"), ("color", "fog")]
    assert described(lexicon, query, thing, ("fog color", "color", 0.8)) == said
    assert described(lexicon, query, thing, ("fog color", "color", 0.79)) == said[:1]
    assert described(lexicon, "4 color xyzzy", ("4 color", "color", 0.9)) == []


def test_where_a_thing_is_from_is_its_origin(lexicon):
    origin = ("made in japan", "origin", 0.5)
    assert described(lexicon, "xyzzy made in japan", origin) == [("origin", "japan")]


def test_what_is_on_a_thing_that_is_named_needs_a_lower_probability(lexicon):
    query, thing = "xyzzy plugh", ("xyzzy", "product", 0.6)
    said = [("product", "xyzzy"), ("content", "plugh")]
    assert described(lexicon, query, thing, ("plugh", "content", 0.65)) == said
    assert described(lexicon, query, thing, ("plugh", "content", 0.64)) == said[:1]


def test_words_that_only_lead_to_it_are_left_out(lexicon):
    assert described(lexicon, "xyzzy for my mom", ("for my mom", "use", 0.9)) == [("use", "mom")]
    assert described(lexicon, "thick and xyzzy", ("thick and", "style", 0.9)) == [
        ("style", "thick")
    ]
    assert described(lexicon, "xyzzy for the", ("for the", "use", 0.9)) == []
    assert described(lexicon, "2015 honda xyzzy", ("2015 honda", "use", 0.9)) == []
    assert described(lexicon, "colored xyzzy", ("colored", "style", 0.9)) == []
    assert described(lexicon, "no xyzzy", ("no", "style", 0.9)) == []
    assert described(lexicon, "xyzzy but", ("xyzzy but", "product", 0.9)) == [("product", "xyzzy")]


def test_a_title_keeps_its_first_words(lexicon):
    title = ("the xyzzy", "content", 0.9)
    assert described(lexicon, "the xyzzy", title) == [("content", "the xyzzy")]
    author = ("by xyzzy", "content", 0.9)
    assert described(lexicon, "plugh by xyzzy", author) == [("content", "xyzzy")]


def test_what_is_said_already_is_not_said_again(lexicon):
    assert described(lexicon, "red xyzzy", ("red", "style", 0.9)) == []
    assert described(lexicon, "xyzzy not red", ("red", "style", 0.9)) == []


def test_a_products_name_ends_at_a_brand(lexicon):
    assert described(lexicon, "nike xyzzy", ("nike xyzzy", "product", 0.9)) == [
        ("product", "xyzzy")
    ]
    assert described(lexicon, "xyzzy nike plugh", ("xyzzy nike plugh", "product", 0.9)) == []
    # a colour may be a part of it
    assert described(lexicon, "red xyzzy", ("red xyzzy", "product", 0.9)) == [
        ("product", "red xyzzy")
    ]


def test_a_surname_is_no_product(lexicon):
    assert described(lexicon, "nora xyzzy", ("xyzzy", "product", 0.9)) == []
    assert described(lexicon, "christian socks", ("socks", "product", 0.9)) == [
        ("product", "socks")
    ]


def test_which_of_a_line_it_is_is_no_use(lexicon):
    assert described(lexicon, "nike pro 2 xyzzy", ("nike pro 2", "use", 0.9)) == []
    assert described(lexicon, "nike xyzzy", ("nike xyzzy", "use", 0.9)) == [("use", "xyzzy")]


def test_that_things_are_compared_is_no_style(lexicon):
    assert described(lexicon, "compare xyzzy", ("compare", "style", 0.9)) == []
    assert described(lexicon, "red nor xyzzy", ("nor", "style", 0.9)) == []


def test_a_word_for_a_condition_that_says_none_is_no_style_instead(lexicon):
    query = "watch with a second hand"
    assert described(lexicon, query, ("with a second hand", "style", 0.9)) == []
