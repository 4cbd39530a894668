"""Numbers that share a unit or a name are all read, or none is; what negates a bound turns it."""

import pytest

# query: (name, value, text) of each size, quantity, age and price
FOUND = {
    "size 8 or 9 shoes": [("size", "8", "size 8"), ("size", "9", "9")],
    "size 7.5 or 8 shoes": [("size", "7.5", "size 7.5"), ("size", "8", "8")],
    "size 8, 9 or 10 shoes": [("size", "8", "size 8"), ("size", "9", "9"), ("size", "10", "10")],
    "size 8 and 10 women": [("size", "8", "size 8"), ("size", "10", "10")],
    "size 10/12 dress": [("size", "10", "size 10"), ("size", "12", "12")],
    "size 8 to 10 dress": [("size", "8-10", "size 8 to 10")],
    "size 8-10 or 12 dress": [("size", "8-10", "size 8-10"), ("size", "12", "12")],
    "uk 8 or 9 boots": [("size", "uk 8", "uk 8"), ("size", "uk 9", "9")],
    "boots size 8 or 9 uk": [("size", "uk 8", "size 8"), ("size", "uk 9", "9 uk")],
    "size 7/8 girls": [("size", "7", "size 7"), ("size", "8", "8")],
    "size 8 or larger shoes": [],
    "0-3 or 3-6 months onesie": [("age", "0-3 months", "0-3"), ("age", "3-6 months", "3-6 months")],
    "laptop from 8gb to 16gb": [("size", "8-16 gb", "from 8gb to 16gb")],
    "tv between 50 inch and 55 inches": [("size", "50-55 inch", "between 50 inch and 55 inches")],
    "uk 8-10 boots": [("size", "uk 8-10", "uk 8-10")],
    "womens shoes 8 or 9": [("size", "8", "8"), ("size", "9", "9")],
    "womens shoes 8 to 10": [],
    "t-shirt s m l": [("size", "small", "s"), ("size", "medium", "m"), ("size", "large", "l")],
    "shirt s/m/l": [("size", "small", "s"), ("size", "medium", "m"), ("size", "large", "l")],
    "hoodie in s, m and xl": [
        *[("size", "small", "s"), ("size", "medium", "m"), ("size", "x-large", "xl")],
    ],
    "tv 50 or 55 inch": [("size", "50 inch", "50"), ("size", "55 inch", "55 inch")],
    "tv 40, 50 or 55 inch": [
        *[("size", "40 inch", "40"), ("size", "50 inch", "50"), ("size", "55 inch", "55 inch")],
    ],
    "laptop 8gb/16gb ram": [("size", "8 gb", "8gb"), ("size", "16 gb", "16gb")],
    "laptop 8/16gb ram": [("size", "8 gb", "8"), ("size", "16 gb", "16gb")],
    "110/220v hair dryer": [("quantity", "110 v", "110"), ("quantity", "220 v", "220v")],
    "two or three seater sofa": [("size", "2 seater", "two"), ("size", "3 seater", "three seater")],
    "1 or 2 year old toys": [("age", "1 year", "1"), ("age", "2 years", "2 year old")],
    "toys ages 3 and 4": [("age", "3 years", "ages 3"), ("age", "4 years", "4")],
    "lamp 20 or 30 dollars": [("price", "20 USD", "20"), ("price", "30 USD", "30 dollars")],
    # a range, or a number of another kind, before it is none
    "gift 10-20 or 30 dollars": [("price", "30 USD", "30 dollars")],
    "size 8 or 9 dollars": [("size", "8", "size 8"), ("price", "9 USD", "9 dollars")],
    # one number
    "3/4 inch hinge": [("size", "3/4 inch", "3/4 inch")],
    "size 8 and a half shoes": [("size", "8.5", "size 8 and a half")],
    "3 and 1/2 inch hinge": [("size", "3.5 inch", "3 and 1/2 inch")],
    "hinge 2 and a half inch": [("size", "2.5 inch", "2 and a half inch")],
    "31/2 inch hinge": [("size", "3.5 inch", "31/2 inch")],
    # another thing
    "size 8 or 9 inch heels": [("size", "8", "size 8"), ("size", "9 inch", "9 inch")],
    "set of 4 and 2 pillows": [("quantity", "4 set", "set of 4")],
    "24 x 36 or 30 x 40 inch frame": [
        *[("size", "24x36", "24 x 36"), ("size", "30x40 inch", "30 x 40 inch")],
    ],
    "sony 40mm f/2.5 g lens": [("size", "40 mm", "40mm")],
    "frame between 10 and 12 inch": [("size", "10-12 inch", "between 10 and 12 inch")],
}


