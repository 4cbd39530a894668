"""Which words are right, and which they may be misspelt for, as a file holds it."""

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.lexicon import spellings as spellings_module
from worker.lexicon.misspelling import is_one_off
from worker.lexicon.spellings import SPELLINGS, Spellings, pack


def packed(folder, words, brands=()) -> Spellings:
    (folder / SPELLINGS).write_bytes(pack(words, (), words, brands))
    return Spellings(folder)


@pytest.fixture
def spellings(tmp_path):
    return packed(tmp_path, {"sofas", "zircon", "lamp"}, ["quorthwin"])


def test_words_of_the_lexicon_of_brands_and_the_commonest_are_right(spellings):
    assert all(map(spellings.is_right, ["sofas", "quorthwin", "refund", "because", "creme"]))
    assert not any(map(spellings.is_right, ["sofaz", "zirco", "aardvark"]))
    assert spellings.is_ordinary("aardvark") and not spellings.is_ordinary("quorthwin")


def test_words_of_the_lexicon_are_told_and_those_that_end_a_term(tmp_path):
    (tmp_path / SPELLINGS).write_bytes(pack({"desk", "lamp"}, {"lamp"}, ["desk lamp"], ["lumio"]))
    read, words = Spellings(tmp_path), ("desk", "lamp", "lumio", "refund", "des")
    assert [word for word in words if read.is_own(word)] == ["desk", "lamp"]
    assert [word for word in words if read.ends_a_term(word)] == ["lamp"]


@pytest.mark.parametrize("word", ["lmap", "lap", "lampp", "lemp", "amp"])
def test_a_slip_leads_to_the_word(spellings, word):
    assert "lamp" in spellings.near(word)


def test_a_slip_leads_to_the_singular_as_well(spellings):
    assert {"sofa"} <= spellings.near("sofaa")


def test_a_slip_leads_to_a_brand_too_and_tells_that_it_is_one(spellings):
    assert spellings.near("quorthwyn") == {"quorthwin"}
    assert spellings.is_brand("quorthwin")
    assert not any(map(spellings.is_brand, ["lamp", "quorthwyn"]))


def test_the_frequency_of_a_word_is_that_of_its_singular_in_names(tmp_path):
    names = [*(f"{kind} lamps" for kind in ("desk", "floor", "table", "wall", "lava")), "sofa"]
    (tmp_path / SPELLINGS).write_bytes(pack({"lamps"}, (), names, ()))
    read = Spellings(tmp_path)
    assert [read.frequency(word) for word in ("lamp", "sofa", "quorthwin")] == [2, 1, 0]


def test_how_frequent_a_word_is_in_english(spellings):
    assert spellings.in_english("order") > spellings.in_english("lamp") > 0
    assert spellings.in_english("quorthwin") == 0


def test_words_of_lines_are_right_and_no_word_is_meant_for_one(tmp_path):
    (tmp_path / SPELLINGS).write_bytes(pack({"lamps"}, (), ["lamps"], (), ["kayano", "fit me"]))
    read = Spellings(tmp_path)
    assert read.is_right("kayano") and read.near("kayanoo") == set()


def test_no_word_is_meant_for_a_first_name(tmp_path):
    (tmp_path / SPELLINGS).write_bytes(pack({"lamps"}, (), ["lamps", "robin"], ()))
    read = Spellings(tmp_path)
    assert read.near("brandom") == {"random"}
    assert read.near("robinn") == {"robin"}  # but for one that a thing is called by


def test_words_that_sound_the_same_are_told(spellings):
    assert spellings.alike("zyrken") == ["zircon"]
    assert spellings.alike("zzz") == []


WORD = st.text("abcd", min_size=4, max_size=7)


@settings(max_examples=40, deadline=None)
@given(st.sets(WORD, max_size=12), WORD)
def test_words_one_slip_away_are_found_as_by_trying_all(tmp_path_factory, words, word):
    with patch.object(spellings_module, "ordinary", dict):
        found = packed(tmp_path_factory.mktemp("spellings"), words).near(word)
    assert found & words == {other for other in words if is_one_off(word, other)}


def test_the_same_words_make_the_same_file():
    words = [f"word{chr(97 + n)}" for n in range(20)]
    assert pack(words, words, words, ["x"]) == pack(set(words), {*words}, reversed(words), ["x"])
