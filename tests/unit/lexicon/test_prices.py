"""Prices without a currency sign, about prices, in words; and the numbers that are none."""

import pytest

from worker.lexicon import number_words

PRICES = {
    # for persons: an age or a size is small
    "perfume for women under 50": ("under 50", None, 50),
    "toys for kids under 20": ("under 20", None, 20),
    "gifts for men under 10": ("under 10", None, 10),
    "toys for kids under 3": None,
    "shoes for men under 6": None,
    "gifts for girls under 10": None,
    "gifts for women over 50": None,
    "multivitamin for men under 50": None,
    # bounds
    "watch over 1000": ("over 1000", 1000, None),
    "coat above 200": ("over 200", 200, None),
    "watch more expensive than 1000": ("over 1000", 1000, None),
    "coat lower than 200": ("under 200", None, 200),
    "coat maximum 200": ("under 200", None, 200),
    "bike 500 or lower": ("under 500", None, 500),
    "coat cheaper than 50 more expensive than 20": ("20-50", 20, 50),
    "rug smaller than 200": None,
    "paint within 20": None,
    "bike 500 or under": ("under 500", None, 500),
    "bag 40 or less": ("under 40", None, 40),
    "toys ages 5 or under": None,
    "monitor 32 or under": None,
    "tv over 55": None,
    "birthday card over 50": None,
    "sheets thread count over 400": None,
    "puzzle over 1000": None,
    # two numbers
    "laptop 500-800": ("500-800", 500, 800),
    "tv from 300 to 500": ("300-500", 300, 500),
    "zoom lens 150-300": None,
    "lens 100-400": None,
    "puzzle 500-1000": None,
    "300-500 watt heater": None,
    "toyota 2005-2010": None,
    "jeans from 30 to 34": None,
    # about
    "sofa roughly 600": ("about 600", 600, 600),
    "headphones around $100": ("about 100 USD", 100, 100),
    "trainers about £60": ("about 60 GBP", 60, 60),
    "purse around $50-100": ("50-100 USD", 50, 100),
    "tv around 55": None,
    "book about 1984": None,
    # cards
    "xbox gift card 25": ("25", 25, 25),
    "gift cards 25": None,
    "gift card 25 pack": None,
    # in words
    "dress under fifty dollars": ("under 50 USD", None, 50),
    "shoes less than a hundred pounds": ("under 100 GBP", None, 100),
    "tv under two hundred": ("under 200", None, 200),
    "fifty dollar gift card": ("50 USD", 50, 50),
    "laptop between five hundred and eight hundred dollars": ("500-800 USD", 500, 800),
    "toys under two": None,
    "hundred dollar bill": None,
    "fifty cent shirt": None,
    "fifty shades of grey": None,
    "ten pound dumbbells": None,
    "9 to 5": None,
    "six-hundred quid tv": ("600 GBP", 600, 600),
    "two-thousand dollar laptop": ("2000 USD", 2000, 2000),
    "gift twenty-five dollars": ("25 USD", 25, 25),
    "tv five to six hundred dollars": ("500-600 USD", 500, 600),
    "gift twenty to one hundred dollars": ("20-100 USD", 20, 100),
    "tv five-six hundred dollars": None,
    "shoes under nineteen ninety nine": None,
    "tv under fifty and sixty": None,
    # ages and titles
    "games for under eighteen": None,
    "toys between twelve and sixteen": None,
    "thirty under thirty": None,
    "toys under twenty": ("under 20", None, 20),
    # measured otherwise
    "rug 200-300": None,
    "led strip 300-400": None,
    "battery 500-700": None,
    "sofa 500-800": ("500-800", 500, 800),
    # pounds that something bears
    "hammock up to three hundred pounds": None,
    "bathroom scale up to 200 pounds": None,
    "chair for people over four hundred pounds": None,
    "office chair under two hundred pounds": ("under 200 GBP", None, 200),
    "gifts for men under fifty pounds": ("under 50 GBP", None, 50),
    "shoes $10 or less": ("under 10 USD", None, 10),
}


def test_or_under_before_a_price_is_of_that_one(lexicon):
    found = lexicon.read("over $500 or less than $20").attributes
    assert [(a.min, a.max) for a in found if a.name == "price"] == [(500, None), (None, 20)]


@pytest.mark.parametrize("query", PRICES)
def test_prices(lexicon, query):
    found = [a for a in lexicon.read(query).attributes if a.name == "price"]
    expected = PRICES[query]
    assert [(a.value, a.min, a.max) for a in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    "words, number",
    [
        ("fifty", 50),
        ("a hundred", 100),
        ("two hundred and fifty", 250),
        ("twenty-five", 25),
        ("one thousand two hundred", 1200),
        ("two hundred thousand", 200_000),
        ("fifteen hundred", 1500),
        ("two thousand five hundred and fifty", 2550),
        ("nineteen ninety nine", None),
        ("fifty and sixty", None),
        ("twenty twenty", None),
        ("five six hundred", None),
    ],
)
def test_a_number_in_words(words, number):
    assert number_words.value_of_words(words) == number
