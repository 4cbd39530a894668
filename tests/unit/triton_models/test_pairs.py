"""Pairs from the lexicon: what counts as belonging, and what as confusable."""

import random

from triton_models.data.lexicon_terms import Term, read_terms
from triton_models.recipes.pairs import Lexicon, lexicon_pairs

SHOES = Term("shoes", ("footwear",), "", "Shoes")
RUNNING = Term("running shoes", ("jogging shoes",), "shoes", "Shoes > Sport")
SPIKES = Term("running spikes", (), "running shoes", "Shoes > Sport")
SHORTS = Term("running shorts", (), "", "Clothing > Sport")
TERMS = [SHOES, RUNNING, SPIKES, SHORTS]


def test_file_is_read_with_its_categories_synonyms_and_parents(tmp_path):
    (tmp_path / "shoes.txt").write_text(
        "# ours\n[Shoes]\nshoes = footwear\n\n[Shoes > Sport]\n"
        "running shoes = jogging shoes, runners < shoes  # a note\n"
    )
    assert read_terms(tmp_path) == [
        SHOES,
        Term("running shoes", ("jogging shoes", "runners"), "shoes", "Shoes > Sport"),
    ]


def test_the_starter_lexicon_is_read():
    terms = read_terms()
    assert len(terms) > 1000
    assert sum(bool(t.synonyms) for t in terms) > len(terms) / 2


def test_ancestors_reach_the_top_and_survive_a_loop():
    assert Lexicon(TERMS).ancestors(SPIKES) == {"running shoes", "shoes"}
    loop = [Term("a", (), "b", "X"), Term("b", (), "a", "X")]
    assert Lexicon(loop).ancestors(loop[0]) == {"a", "b"}


def test_only_different_things_are_strangers():
    lexicon = Lexicon(TERMS)
    assert lexicon.apart(RUNNING, SHORTS)
    assert not lexicon.apart(RUNNING, SHOES)
    assert not lexicon.apart(SHOES, SPIKES)
    assert set(lexicon.strangers(RUNNING, random.Random(1))) == {SHORTS}


def test_pairs_of_the_starter_lexicon_have_both_answers():
    matches = [pair.match for pair in lexicon_pairs(random.Random(2), {})]
    assert 0.3 < sum(matches) / len(matches) < 0.7
