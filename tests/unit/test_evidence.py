"""How far a link is trusted before its score is known."""

from worker.understanding import evidence

EVERY = range(evidence.NEAREST + 1)


def test_each_sign_that_a_term_means_itself_makes_its_synonyms_surer():
    for agree in EVERY:
        assert evidence.of_synonym(True, False, agree) > evidence.of_synonym(False, False, agree)
        assert evidence.of_synonym(False, True, agree) > evidence.of_synonym(False, False, agree)
    found = [evidence.of_synonym(False, False, agree) for agree in EVERY]
    assert found == sorted(found) and 0.7 < found[0] < 0.9 < found[-1] < 1


def test_a_category_is_surer_the_more_of_the_nearest_terms_share_its_department():
    found = [evidence.of_category(False, agree) for agree in EVERY]
    assert found == sorted(found) and found[0] < 0.75 < found[2]
    assert all(evidence.of_category(True, agree) > found[agree] for agree in EVERY)