@pytest.mark.parametrize("query", FOUND)
def test_each_alternative_is_read(lexicon, query):
    found = [
        a for a in lexicon.read(query).attributes if a.name in ("size", "quantity", "age", "price")
    ]
    assert [(a.name, a.value, query[a.start : a.end]) for a in found] == FOUND[query]


@pytest.mark.parametrize("query", ["iphone 13 or 14 case"])
def test_the_numbers_of_models_are_no_sizes(lexicon, query):
    assert [a.name for a in lexicon.read(query).attributes] == ["model", "model"]


EXTENTS = {
    "5-7 year olds toys": ("age", 5, 7, "years"),
    "toys ages 3-6 months": ("age", 3, 6, "months"),
    "toys for 3 year old": ("age", 3, 3, "years"),
    "toys for 1 year old": ("age", 1, 1, "years"),
    "lego ages 5 and up": ("age", 5, None, "years"),
    "size 3-6 months romper": ("size", 3, 6, "months"),
    "size 8-10 dress": ("size", 8, 10, None),
    "size 8 to 10 dress": ("size", 8, 10, None),
    "uk 8-10 boots": None,
    "size 8 shoes": None,
    "toys for kids": None,
    "w34 l32 jeans": None,
}


@pytest.mark.parametrize("query", EXTENTS)
def test_ages_and_ranges_of_sizes_have_numbers(lexicon, query):
    attributes = lexicon.read(query).attributes
    [found] = [a for a in attributes if a.name in ("age", "size")]
    told = (
        (found.name, found.min, found.max, getattr(found, "unit", None))
        if hasattr(found, "min")
        else None
    )
    assert told == EXTENTS[query]


BOUNDS = {
    "shoes not above $50": (None, 50),
    "shoes not under $20": (20, None),
    "shoes but not under 50 dollars": (50, None),
    "shoes not cheaper than $50": (50, None),
    "shoes no more than 50": (None, 50),
    "i don't want to pay more than $50 for shoes": (None, 50),
    "shoes that should not cost over 50 dollars": (None, 50),
    "tv no smaller than 65 inch": (65, None),
    "tv not bigger than 55 inch": (None, 55),
    "desk no wider than 120 cm": (None, 120),
    "tv not less than 50 inch": (50, None),
    "luggage not over 50 lbs": (None, 50),
    "shoes over $20": (20, None),
    "not black shoes over $20": (20, None),
    "tshirt more than 10 less than 20": (10, 20),
    "phone less than 200 but more than 100": (100, 200),
    "shoes over $10 and under $20": (10, 20),
    "shoes at most 50 at least 20": (20, 50),
    "tv more than 50 less than 60 inch": (50, 60),
}


@pytest.mark.parametrize("query", BOUNDS)
def test_a_negation_turns_a_bound_round(lexicon, query):
    [found] = [a for a in lexicon.read(query).attributes if hasattr(a, "min")]
    assert (found.min, found.max) == BOUNDS[query]


@pytest.mark.parametrize(
    "query",
    ["shoes not over $50 but not under $20", "tv not over 50 inch or under 20 inch"],
)
def test_each_of_two_negated_bounds_is_turned_round(lexicon, query):
    amounts = [a for a in lexicon.read(query).attributes if hasattr(a, "min")]
    assert [(a.min, a.max) for a in amounts] == [(None, 50), (20, None)]


@pytest.mark.parametrize(
    "query", ["tv no smaller than 65 inch", "shoes no cheaper than $50", "shoes not under $20"]
)
def test_a_negated_bound_excludes_nothing(lexicon, query):
    assert lexicon.read(query).exclusions == []


@pytest.mark.parametrize("query", ["toys for kids over 5 under 10", "kids books not under 5"])
def test_two_bounds_of_an_age_are_no_price(lexicon, query):
    assert not any(a.name == "price" for a in lexicon.read(query).attributes)
