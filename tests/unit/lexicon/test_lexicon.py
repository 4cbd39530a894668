"""Search: mentions, candidates, neighbours; and a lexicon that cannot be used."""

import shutil
import threading

import numpy as np
import orjson
import pytest

from worker.config.settings import STARTER_LEXICON
from worker.errors import LexiconError
from worker.lexicon.lexicon import Lexicon
from worker.lexicon.reading import Mention
from worker.lexicon.vectors import AXES, EFFORTS, FEWEST, RECALL, Vectors


def candidates(lexicon, query, near=(), limit=12):
    read = lexicon.read(query)
    return lexicon.candidates(
        read,
        near,
        limit=limit,
        mentions=dict.fromkeys(read.mentions, 0.9),
        admit=lambda *_: True,
        parents=True,
    )


def named(lexicon, name) -> int:
    return next(i for i in range(len(lexicon)) if lexicon.name(i) == name)


@pytest.mark.parametrize(
    "query, names",
    [
        ("red running shoes", ["running shoes"]),
        ("trail running shoes for men", ["trail running shoes"]),  # the longest
        ("coffee maker and a toaster", ["coffee maker", "toaster"]),
        ("phone case with card holder", ["phone case", "card holder"]),
        ("wi-fi extender", ["wifi extender"]),
        ("Running shoes".lower() + "!", ["running shoes"]),
        ("yoga mat non slip", ["yoga mat"]),
        ("shoeshine", []),  # no parts of words
        ("where is my order", []),
        ("", []),
        ("!!! ???", []),
    ],
)
def test_mentions(lexicon, query, names):
    assert [lexicon.name(m.term_id) for m in lexicon.read(query).mentions] == names


def test_a_mention_says_where_it_stands(lexicon):
    query = "buy t-shirts, white"
    [mention] = lexicon.read(query).mentions
    assert mention == Mention(named(lexicon, "t shirt"), "t-shirts", 4, 12)
    assert query[mention.start : mention.end] == mention.surface
    assert lexicon.category(mention.term_id) == "Clothing > Tops"


def test_candidates_are_synonyms_then_parents_then_neighbours(lexicon):
    near = [named(lexicon, "trail running shoes"), named(lexicon, "socks")]
    found = candidates(lexicon, "red running shoes", near)
    assert [(c.text, c.source) for c in found] == [
        ("jogging shoes", "synonym"),
        ("running sneakers", "synonym"),
        ("running trainers", "synonym"),
        ("athletic shoes", "parent"),
        ("trail running shoes", "embedding"),
        ("socks", "embedding"),
    ]
    assert found[0].term_id == named(lexicon, "running shoes")
    assert found[3].term_id == named(lexicon, "athletic shoes")
    assert found[0].prior > found[3].prior > found[4].prior


@pytest.mark.parametrize(
    "query, never",
    [
        ("trail running shoes", "running shoes"),  # its parent stands in the query
        ("running shoe", "running shoes"),
        ("boots", "boot"),
        ("grey polarised sunglasses", "polarized sunglasses"),
        ("jewellery", "jewelry"),
        ("t-shirt", "t shirt"),
        ("sofa couch", "sofa"),
        ("sofa couch", "couch"),
    ],
)
def test_what_stands_in_the_query_is_no_candidate(lexicon, query, never):
    near = range(len(lexicon))
    assert never not in [c.text for c in candidates(lexicon, query, near, limit=len(lexicon))]


def test_no_text_twice(lexicon):
    near = range(len(lexicon))
    found = [c.text for c in candidates(lexicon, "sofa and jumper", near, limit=len(lexicon))]
    assert len(found) == len(set(found)) > 1000


def neighbours(lexicon, query, vector, least=0.5):
    [found] = lexicon.neighbours([lexicon.read(query)], vector[None], 16, least)
    return found


def test_neighbours_that_are_similar_enough_and_add_no_word_may_expand(lexicon):
    term = named(lexicon, "running shoes")
    vector = lexicon.vector(term)
    found = neighbours(lexicon, "shoe for running in the rain", vector)
    assert found.ids[0] == term and len(found.ids) == 16
    assert found.similarity == pytest.approx(1, abs=0.01)
    assert found.departments == [lexicon.department_number(n) for n in found.ids]
    assert term in found.within
    assert term not in neighbours(lexicon, "shoes for the rain", vector).within
    assert neighbours(lexicon, "shoe for running", vector, least=1.1).within == []


