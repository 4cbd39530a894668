"""What the names of terms say is the same, read when a lexicon is written or when it is asked."""

import pytest

from worker.config.settings import STARTER_LEXICON
from worker.lexicon import built, protected_values
from worker.lexicon.lexicon import Lexicon


@pytest.fixture(scope="module")
def parts():
    return built.read(STARTER_LEXICON)


def test_what_names_say_is_what_reading_them_tells(parts):
    lexicon = Lexicon(parts)
    names = sorted({name for term in range(len(lexicon)) for name in parts.terms.names(term)})
    chosen = [*sorted(parts.protected_values)[::20], *names[::100]]
    assert len(chosen) > 400
    for name in chosen:
        said = protected_values.protected_values(name, lexicon._reader.attributes(name))
        assert parts.protected_values.get(name, protected_values.NOTHING) == said
        assert lexicon.profile(name).values == said.values


def test_what_only_the_name_of_a_term_says_is_not_protected(parts):
    lexicon = Lexicon(parts)
    assert [a.value for a in lexicon.read("mini fridge").attributes] == ["mini"]
    assert lexicon.profile("mini fridge").values == frozenset()  # it is a "compact fridge" too


def test_a_text_that_is_no_name_is_read(parts):
    found = Lexicon(parts).profile("navy leather loafers").values
    assert found == {("color", "blue"), ("material", "leather")}


def test_a_brands_name_and_no_more_is_told_apart(parts):
    brands = [name for name, of in parts.protected_values.items() if of.is_brand]
    assert "hoover" in brands and "nike trainers" not in brands
    assert protected_values.unpack(b'{"x": {"values": [["brand", "x"]], "is_brand": true}}') == {
        "x": protected_values.ProtectedValues(frozenset({("brand", "x")}), True)
    }
