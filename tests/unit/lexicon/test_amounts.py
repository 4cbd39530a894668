"""Prices and amounts with their bounds; the numbers of models are neither."""

import orjson
import pytest

from triton_models.query_text import normal_form

# query: (name, value, min, max, unit or currency) …
AMOUNTS = {
    "kettle under £40": [("price", "under 40 GBP", None, 40, "GBP")],
    "brush less then 30 dollars": [("price", "under 30 USD", None, 30, "USD")],
    "adapter up tp 50 dollars": [("price", "under 50 USD", None, 50, "USD")],
    "20-volt max drill": [("quantity", "20 v", 20, 20, "v")],
    "3-in-1 stroller": [],
    "shelf 24 in-36 in": [("size", "24 inch", 24, 24, "inch"), ("size", "36 inch", 36, 36, "inch")],
    "microwave 20l 800w": [("quantity", "20 l", 20, 20, "l"), ("quantity", "800 w", 800, 800, "w")],
    "usb stick 64gb x2": [("size", "64 gb", 64, 64, "gb")],
    "18x48 shelves 6 tier": [("quantity", "6 tier", 6, 6, "tier")],
    "ladder 3m": [("size", "3 m", 3, 3, "m")],
    "tights 40 denier": [("quantity", "40 denier", 40, 40, "denier")],
    "$5 bag of rice": [("price", "5 USD", 5, 5, "USD")],
    "24 bar stool": [],
    "60 capsules": [("quantity", "60 capsule", 60, 60, "capsule")],
    "sofa over $900": [("price", "over 900 USD", 900, None, "USD")],
    "desk between 100 and 250 euros": [("price", "100-250 EUR", 100, 250, "EUR")],
    "coat £30-£60": [("price", "30-60 GBP", 30, 60, "GBP")],
    "wine 15€": [("price", "15 EUR", 15, 15, "EUR")],
    "lamp up to 60 dollars": [("price", "under 60 USD", None, 60, "USD")],
    "rug $1,299.50": [("price", "1299.5 USD", 1299.5, 1299.5, "USD")],
    "sofa max width 200 cm": [("size", "under 200 cm", None, 200, "cm")],
    "toaster 25 quid or less": [("price", "under 25 GBP", None, 25, "GBP")],
    "mirror budget 80": [("price", "under 80", None, 80, None)],
    "headphones under 50 for travel": [("price", "under 50", None, 50, None)],
    "50p stickers": [("price", "0.5 GBP", 0.5, 0.5, "GBP")],
    "cheap mirror": [],
    "hamper 15 pounds max": [("price", "under 15 GBP", None, 15, "GBP")],
    "ean 5012345678900 x3": [],
    "toys for kids under 5": [],
    "1080p webcam": [],
    "monitor under 27 inches": [("size", "under 27 inch", None, 27, "inch")],
    "tablet more then 64gb": [("size", "over 64 gb", 64, None, "gb")],
    "tablet at least 64gb": [("size", "over 64 gb", 64, None, "gb")],
    "shelf more than 80 cm wide": [("size", "over 80 cm", 80, None, "cm")],
    "suitcase between 30 and 40 litres": [("quantity", "30-40 l", 30, 40, "l")],
    "40-60 l backpack": [("quantity", "40-60 l", 40, 60, "l")],
    "skillet 10 inch or larger": [("size", "over 10 inch", 10, None, "inch")],
    "1½ inch nails": [("size", "1.5 inch", 1.5, 1.5, "inch")],
    "3/8 inch socket": [("size", "3/8 inch", 0.375, 0.375, "inch")],
    "three litre jug": [("quantity", "3 l", 3, 3, "l")],
    "half gallon jug": [("quantity", "0.5 gallon", 0.5, 0.5, "gallon")],
    # in words, as in digits
    "ten pound dumbbell": [("quantity", "10 lb", 10, 10, "lb")],
    "twenty pound dumbbell": [("quantity", "20 lb", 20, 20, "lb")],
    "twenty five pound dumbbell": [("quantity", "25 lb", 25, 25, "lb")],
    "twenty-five pound dumbbell": [("quantity", "25 lb", 25, 25, "lb")],
    "a hundred foot hose": [("size", "100 ft", 100, 100, "ft")],
    "five hundred piece puzzle": [("quantity", "500 piece", 500, 500, "piece")],
    "one gallon jug": [("quantity", "1 gallon", 1, 1, "gallon")],
    "two and a half inch nails": [("size", "2.5 inch", 2.5, 2.5, "inch")],
    "tv over fifty inches": [("size", "over 50 inch", 50, None, "inch")],
    "pack of twenty pens": [("quantity", "20 pack", 20, 20, "pack")],
    "a dozen eggs": [("quantity", "1 dozen", 1, 1, "dozen")],
    "half a dozen eggs": [("quantity", "0.5 dozen", 0.5, 0.5, "dozen")],
    "fifty pound gift card": [("price", "50 GBP", 50, 50, "GBP")],
    "amazon gift card 20 pounds": [("price", "20 GBP", 20, 20, "GBP")],
    "2 pound coin album": [],
    "one piece swimsuit": [],
    "nineteen ninety nine inch": [],
    "twenty thousand leagues under the sea book": [],
    "kettle under twenty pounds": [("price", "under 20 GBP", None, 20, "GBP")],
    "dumbbell under twenty pounds": [("quantity", "under 20 lb", None, 20, "lb")],
    # behind its unit, or what stands for that
    "sun cream factor 50 kids": [("quantity", "50 spf", 50, 50, "spf")],
    "sunscreen spf50": [("quantity", "50 spf", 50, 50, "spf")],
    "moisturizer spf 30+": [("quantity", "over 30 spf", 30, None, "spf")],
    "x factor 10 dvd": [],
    "max factor 50 foundation": [],
    "two factor authentication key": [],
    # carats, but of many things how many they are
    "gold hoop earrings 9ct": [("quantity", "9 carat", 9, 9, "carat")],
    "18 ct necklace": [("quantity", "18 carat", 18, 18, "carat")],
    "0.25ct diamond studs": [("quantity", "0.25 carat", 0.25, 0.25, "carat")],
    "stud earrings 12 ct": [("quantity", "12 count", 12, 12, "count")],
    "gold earring backs 20ct": [("quantity", "20 count", 20, 20, "count")],
    "gold crayons 24 ct": [("quantity", "24 count", 24, 24, "count")],
    "earring backs 100 ct": [("quantity", "100 count", 100, 100, "count")],
    "box of 6 glasses": [("quantity", "6 box", 6, 6, "box")],
    "set of 2 pound weights": [("quantity", "2 lb", 2, 2, "lb")],
    # thousands apart, and what only looks like it
    "tv under 1 000 €": [("price", "under 1000 EUR", None, 1000, "EUR")],
    "sofa 1 299,99 €": [("price", "1299.99 EUR", 1299.99, 1299.99, "EUR")],
    "hemd 38 500 €": [("price", "500 EUR", 500, 500, "EUR")],
    "propane $2.899": [("price", "2.899 USD", 2.899, 2.899, "USD")],
    "tv 1.299 €": [("price", "1299 EUR", 1299, 1299, "EUR")],
    "washer $0.125": [],
    "clutch 8p": [],
    "5 dollar bill": [],
    "bicycle under 15000 rs": [("price", "under 15000 INR", None, 15000, "INR")],
    "screen under 600 not refurbished": [("price", "under 600", None, 600, None)],
    "screen under 600 deals": [("price", "under 600", None, 600, None)],
    "bicycle for kids under 5": [],
    # no amount is as large
    f"{'9' * 30} €": [],
    f"{'9' * 30} gb": [],
    f"{'9' * 400} €": [],
    # other languages
    "wasserkocher unter 50 €": [("price", "under 50 EUR", None, 50, "EUR")],
    "schuhe bis zu 1.299,50 €": [("price", "under 1299.5 EUR", None, 1299.5, "EUR")],
    "nicht mehr als 50 euro": [("price", "under 50 EUR", None, 50, "EUR")],
    "sofa über 500 €": [("price", "over 500 EUR", 500, None, "EUR")],
    "lampe ab 20€": [("price", "over 20 EUR", 20, None, "EUR")],
    "lampe 20 € oder mehr": [("price", "over 20 EUR", 20, None, "EUR")],
    "schuhe zwischen 20 und 40 euro": [("price", "20-40 EUR", 20, 40, "EUR")],
    "schuhe 20 bis 40 €": [("price", "20-40 EUR", 20, 40, "EUR")],
    "regal max. 80 €": [("price", "under 80 EUR", None, 80, "EUR")],
    "bouilloire à moins de 50 €": [("price", "under 50 EUR", None, 50, "EUR")],
    "robe jusqu'à 39,90 euros": [("price", "under 39.9 EUR", None, 39.9, "EUR")],
    "robe à partir de 30€": [("price", "over 30 EUR", 30, None, "EUR")],
    "robe pas plus de 30€": [("price", "under 30 EUR", None, 30, "EUR")],
    "robe entre 20 et 40 euros": [("price", "20-40 EUR", 20, 40, "EUR")],
    "robe de 20 à 40 €": [("price", "20-40 EUR", 20, 40, "EUR")],
    "lot de 2 à 40 €": [("price", "40 EUR", 40, 40, "EUR")],
    "zapatos menos de 50 euros": [("price", "under 50 EUR", None, 50, "EUR")],
    "zapatos hasta 50€": [("price", "under 50 EUR", None, 50, "EUR")],
    "zapatos más de 50€": [("price", "over 50 EUR", 50, None, "EUR")],
    "zapatos entre 20 y 40 euros": [("price", "20-40 EUR", 20, 40, "EUR")],
    "scarpe meno di 50 euro": [("price", "under 50 EUR", None, 50, "EUR")],
    "scarpe tra 20 e 40 euro": [("price", "20-40 EUR", 20, 40, "EUR")],
    "schoenen tot 50 euro": [("price", "under 50 EUR", None, 50, "EUR")],
    "schoenen niet minder dan 50 euro": [("price", "over 50 EUR", 50, None, "EUR")],
    "schoenen tussen 20 en 40 euro": [("price", "20-40 EUR", 20, 40, "EUR")],
    "wasserkocher 50 €": [("price", "50 EUR", 50, 50, "EUR")],
    "spielzeug für kinder unter 5": [],
    "sofa unter 200 cm": [("size", "under 200 cm", None, 200, "cm")],
    "regal 80 bis 90 cm": [("size", "80-90 cm", 80, 90, "cm")],
    "topf zwischen 1,5 und 2 l": [("quantity", "1.5-2 l", 1.5, 2, "l")],
    "sofa meno di 200 cm": [("size", "under 200 cm", None, 200, "cm")],
    "sac plus de 20 l": [("quantity", "over 20 l", 20, None, "l")],
    "kabel tussen 2 en 3 m": [("size", "2-3 m", 2, 3, "m")],
    # where no currency shows it, words that English or a name has are no bounds
    "tater tot 2 lb": [("quantity", "2 lb", 2, 2, "lb")],
    "minimal 40mm watch": [("size", "40 mm", 40, 40, "mm")],
    "massimo 40 mm watch": [("size", "40 mm", 40, 40, "mm")],
    "bianchi oltre 54 cm": [("size", "54 cm", 54, 54, "cm")],
    "ab 20 lb medicine ball": [("quantity", "20 lb", 20, 20, "lb")],
    "sotto 10 inch pan": [("size", "10 inch", 10, 10, "inch")],
    "le creuset de 10 a 12 inch": [("size", "12 inch", 12, 12, "inch")],
    "camper van 10 and 12 inch wheel": [
        ("size", "10 inch", 10, 10, "inch"),
        ("size", "12 inch", 12, 12, "inch"),
    ],
    "scarpe sotto 50 euro": [("price", "under 50 EUR", None, 50, "EUR")],
    "scarpe da 20 a 40 euro": [("price", "20-40 EUR", 20, 40, "EUR")],
    "tv over 30 inch under 40 inch": [("size", "30-40 inch", 30, 40, "inch")],
    # models
    "iphone 8 case": [],
    "windows 10 box": [],
    "omega 6 capsules": [],
    "playstation 4 case": [],
}


