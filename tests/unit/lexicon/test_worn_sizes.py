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
