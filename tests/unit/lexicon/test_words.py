"""Keys make equal what shoppers write differently; variants are few and right."""

import pytest

from worker.config.settings import STARTER_LEXICON
from worker.lexicon.tables import read_spelling
from worker.lexicon.words import Spelling, Word, key, words


@pytest.fixture(scope="module")
def spelling() -> Spelling:
    faults = []
    found = read_spelling(STARTER_LEXICON / "words.toml", faults)
    assert not faults
    return found


@pytest.mark.parametrize(
    "text, expected",
    [
        ("t-shirt", "t shirt"),
        ("wi-fi  router!", "wi fi router"),
        ("women's", "womens"),
        ("women’s boots", "womens boots"),
        ("kids' shoes", "kids shoes"),
        ("salt & pepper", "salt and pepper"),
        ("5.1 surround", "5 1 surround"),
        ("snake_case", "snake case"),
        ("crème brûlée", "crème brûlée"),
        ("!?", ""),
    ],
)
def test_key(text, expected):
    assert key(text) == expected


def test_words_keep_their_offsets():
    text = "kids' t-shirt & tie"
    found = words(text)
    assert found == (
        Word("kids", 0, 4),
        Word("t", 6, 7),
        Word("shirt", 8, 13),
        Word("and", 14, 15),
        Word("tie", 16, 19),
    )


@pytest.mark.parametrize(
    "text, variant",
    [
        ("running shoes", "running shoe"),
        ("watch", "watches"),
        ("baby", "babies"),
        ("toy", "toys"),
        ("knife", "knives"),
        ("steak knives", "steak knife"),
        ("hoodies", "hoodie"),
        ("wine glasses", "wine glass"),
        ("mattress", "mattresses"),
        ("lens", "lenses"),
        ("bag", "bags"),
        ("gray coat", "grey coat"),
        ("jewelry box", "jewellery boxes"),
        ("women's coat", "ladies coat"),
        ("rain coat", "raincoat"),
        ("t shirt", "tshirts"),
        ("v neck t shirt", "vneck t shirt"),
        ("v neck t shirt", "v neck tshirt"),
    ],
)
def test_variants_include(spelling, text, variant):
    assert variant in spelling.keys(text)[1:]


@pytest.mark.parametrize(
    "text, never",
    [
        ("shorts", "short"),  # short is a length
        ("glasses", "glass"),
        ("bus", "bu"),
        ("chess", "ches"),
        ("nas", "na"),
        ("ps5", "ps5s"),
        ("extendable dining table", "extendabledining table"),
    ],
)
def test_variants_exclude(spelling, text, never):
    assert never not in spelling.keys(text)[1:]


def test_a_text_is_not_its_own_variant(spelling):
    for text in ("shoes", "gray coat", "t shirt", "rain coat"):
        variants = spelling.keys(text)[1:]
        assert text not in variants
        assert len(variants) == len(set(variants))


@pytest.mark.parametrize(
    "one, other, differ",
    [
        ("cpu", "cpus", True),
        ("cpus", "cpu", True),
        ("steak knife", "steak knives", True),
        ("cpu", "processor", False),
        ("head phones", "headphones", False),
        ("red shoe", "blue shoes", False),
    ],
)
def test_texts_that_differ_in_number_alone(spelling, one, other, differ):
    assert spelling.differ_in_number(one, other) is differ
