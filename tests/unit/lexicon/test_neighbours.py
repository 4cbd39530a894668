"""What the starter encoder finds for queries that no term's words tell."""

import pytest
from usearch.index import Index

from worker.config.settings import STARTER_LEXICON, STARTER_MODELS, Understanding
from worker.lexicon.build import load_encoder
from worker.lexicon.vectors import VECTORS, Vectors

RETRIEVED = 2 * Understanding().max_candidates
# query: a term that should be among those that are retrieved
EXPECTED = {
    "shoes for jogging": "running shoes",
    "cheap red sneakers": "sneakers",
    "gown for a black tie event": "evening gown",
    "something to wear in the rain": "rain jacket",
    "jacket for skiing": "ski jacket",
    "sleeve for my laptop": "laptop sleeve",
    "necklase": "necklace",
    "watch for swimmers": "waterproof watch",
    "face cream with spf": "sunscreen",
    "curly hair shampo": "shampoo",
    "food for my puppy": "puppy food",
    "seat for baby in the car": "car seat",
    "building blocks for toddlers": "building blocks",
    "three seat couch": "sofa",
    "bed for guests that folds": "folding bed",
    "machine to wash clothes": "washing machine",
    "espresso machin": "espresso machine",
    "pan for frying": "frying pan",
    "lamp to read in bed": "reading lamp",
    "cordles drill": "cordless drill",
    "cable to charge my iphone": "iphone charger",
    "headphones without wires": "wireless headphones",
    "screen for gaming": "gaming monitor",
    "tent for the whole family": "family tent",
    "weights for home gym": "dumbbells",
    "resistence bands": "resistance bands",
}


@pytest.fixture(scope="module")
def nearest(lexicon):
    vectors = load_encoder(STARTER_MODELS / "encoder").run(list(EXPECTED))
    ids, _ = lexicon.nearest(vectors, RETRIEVED)
    return {
        query: [lexicon.name(term_id) for term_id in row]
        for query, row in zip(EXPECTED, ids, strict=True)
    }


def test_the_expected_terms_exist(starter):
    names = {term.name for term in starter.terms}
    assert [name for name in EXPECTED.values() if name not in names] == []


def test_most_queries_find_their_term(nearest):
    missed = {
        query: nearest[query] for query, term in EXPECTED.items() if term not in nearest[query]
    }
    assert len(missed) <= 4, missed


def test_the_vectors_of_the_terms_are_read_where_the_index_has_them():
    folder = STARTER_LEXICON / "built"
    index = Index.restore(folder / VECTORS, view=True)
    vectors = Vectors.read(folder, effort=16)
    for term_id in (0, 1, len(vectors) // 2, len(vectors) - 1):
        assert (vectors._stored[term_id] == index.get(term_id).reshape(-1)).all()
