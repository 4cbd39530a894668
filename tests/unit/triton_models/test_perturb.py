"""Perturbations: what each does, and the same each time."""

import random

import pytest

from triton_models.data.typos import misspell, sound_alikes
from triton_models.evaluation import perturb
from triton_models.evaluation.perturb import PERTURBATIONS, perturbations

TEXTS = [
    "where is my refund",
    "iphone 15 pro 256gb",
    "red shoes",
    "tv",
    "4k",
    "",
    "Größe 42",
    "kitchen receiver photography",
]


def perturbed(texts, name, seed=0, typos=None):
    return perturb.perturbed(texts, name, perturbations(typos)[name], seed)


def distance(a: str, b: str) -> int:
    """Edits from one to the other, neighbours that changed places as one."""
    rows = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            options = [rows[i - 1, j] + 1, rows[i, j - 1] + 1, rows[i - 1, j - 1] + (x != y)]
            if i > 1 and j > 1 and (x, a[i - 2]) == (b[j - 2], y):
                options.append(rows[i - 2, j - 2] + 1)
            rows[i, j] = min(options)
    return rows[len(a), len(b)]


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_same_text_and_seed_give_the_same(name):
    first = perturbed(TEXTS, name)
    assert first == perturbed(TEXTS, name) == perturbed(TEXTS[::-1], name)[::-1]
    assert any(perturbed(TEXTS * 3, name, seed) != first * 3 for seed in (1, 2, 3)) or name in (
        "upper case", "no spaces", "extra spaces",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "edits", "letters"),
    [
        ("keyboard slip", 1, 0),
        ("dropped letter", 1, -1),
        ("doubled letter", 1, 1),
        ("swapped letters", 1, 0),
    ],
)
def test_a_slip_is_one_edit(name, edits, letters):
    texts = [f"where is my refund {word}" for word in ("please", "today", "honestly", "quickly")]
    for text, changed in zip(texts, perturbed(texts, name), strict=True):
        assert distance(text, changed) == edits
        assert len(changed) - len(text) == letters
        assert changed.count(" ") == text.count(" ")


@pytest.mark.parametrize(("name", "count"), [("one typo", 1), ("two typos", 2), ("sound-alike", 1)])
def test_a_typo_is_in_one_word_and_two_are_in_two(name, count):
    for seed in range(30):
        text = "please where is my refund"
        pairs = zip(text.split(" "), perturbed([text], name, seed)[0].split(" "), strict=True)
        assert sum(a != b for a, b in pairs) == count


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("phone", "fone"),
        ("receive", "recieve"),
        ("cheap", "cheep"),
        ("colour", "kolour"),
        ("knife", "nife"),
        ("address", "adress"),
        ("Wireless", "Wirreless"),
        ("jacket", "jaket"),
        ("definite", "definate"),
    ],
)
def test_words_are_written_as_they_sound(word, expected):
    assert expected in sound_alikes(word)
    assert word not in sound_alikes(word)


def test_what_sounds_like_nothing_else_leaves_it_to_the_next_word():
    assert sound_alikes("tv") == []
    assert perturbed(["tv broken my phone"], "sound-alike")[0].startswith("tv broken my ")
    assert perturbed(["tv"], "sound-alike") == ["tv"]


def test_known_misspellings_are_taken_where_there_is_one():
    typos = {"refund": ["refudn"]}
    changed = perturbed(["Where is my Refund?", "red shoes"], "known misspelling", typos=typos)
    assert changed == ["Where is my refudn?", "red shoes"]
    assert "known misspelling" not in perturbations()


def test_training_text_is_misspelled_by_sound_too():
    rng = random.Random(0)
    by_sound = set()
    for word in ("photography", "kitchen", "receiver"):
        found = {misspell(word, rng) for _ in range(300)}
        assert len(found) > 8
        by_sound |= set(sound_alikes(word)) & found
    assert len(by_sound) > 1


def test_no_misspelling_is_both_learned_and_judged_with():
    words = ["headphones", "refund", "delivery", "jacket"]
    for word in words:
        learned = {misspell(word, random.Random(seed)) for seed in range(400)} - {word}
        judged = {perturbed([word], "one typo", seed)[0] for seed in range(400)} - {word}
        assert len(learned) > 8 and len(judged) > 8
        assert not learned & judged


def test_numbers_and_model_names_are_left_alone():
    for seed in range(20):
        changed = perturbed(["sony wh1000xm5 2024"], "one typo", seed)[0]
        assert changed.endswith(" wh1000xm5 2024") and not changed.startswith("sony ")


def test_words_are_reordered_not_lost():
    text = "where is my new red refund"
    assert sorted(perturbed([text], "word order")[0].split()) == sorted(text.split())


def test_what_has_no_letter_to_change_stays():
    rng = random.Random(0)
    assert perturb.misspelled("42 4k", perturb.SLIPS, rng) == "42 4k"
    assert perturb.swapped_letters("aaa", rng) == "aaa"