@pytest.mark.parametrize("query", AMOUNTS)
def test_amounts(lexicon, query):
    found = orjson.loads(orjson.dumps(lexicon.read(normal_form(query)).attributes))
    told = [a for a in found if "min" in a]
    assert [
        (a["name"], a["value"], a["min"], a["max"], a.get("unit", a.get("currency"))) for a in told
    ] == AMOUNTS[query]


@pytest.mark.parametrize("unit", ["dollars", "cm"])
@pytest.mark.parametrize("number", ["upto {}", "max. {}", "< {}", "<= {}", "{} and under"])
def test_the_same_words_are_the_most_of_a_price_and_of_an_amount(lexicon, number, unit):
    [bound] = lexicon.read(f"desk {number.format(f'80 {unit}')}").attributes
    assert (bound.min, bound.max, bound.value[:8]) == (None, 80, "under 80")


@pytest.mark.parametrize("unit", ["dollars", "cm"])
@pytest.mark.parametrize(
    "number",
    ["greater than {}", "starting at {}", "min. {}", "> {}", ">= {}", "{} or higher", "{} or up"],
)
def test_the_same_words_are_the_least_of_a_price_and_of_an_amount(lexicon, number, unit):
    [bound] = lexicon.read(f"desk {number.format(f'80 {unit}')}").attributes
    assert (bound.min, bound.max, bound.value[:7]) == (80, None, "over 80")


