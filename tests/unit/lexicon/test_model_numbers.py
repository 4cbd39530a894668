"""A brand's name and the model behind it; models that one name is said for."""

import pytest


def named(lexicon, query):
    found = lexicon.read(query).attributes
    return [(a.name, a.value) for a in found if a.name in ("brand", "model")]


@pytest.mark.parametrize(
    "query, brand, model",
    [
        ("kindle paperwhite", "kindle", "paperwhite"),
        ("kindle fire 7", "kindle", "fire 7"),
        ("pepsi max", "pepsi", "max"),
        ("coke zero", "coca cola", "zero"),
        ("xbox series x", "xbox", "series x"),
        ("xbox one s", "xbox", "one s"),
        ("titleist pro v1", "titleist", "pro v1"),
        ("nokia 3310", "nokia", "3310"),
        ("hoka bondi 8 wide", "hoka", "bondi 8"),
        ("honda civic 2012", "honda", "civic"),  # no year
        ("hp 302 ink", "hp", "302"),
        ("epson 603 ink cartridge", "epson", "603"),
        # whose brand is called otherwise
        ("airpods max", "apple", "airpods max"),
        ("airpods 3", "apple", "airpods 3"),
        ("play station 5", "sony playstation", "play station 5"),
        ("ryzen 7", "amd", "ryzen 7"),
        ("echo dot", "amazon", "echo dot"),
        ("instax mini 11", "fujifilm", "instax mini 11"),
        ("moto g", "motorola", "moto g"),
    ],
)
def test_a_brand_and_the_model_behind_it(lexicon, query, brand, model):
    assert named(lexicon, query) == [("brand", brand), ("model", model)]


def test_a_watch_has_a_size_that_is_no_model(lexicon):
    assert named(lexicon, "apple watch 44 band") == [("brand", "apple")]
    assert named(lexicon, "apple watch 3 band") == [("brand", "apple"), ("model", "watch 3")]


@pytest.mark.parametrize(
    "query, models",
    [
        ("compare iphone 14 and 15", ["iphone 14", "iphone 15"]),
        ("iphone 6/7/8 case", ["iphone 6", "iphone 7", "iphone 8"]),
        ("iphone 14 pro vs 15 pro", ["iphone 14 pro", "iphone 15 pro"]),
        ("galaxy s22 or s23 ultra", ["galaxy s22", "galaxy s23 ultra"]),
        ("dyson v11 vs v15", ["v11", "v15"]),
        ("iphone 14 and 2 cases", ["iphone 14"]),
        ("iphone 8 and 10 ft cable", ["iphone 8"]),
        ("iphone 14 for 15 year old", ["iphone 14"]),
        ("dyson v8, v10, v11 filter", ["v8", "v10", "v11"]),
        ("galaxy s8 s9 s10 case", ["galaxy s8", "galaxy s9", "galaxy s10"]),
        ("iphone 7 and 8 cases", ["iphone 7", "iphone 8"]),
        # as the first is written behind its brand
        ("gopro 9 vs 10", ["9", "10"]),
        ("jordan 4 vs 5", ["jordan 4", "jordan 5"]),
        ("apple watch series 7 or 8 strap", ["watch series 7", "watch series 8"]),
        ("echo dot 4 or 5", ["echo dot 4", "echo dot 5"]),
        # amounts, and how many there are of something
        ("pc with ryzen 7 and 8gb", ["ryzen 7"]),
        ("redmi note 10, 6gb", ["redmi note 10"]),
        ("iphone 11, 12v charger", ["iphone 11"]),
        ("moto g 7 and 8 gb card", ["moto g 7"]),
        ("playstation 4 with 2 controllers", ["playstation 4"]),
        ("kindle 10 and 5 books", ["10"]),
        ("iphone 13, 14 day return", ["iphone 13"]),
    ],
)
def test_a_number_behind_a_model_may_be_another_of_its_line(lexicon, query, models):
    assert [value for name, value in named(lexicon, query) if name == "model"] == models


@pytest.mark.parametrize("query", ["kindle 2 pack", "gopro 2 pack batteries", "airpods 2 pack"])
def test_how_many_are_in_a_pack_is_no_model(lexicon, query):
    found = lexicon.read(query).attributes
    assert [a.value for a in found if a.name in ("model", "quantity")] == ["2 pack"]