def test_a_query_without_a_vector_has_no_neighbours(lexicon):
    nothing = np.zeros(lexicon.dimension, np.float32)
    found = neighbours(lexicon, "running shoes", nothing)
    assert (found.ids, found.departments, found.within) == ([], [], [])


def test_a_third_of_the_places_is_for_neighbours(lexicon):
    near = range(100)
    found = candidates(lexicon, "backpack, sweater and sofa", near, limit=6)
    assert [c.source for c in found] == ["synonym"] * 4 + ["embedding"] * 2
    assert candidates(lexicon, "sofa", near, limit=0) == []


def test_synonyms_of_all_mentions_get_their_turn(lexicon):
    found = candidates(lexicon, "backpack and sweater", limit=2)
    assert [lexicon.name(c.term_id) for c in found] == ["backpack", "sweater"]


def test_nearest(lexicon):
    vectors = np.random.default_rng(7).normal(size=(3, lexicon.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[1] = 0
    ids, similarity = lexicon.nearest(vectors, 5)
    assert ids.shape == similarity.shape == (3, 5)
    assert (ids.dtype, similarity.dtype) == (np.int64, np.float32)
    assert (ids[1] == -1).all() and (similarity[1] == -np.inf).all()
    for row in (0, 2):
        assert len(set(ids[row])) == 5 and ids[row].min() >= 0
        assert (np.diff(similarity[row]) <= 0).all()
        assert (np.abs(similarity[row]) <= 1).all()
    one, _ = lexicon.nearest(vectors[:1], 5)
    assert (one == ids[:1]).all()


def test_nearest_of_nothing_and_of_too_many(lexicon):
    nothing = np.empty((0, lexicon.dimension), np.float32)
    assert lexicon.nearest(nothing, 5)[0].shape == (0, 5)
    ids, _ = lexicon.nearest(np.ones((1, lexicon.dimension), np.float32), 10**6)
    assert ids.shape == (1, len(lexicon))
    assert lexicon.nearest(np.ones((1, lexicon.dimension), np.float32), 0)[0].shape == (1, 0)


def test_threads_may_search_at_once(lexicon):
    vectors = np.random.default_rng(8).normal(size=(64, lexicon.dimension)).astype(np.float32)
    expected, _ = lexicon.nearest(vectors, 10)
    wrong: list[int] = []

    def search() -> None:
        for row in range(64):
            if (lexicon.nearest(vectors[row : row + 1], 10)[0] != expected[row]).any():
                wrong.append(row)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(STARTER_LEXICON / "built", tmp_path / "built")
    return tmp_path


def test_a_built_folder_needs_no_sources(copy, lexicon):
    for folder in (copy, copy / "built"):
        loaded = Lexicon.load(folder)
        assert (loaded.version, len(loaded)) == (lexicon.version, len(lexicon))


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def old(path):
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | {"format": 0}))


@pytest.mark.parametrize(
    "name, harm, message",
    [
        (
            "lexicon.json",
            lambda path: path.unlink(),
            "not found; correct the path (lexicon.folder), or build it:",
        ),
        ("lexicon.json", lambda path: path.write_text("{}"), "unusable lexicon"),
        ("lexicon.json", lambda path: path.write_text("no"), "unusable lexicon"),
        ("lexicon.json", old, "its format is 0"),
        ("terms.bin", cut, "terms.bin is not the file"),
        ("keys.marisa", cut, "keys.marisa is not the file"),
        ("attributes.json", cut, "attributes.json is not the file"),
        ("vectors.usearch", cut, "vectors.usearch is not the file"),
        ("vectors.usearch", lambda path: path.unlink(), "No such file"),
        ("axes.npy", cut, "axes.npy is not the file"),
    ],
)
def test_a_broken_folder_is_one_clear_line(copy, name, harm, message):
    harm(copy / "built" / name)
    with pytest.raises(LexiconError) as caught:
        Lexicon.load(copy)
    text = str(caught.value)
    assert message in text and "query-worker lexicon build" in text
    assert "\n" not in text


