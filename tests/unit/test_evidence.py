"""How far a link is trusted before its score is known."""

import pytest

from worker.config.settings import STARTER_LEXICON
from worker.lexicon.lexicon import Lexicon
from worker.understanding import evidence

EVERY = range(evidence.NEAREST + 1)


def test_each_sign_that_a_term_means_itself_makes_its_synonyms_surer():
    for agree in EVERY:
        assert evidence.of_synonym(True, False, agree) > evidence.of_synonym(False, False, agree)
        assert evidence.of_synonym(False, True, agree) > evidence.of_synonym(False, False, agree)
        assert evidence.of_synonym(False, True, agree, False) < evidence.of_synonym(
            False, False, agree
        )
    found = [evidence.of_synonym(False, False, agree) for agree in EVERY]
    assert found == sorted(found) and 0.7 < found[0] < 0.9 < found[-1] < 1


def test_a_category_is_surer_the_more_of_the_nearest_terms_share_its_department():
    found = [evidence.of_category(False, agree) for agree in EVERY]
    assert found == sorted(found) and found[0] < 0.75 < found[2]
    assert all(evidence.of_category(True, agree) > found[agree] for agree in EVERY)


@pytest.mark.parametrize(
    "path, query, held",
    [
        ("Women's Clothing > Lingerie & Hosiery", "men sexy lingerie", False),
        ("Women's Clothing > Suits & Jumpsuits", "rompers for toddler girls", False),
        ("Women's Clothing > Dresses", "dress for teen girls", True),
        ("Women's Clothing > Dresses", "linen dress", True),
        ("Men's Clothing > Suits & Formal", "linen blazer for women", False),
        ("Men's Clothing > Suits & Formal", "blazer for men and women", True),
        ("Clothing > Tops", "mens shirt", True),
    ],
)
def test_a_department_of_one_gender_holds_nothing_for_others(path, query, held):
    read = Lexicon.load(STARTER_LEXICON).read(query)
    assert evidence.is_for(path, read.attributes) is held


@pytest.mark.parametrize(
    "query, named",
    [
        ("kettlebell 16 kg", True),
        ("handbags from £50 to £90", True),
        ("kayak or canoe paddle", True),
        ("inkjet printer not hp", True),
        ("hoover no suction", False),
        ("where is my sofa", False),
        ("drill bit size for wall plug", False),
        ("flarbsion", False),
        ("sofa: jane@example.com", False),
    ],
)
def test_a_query_that_names_a_thing_with_its_properties_says_no_more(query, named):
    lexicon = Lexicon.load(STARTER_LEXICON)
    read = lexicon.read(query)
    assert evidence.names_only(read, lexicon.heads(read)) is named
