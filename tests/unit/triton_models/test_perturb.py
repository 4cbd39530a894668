"""Perturbations: what each does, and the same each time."""

import random

import pytest

from triton_models.evaluation import perturb
from triton_models.evaluation.perturb import PERTURBATIONS, perturbed

TEXTS = ["where is my refund", "iphone 15 pro 256gb", "red shoes", "tv", "4k", "", "Größe 42"]


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
        ("one typo", 1, None),
        ("two typos", 2, None),
    ],
)
def test_a_typo_is_one_edit_and_two_are_two(name, edits, letters):
    texts = [f"where is my refund {word}" for word in ("please", "today", "honestly", "quickly")]
    for text, changed in zip(texts, perturbed(texts, name), strict=True):
        assert distance(text, changed) == edits
        assert letters is None or len(changed) - len(text) == letters
        assert changed.count(" ") == text.count(" ")


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
