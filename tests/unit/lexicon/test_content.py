"""The starter lexicon holds what it promises."""

import pytest

from worker.lexicon.words import key

DEPARTMENTS = """Arts & Crafts, Audio, Automotive, Baby, Bags & Accessories, Beauty, Bed & Bath,
Books & Media, Cameras, Clothing, Computers, Cycling, Drinks, Fitness, Furniture, Garden & Patio,
Groceries, Hair, Health & Personal Care, Home Appliances, Home Decor, Jewelry, Kids' Clothing,
Kitchen, Lighting, Luggage & Travel, Men's Clothing, Musical Instruments, Office & School, Outdoor,
Pets, Phones & Accessories, Shoes, Smart Home, Sports, TV & Video, Tools & DIY, Toys, Video Games,
Watches, Women's Clothing"""


def test_size(starter):
    assert len(starter.terms) >= 1600
    departments = {term.category.split(" > ")[0] for term in starter.terms}
    assert departments >= {name.strip() for name in DEPARTMENTS.replace("\n", " ").split(",")}


def test_every_department_is_worth_its_name(starter):
    sizes: dict[str, int] = {}
    for term in starter.terms:
        department = term.category.split(" > ")[0]
        sizes[department] = sizes.get(department, 0) + 1
    assert {name for name, size in sizes.items() if size < 25} == set()


def test_most_terms_have_synonyms_and_most_a_broader_term(starter):
    count = len(starter.terms)
    assert count > 20_000
    assert sum(bool(term.synonyms) for term in starter.terms) > 0.5 * count
    assert sum(parent is not None for parent in starter.parents) > 0.5 * count


def test_no_term_twice(starter):
    """Not even in two departments: a text for two things is named by its other word."""
    places: dict[str, list[str]] = {}
    for term in starter.terms:
        places.setdefault(key(term.name), []).append(term.place)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    "surface, term",
    [
        ("tv", "television"),
        ("tvs", "television"),
        ("trainers", "sneakers"),
        ("trousers", "pants"),
        ("jumper", "sweater"),
        ("wellies", "rain boots"),
        ("couch", "sofa"),
        ("settee", "sofa"),
        ("nappies", "diapers"),
        ("duvet", "duvet"),
        ("torch", "flashlight"),
        ("hoover", "vacuum cleaner"),
        ("vacuum", "vacuum cleaner"),
        ("tyres", "tires"),
        ("jewellery", "jewelry"),
        ("pyjamas", "pajamas"),
        ("pyjama", "pajamas"),
        ("t-shirts", "t shirt"),
        ("tshirt", "t shirt"),
        ("bbq", "grill"),
        ("ps5", "playstation 5"),
        ("lbd", "little black dress"),
        ("steak knives", "steak knives"),
        ("steak knife", "steak knives"),
        ("bookshelf", "bookcase"),
        ("bookshelves", "bookcase"),
        ("running shoe", "running shoes"),
        ("air-fryer", "air fryer"),
        ("airfryer", "air fryer"),
        ("cell phone", "phone"),
        ("mobile phone", "phone"),
    ],
)
def test_how_shoppers_write_it(lexicon, surface, term):
    [mention] = lexicon.read(surface).mentions
    assert lexicon.name(mention.term_id) == term
