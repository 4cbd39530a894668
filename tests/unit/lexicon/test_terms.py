"""Packed terms: what goes in comes out, and phrases are found as by a set of keys."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.lexicon.terms import KEYS, NO_TERM, TERMS, Term, Terms, pack
from worker.lexicon.words import Phrases, words

SHOES = Term(
    [("shoes", ("shoes", "shoe")), ("foot-wear", ("foot wear", "footwear"))], "Shoes", "Shoes", None
)
BOOTS = Term(
    [("boots", ("boots", "boot")), ("Crème", ("crème",))], "Shoes > Boots", "Shoes > Boots", 0
)
CREAM = Term([("crème", ("crème",))], "Beauty", "Beauty", None)


def packed(folder, terms, idioms=()):
    keys, block = pack(terms, idioms)
    (folder / KEYS).write_bytes(keys)
    (folder / TERMS).write_bytes(block)
    return Terms(folder)


@pytest.fixture
def terms(tmp_path):
    return packed(tmp_path, [SHOES, BOOTS, CREAM], ["orange juice"])


def test_names_categories_and_parents_come_back(terms):
    assert len(terms) == 3
    assert (terms.name(0), terms.key(0), terms.names(0)) == (
        "shoes",
        "shoes",
        ("shoes", "foot-wear"),
    )
    assert [terms.category(n) for n in range(3)] == ["Shoes", "Shoes > Boots", "Beauty"]
    assert [terms.department(n) for n in range(3)] == ["Shoes", "Shoes", "Beauty"]
    assert [terms.parent(n) for n in range(3)] == [None, 0, None]
    assert list(terms.upwards(1)) == [1, 0]


def test_a_key_belongs_to_the_term_that_it_names_and_to_one_text(terms):
    assert terms.term_of("crème") == 2  # its name; of the boots it is a synonym only
    assert terms.text_of("crème") == terms.own_text(2) == "Crème"  # the first that was written
    assert (terms.term_of("footwear"), terms.text_of("footwear")) == (0, "foot-wear")


def test_an_idiom_is_a_key_without_a_term_or_a_text(terms):
    assert "orange juice" in terms
    assert (terms.term_of("orange juice"), terms.text_of("orange juice")) == (NO_TERM, "")


@pytest.mark.parametrize("form", ["", "sho", "shoes ", "orange", "wear"])
def test_a_part_of_a_key_is_no_key(terms, form):
    assert form not in terms
    assert (terms.term_of(form), terms.text_of(form)) == (None, "")


def test_no_terms_at_all_are_no_fault(tmp_path):
    terms = packed(tmp_path, [])
    assert (len(terms), terms.find(words("red shoes"))) == (0, [])


KEY = st.lists(st.sampled_from(["a", "ab", "b", "é", "abc"]), min_size=1, max_size=4).map(" ".join)


@settings(max_examples=50, deadline=None)
@given(st.sets(KEY, max_size=12), st.lists(KEY, max_size=5).map(" ".join))
def test_phrases_are_found_as_by_a_set_of_keys(tmp_path_factory, keys, text):
    folder = tmp_path_factory.mktemp("terms")
    terms = packed(folder, [Term([(form, (form,))], "All", "All", None) for form in sorted(keys)])
    assert terms.find(words(text)) == Phrases(keys).find(words(text))
