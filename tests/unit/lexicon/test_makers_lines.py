"""What kind of thing a maker's line is tells the category of a query that names no thing."""

import numpy as np
import pytest

from worker.config.settings import STARTER_LEXICON, STARTER_MODELS
from worker.event import Tag
from worker.lexicon.build import load_encoder
from worker.lexicon.line_source import MODEL_LINES, read_lines
from worker.understanding.decide import Expander

RUNNING, PHONES = "Shoes > Running", "Phones & Accessories > Phones"
CATEGORIES = {
    "nike pegasus 40 mens 10": RUNNING,
    "iphone 14": PHONES,
    "samsung galaxy s22": PHONES,
    "dyson v15 detect": "Home Appliances > Vacuums & Floor Care",
    "air force 1": "Shoes > Sneakers",
    "mach 3 or 5": "Health & Personal Care > Shaving & Hair Removal",
    "stanmore ii": "Audio > Speakers",
    # What it is for is not what is asked for.
    "filter for dyson v15": "",
    "iphone 14 charger": "Phones & Accessories > Chargers & Cables",
    # A line of no maker beside words that nobody knows may be of another thing.
    "quorthwin ps5": "",
    "ps5": "Video Games > Consoles",
}


@pytest.fixture(scope="module")
def categories(lexicon):
    vectors = load_encoder(STARTER_MODELS / "encoder").run(list(CATEGORIES))
    found = Expander(lexicon, 8, 0.5, 0.9, 8).retrieve(list(CATEGORIES), vectors)
    return dict(zip(CATEGORIES, found, strict=True))


@pytest.mark.parametrize("query", CATEGORIES)
def test_categories(categories, query):
    found = [path for path, _ in categories[query].categories[:1]]
    assert "".join(found) == CATEGORIES[query]


def test_a_title_before_the_console_that_it_is_for_is_a_game(lexicon):
    expander, nothing = Expander(lexicon, 8, 0.5, 0.9, 8), np.zeros((2, 384), np.float32)
    tags = [[Tag(11, 14, "use", 0.9)], [Tag(5, 8, "use", 0.9)]]
    found = expander.retrieve(["elden ring ps5", "blue ps5"], nothing, tags)
    paths = [path for one in found for path, _ in one.categories]
    assert paths == ["Video Games > Games", "Video Games > Consoles"]


def test_each_thing_of_the_starter_is_a_term(lexicon):
    faults = []
    things = read_lines(STARTER_LEXICON / MODEL_LINES, faults).things
    rows = [row for text in things.values() for row in text.strip().split("\n")]
    named = {row.partition("=")[2] for row in rows}
    assert not faults and len(rows) > 7000
    assert [thing for thing in named if lexicon.term_of(thing) is None] == []
