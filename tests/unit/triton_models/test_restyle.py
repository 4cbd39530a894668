"""Restyled queries keep what they are about; models that differ find the queries to label."""

import random

import numpy as np
import pytest

from triton_models.__main__ import main
from triton_models.data import restyle
from triton_models.evaluation.disagree import divergence
from triton_models.query_text import normal_form
from triton_models.settings import STARTER


@pytest.mark.parametrize(
    ("style", "text", "told"),
    [
        (restyle.keywords, "Where is my order?", "Where order"),
        (restyle.keywords, "I have not received the refund", "not received refund"),
        (restyle.fragment, "Could you tell me how long delivery takes?", "how long delivery takes"),
        (restyle.fragment, "please cancel it.", "cancel it"),
    ],
)
def test_words_that_name_something_stay(style, text, told):
    assert style(text, random.Random(1)) == told


@pytest.mark.parametrize("style", [restyle.sentence, restyle.case, restyle.order, restyle.spacing])
def test_other_styles_keep_every_letter(style):
    for seed in range(30):
        told = style("red running shoes size 9", random.Random(seed)).casefold()
        kept = iter(sorted(told))
        assert all(letter in kept for letter in sorted("redrunningshoessize9"))


def test_nothing_is_left_empty_and_every_style_is_drawn():
    assert all(restyle.restyle("is it", random.Random(seed)).strip() for seed in range(50))
    texts = {
        restyle.restyle("i want to find the cheap shoes", random.Random(s)) for s in range(200)
    }
    assert {"want find cheap shoes", "find the cheap shoes"} <= texts
    assert "I WANT TO FIND THE CHEAP SHOES" in texts


@pytest.mark.parametrize(
    "text", ["is it waterproof?", "do you ship to canada", "can you deliver today", "red or blue?"]
)
def test_a_question_stays_a_question_with_all_its_words(text):
    for seed in range(60):
        told = normal_form(restyle.restyle(text, random.Random(seed)))
        assert "".join(text.split()) in "".join(told.split())
        assert told.endswith("?") == text.endswith("?")


def test_disagreement_is_0_for_equals_and_at_most_the_logarithm_of_their_number():
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert divergence(np.stack([sure, sure])) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert divergence(np.stack([sure, sure[::-1]])) == pytest.approx([np.log(2)] * 2)


def test_a_model_agrees_with_itself_and_the_hardest_comes_first(tmp_path, capsys):
    file = tmp_path / "queries.txt"
    file.write_text('Red shoes\n\n{"query": "where is my order"}\nred  shoes\n')
    models = [str(STARTER / "intent")] * 2
    assert main(["disagree", str(file), "--models", *models]) == 0
    told = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[-1]) for row in told] == [
        ("0.0000", "Red shoes"),
        ("0.0000", "where is my order"),
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing.txt", "--models", "a", "b"], "a"),
        (["missing.txt", "--models", str(STARTER / "intent")], "two"),
    ],
)
def test_wrong_usage_is_one_line(arguments, told, capsys):
    assert main(["disagree", *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


def test_a_share_is_read_in_another_style_and_the_draw_hangs_on_torch_alone():
    try:
        import torch
    except ModuleNotFoundError:
        pytest.skip("torch is not installed: `make install-training` adds it")

    from triton_models.training.inputs import restyled

    texts = [f"can you find the cheap red shoes {i}" for i in range(200)]
    torch.manual_seed(3)
    first = restyled(texts, 0.5)
    torch.manual_seed(3)
    assert restyled(texts, 0.5) == first
    changed = sum(a != b for a, b in zip(texts, first, strict=True))
    assert 50 < changed < 130
    assert restyled(texts, 0.0) == texts
