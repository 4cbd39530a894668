"""Queries that teach names which no labelled query has."""

from triton_models.data import composed
from triton_models.data.lexicon_terms import read_names

BAGS = {"backpack", "backpacks"}
LABELLED = [
    (["acme", "red", "mug", "for", "men"], ["B-brand", "B-color", "B-product", "O", "B-gender"]),
    (["blue", "travel", "mugs", "wireless"], ["B-color", "B-product", "I-product", "B-style"]),
    (["acme", "x7", "drill"], ["B-brand", "B-model", "B-product"]),
    (["cups", "and", "saucers"], ["B-product", "O", "B-product"]),
]


def spans(row, tag):
    """The words of each span."""
    found = []
    for token, label in zip(row["tokens"], row["tags"], strict=True):
        if label == f"B-{tag}":
            found.append(token)
        elif label == f"I-{tag}":
            found[-1] += f" {token}"
    return found


def test_brands_and_terms_stand_in_the_words_of_labelled_queries():
    made = composed.compose(LABELLED)
    branded = [row for row in made if spans(row, "brand")]
    plain = [row for row in made if not spans(row, "brand")]
    alone = [row for row in branded if not spans(row, "product")]
    assert 0.04 < len(alone) / len(branded) < 0.08
    for row in branded:
        if spans(row, "product"):
            assert spans(row, "color") == ["red"] and row["tokens"][-2:] == ["for", "men"]
    [[thing]] = [spans(row, "product") for row in branded if spans(row, "brand") == ["nike"]]
    assert thing in {"running shoes", "sportswear", "sportswears", "football boots"} | BAGS
    names = set(read_names())
    for row in plain:
        assert row["tokens"][0] == "blue" and row["tokens"][-1] == "wireless"
        [name] = spans(row, "product")
        assert name in names and len(name.split()) <= 3
    assert len(branded) > 10_000 and len(plain) > 10_000
    # Terms that say what a thing is like are no names: "wireless" has another tag above.
    assert not any("wireless" in row["tokens"][1:-1] for row in plain)


def test_what_is_labelled_is_not_composed():
    labelled = [*LABELLED, (["blue", "sofa", "wireless"], ["B-color", "B-product", "B-style"])]
    made = {" ".join(row["tokens"]) for row in composed.compose(labelled)}
    assert "blue sofa wireless" not in made


def test_the_same_seed_composes_the_same():
    assert composed.compose(LABELLED) == composed.compose(LABELLED)
    assert composed.compose(LABELLED, seed=5) != composed.compose(LABELLED)


def test_without_a_query_that_lends_its_words_there_is_none():
    assert composed.compose(LABELLED[2:]) == []