@pytest.mark.parametrize(
    "query, least, most",
    [
        ("rug 80 cm or shorter", None, 80),
        ("rug 80 cm or longer", 80, None),
        ("regal 80 cm oder weniger", None, 80),
        ("sac 20 l ou plus", 20, None),
        ("desk no greater than $80", None, 80),
        ("tv 40 inch or over 50 inch", 40, 40),
    ],
)
def test_a_bound_stands_behind_an_amount_as_before_one(lexicon, query, least, most):
    first = next(a for a in lexicon.read(query).attributes if a.min or a.max)
    assert (first.min, first.max) == (least, most)


@pytest.mark.parametrize(
    "query, value",
    [
        ("chair heavier than 20 pounds", "over 20 lb"),
        ("budget 30 inch tv", "30 inch"),
        ("cotton 30 inch tops", "30 inch"),
    ],
)
def test_words_for_bounds_of_one_kind_are_none_of_the_other(lexicon, query, value):
    names = ("price", "size", "quantity")
    assert [a.value for a in lexicon.read(query).attributes if a.name in names] == [value]


@pytest.mark.parametrize(
    "query, size",
    [
        ("chinos 34 waist 32 leg", "w34 l32"),
        ("jeans waist 32 length 34", "w32 l34"),
        ("artificial grass 4m x 3m", "4x3 m"),
        ("shelves 18x48", "18x48"),
        ("bookcase 72h 36w 18d", "72x36x18"),
        ("hp a4 paper", "a4"),
    ],
)
def test_sides_are_one_size(lexicon, query, size):
    assert [a.value for a in lexicon.read(query).attributes if a.name == "size"] == [size]


