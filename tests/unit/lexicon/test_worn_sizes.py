"""Sizes and ages that only a number tells, by what stands beside it."""

import pytest


def told(lexicon, query, *names):
    return [(a.name, a.value) for a in lexicon.read(query).attributes if a.name in names]


@pytest.mark.parametrize(
    "query, size",
    [
        ("nike pegasus 40 mens 10", "10"),
        ("asics womens 8", "8"),
        ("boots mens 10", "10"),
        ("cargo shorts men 36", "36"),
        ("mens jeans 36", "36"),
        ("mens leather belt 38", "38"),
        ("timing belt 38", None),
        ("mens seat belt 38", None),
        ("adidas samba womens 6", "6"),
        ("mens suit 40r", "40r"),
        ("mens suit 42l", "42l"),
        ("dress shirt 16.5 34/35", "16.5 34/35"),
        ("wetsuit 3/2", "3/2 mm"),
        ("hoodie sz 12", "12"),
        ("hoodie sz small", "small"),
        ("jeans w32", "waist 32"),
        ("boots size 10", "10"),
        ("gifts for men 40", None),
        ("vitamins men 50", None),
        ("jersey mens 24", None),
        ("little women 8", None),  # a title
        ("shoes for men under 6", None),
        ("nike shoes womens less than 8", None),
        ("nike shoes womens at least 8", None),
        ("w50 bulb", None),
        ("shirt 2 for 1", None),
        ("red nike womens 8", "8"),
        ("little women 8", None),  # titles
        ("12 angry men 4", None),
        ("x men 4", None),
    ],
)
def test_sizes(lexicon, query, size):
    assert told(lexicon, query, "size") == ([("size", size)] if size else [])


@pytest.mark.parametrize("query", ["backpack 40l", "suit bag 40l"])
def test_litres_are_no_size_of_a_suit(lexicon, query):
    assert told(lexicon, query, "size", "quantity") == [("quantity", "40 l")]


@pytest.mark.parametrize(
    "query, age",
    [
        ("school trousers boys 11-12", "11-12 years"),
        ("costume 5-6", "5-6 years"),
        ("art supplies for kids 9-12", "9-12 years"),
        ("baby romper 3-6", "3-6 months"),
        ("girls shoes 5-6", None),
        ("girls dress size 5-6", None),
        ("kids puzzle 3-4 players", None),
        ("grades 5-6 workbook for kids", None),
        ("drawer handles 5-6", None),
    ],
)
def test_ages(lexicon, query, age):
    numbered = [value for _, value in told(lexicon, query, "age") if value[:1].isdigit()]
    assert numbered == ([age] if age else [])


@pytest.mark.parametrize(
    "query, said",
    [
        # of beds
        ("sofa bed small double", ["small double"]),
        ("small single mattress", ["small single"]),
        ("king single bed", ["king single"]),
        ("european double fitted sheet", ["european double"]),
        ("small double boiler", ["small"]),
        ("small double stroller", ["small"]),
        # of glasses and lenses
        ("reading glasses +2.5", ["+2.5"]),
        ("reading glasses 1.50 3 pack", ["1.50"]),
        ("contact lenses -2.75", ["-2.75"]),
        ("card readers 2.0", []),
        ("camera lens 1.8", []),
        # of seats in cars
        ("car seat group 1 2 3", ["group 1/2/3"]),
        ("group 0+/1 car seat", ["group 0+/1"]),
        ("booster seat groups 2 and 3", ["group 2/3"]),
        ("age group 3 books", []),
        # of screws, of the laptop that a bag is for, of waist and leg
        ("m8 bolts", ["m8"]),
        ("m3 muscle tee", []),
        ("laptop bag 15.6", ["15.6 inch"]),
        ("mens jeans 32 30", ["w32 l30"]),
        ("jeans 32 30 pack", []),
    ],
)
def test_sizes_that_only_some_things_have(lexicon, query, said):
    assert [value for _, value in told(lexicon, query, "size")] == said


@pytest.mark.parametrize(
    "query, grade",
    [
        ("engine oil 5w30", "5w30"),
        ("castrol 0w-20 5l", "0w-20"),
        ("dust masks ffp3", "ffp3"),
        ("kn95 masks", "kn95"),
        ("e14 candle bulb", "e14"),
        ("led bulb gu5.3", "gu5.3"),
        ("bmw e39 mats", None),
        ("nokia n95 battery", None),
        ("34w32 jeans", None),
        ("20w solar panel", None),
    ],
)
def test_a_grade_is_a_style(lexicon, query, grade):
    assert told(lexicon, query, "style") == ([("style", grade)] if grade else [])