def test_no_folder(tmp_path):
    with pytest.raises(
        LexiconError, match=r"not found; correct the path \(lexicon\.folder\), or build it"
    ):
        Lexicon.load(tmp_path / "nowhere")


def test_the_last_bits_of_a_vector_move_no_cosine(lexicon):
    """A model's answer may differ in them with the texts beside it."""
    random = np.random.default_rng(3)
    pairs = random.integers(0, len(lexicon), (1000, 2))
    queries = np.array([lexicon.vector(a) + lexicon.vector(b) for a, b in pairs])
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    moved = queries * (1 + np.float32(1e-6) * random.choice(np.float32([-1, 1]), queries.shape))
    (ids, cosines), (same_ids, same) = lexicon.nearest(queries, 1), lexicon.nearest(moved, 1)
    found_again = ids == same_ids
    assert np.abs(same - cosines)[found_again].max() < 5e-6
    assert found_again.mean() > 0.995


def test_the_search_finds_nearly_all_that_are_nearest(lexicon):
    """Between any two terms; and with less effort it would not."""
    vectors = np.vstack([lexicon.vector(n) for n in range(len(lexicon))])
    pairs = np.random.default_rng(3).integers(0, len(lexicon), (300, 2))
    queries = vectors[pairs].sum(axis=1)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    exact = np.argsort(-(queries @ vectors.T), axis=1)[:, :8]
    ids, cosines = lexicon.nearest(queries, 16)
    recall = (ids[:, :, None] == exact[:, None, :]).any(axis=1).mean()
    assert recall >= RECALL - 0.02
    assert np.abs(cosines[:, 0] - (queries * vectors[ids[:, 0]]).sum(axis=1)).max() < 0.02
    assert lexicon._vectors.effort in EFFORTS[1:-1]


def test_many_vectors_are_kept_along_the_axes_that_they_vary_along(tmp_path):
    """And few of them, or such as vary along all axes, along all."""
    random = np.random.default_rng(2)
    flat = random.normal(size=(FEWEST, 40)) @ random.normal(size=(40, 128))
    flat = (flat + 0.05 * random.normal(size=flat.shape)).astype(np.float32)
    flat[:40] += 1000 * np.eye(40, 128, 80)  # few long ones, which tell no more than others
    even = random.normal(size=(FEWEST, 128)).astype(np.float32)
    directions = np.linalg.svd(flat[40:540] / np.linalg.norm(flat[40:540], axis=1)[:, None])[2]
    for vectors, kept in ((flat, 64), (flat[:-1], 0), (even, 0)):
        for name, block in Vectors.of(vectors).files().items():
            (tmp_path / name).write_bytes(block)
        read = Vectors.read(tmp_path, 64)
        assert np.load(tmp_path / AXES).shape == (128, kept) and len(read) == len(vectors)
        one = vectors[70] / np.linalg.norm(vectors[70])
        assert read.get(70) @ one > 0.99
        [ids], [cosines] = read.nearest(one[None], 4)
        assert ids[0] == 70 and cosines[0] == pytest.approx(1, abs=0.02)
        # What lies beside the axes counts against a query.
        beside = directions[-1] - (directions[-1] @ one) * one
        query = 0.6 * one + 0.8 * beside / np.linalg.norm(beside)
        [ids], [cosines] = read.nearest(query[None], 4)
        near = vectors[ids[0]] / np.linalg.norm(vectors[ids[0]])
        assert cosines[0] == pytest.approx(near @ query, abs=0.04)


@pytest.mark.parametrize("axes", [np.ones((128, 3)), np.ones(64), np.full((128, 128), np.nan)])
def test_axes_of_other_vectors_are_refused(tmp_path, axes):
    for name, block in Vectors.of(np.eye(128, dtype=np.float32)).files().items():
        (tmp_path / name).write_bytes(block)
    np.save(tmp_path / AXES, axes)
    with pytest.raises(ValueError, match="axes of other vectors"):
        Vectors.read(tmp_path, 16)