@pytest.mark.parametrize(
    "query, size",
    [("shoes size 8½", "8.5"), ("uk 6½ boots", "uk 6.5"), ("boots size 6½ uk", "uk 6.5")],
)
def test_a_fraction_is_one_number_with_what_stands_before_it(lexicon, query, size):
    found = lexicon.read(normal_form(query)).attributes
    assert [(a.name, a.value) for a in found] == [("size", size)]


@pytest.mark.parametrize(
    "query, size",
    [
        ("2 ft 3 in x 14 ft rug", "27x168 inch"),
        ("2' 3\" x 14' rug", "27x168 inch"),
        ("8 ft 6 in curtain rod", "102 inch"),
        ("5 ft x 7 ft rug", "5x7 ft"),
    ],
)
def test_feet_with_inches_are_inches(lexicon, query, size):
    found = lexicon.read(normal_form(query)).attributes
    assert [(a.name, a.value) for a in found] == [("size", size)]


@pytest.mark.parametrize(
    "query, model",
    [
        ("iphone 13 pro max cover", "iphone 13 pro max"),
        ("galaxy s22 ultra", "galaxy s22 ultra"),
        ("gtx 1080 ti", "gtx 1080 ti"),
        ("bosch gsb180 drill", "gsb180"),
        ("macbook pro 14 sleeve", "macbook pro 14"),
        ("macbook pro sleeve", "macbook pro"),
        ("ipad pro 12.9 keyboard", "ipad pro 12.9"),
        ("ipad mini case", "ipad mini"),
        ("galaxy s10+ case", "galaxy s10+"),
        ("iphone 11. case", "iphone 11"),
        ("charger for samsung a54", "a54"),
        ("samsung s23 ultra case", "s23 ultra"),
        ("honda civic floor mats", "civic"),
        ("chevy silverado tailgate", "silverado"),
        ("ford focus bumper", "focus"),
        ("focus group", None),
        ("corolla seat covers", "corolla"),  # needs no maker
        ("nike metcon women", "metcon"),
        ("lenovo yoga c940 charger", "yoga c940"),
        ("yoga mat", None),
        ("hp envy 6000 ink", "envy 6000"),
        ("ford focus 2012 bumper", "focus"),
        ("funko pop 80's", None),
        ("levis w32", None),
        ("philips e27 bulb", None),
        ("hp a4 paper", None),
        ("dell i7 laptop", None),
        ("michelin r17 tires", None),
        ("skin relief b01h0wq14y", None),
        ("desktop with windows 10 pro", None),
        ("vitamin d3", None),
        ("usb 3 hub", None),
        ("size 12 boots", None),
    ],
)
def test_models(lexicon, query, model):
    found = [a.value for a in lexicon.read(query).attributes if a.name == "model"]
    assert found == ([model] if model else [])
