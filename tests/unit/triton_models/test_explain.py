"""`explain`: the words that decide get the weight, and the weights add up."""

import json

import numpy as np
import pytest

from triton_models.__main__ import main
from triton_models.explanation import explain, view
from triton_models.serving.predictor import load
from triton_models.settings import STARTER


@pytest.fixture(scope="module")
def intent():
    return load(STARTER / "intent", "intent")


@pytest.fixture(scope="module")
def matching():
    return load(STARTER / "matching", "matching")


def effects(found):
    return {word.text: word.effect for word in found.words}


@pytest.mark.parametrize(
    "query", ["where is my refund", "hi", "my parcel arrived broken and late, i want my money back"]
)
def test_the_effects_add_up_to_what_all_words_do(intent, query):
    found = explain.explain(intent, query)
    assert sum(word.effect for word in found.words) == pytest.approx(
        found.totals["query"], abs=1e-5
    )
    assert found.score == max(found.scores.values())


def test_the_telling_word_weighs_most(intent, matching):
    found = effects(explain.explain(intent, "where is my refund"))
    assert max(found, key=found.get) == "refund" and found["refund"] > 0.5
    pair = effects(explain.explain(matching, "red running shoes", "running sneakers"))
    assert pair["running"] > pair["red"] + 0.2


def test_words_that_say_the_same_share_what_leaving_one_out_does_not_show(intent):
    found = explain.explain(intent, "vase arrived cracked and broken")
    broken = next(word for word in found.words if word.text == "broken")
    assert found.score - broken.without < 0.1 < broken.effect


def test_another_label_can_be_explained(intent):
    found = explain.explain(intent, "where is my refund", label="inquiry")
    assert (found.label, found.score) == ("inquiry", found.scores["inquiry"])
    assert (
        effects(found)["refund"] < effects(explain.explain(intent, "where is my refund"))["refund"]
    )


def test_words_are_those_of_the_reader_and_take_all_their_pieces(intent):
    encoding, words = explain.read(intent, "Wasserkocher, 红色 wh-1000xm5")
    assert [word.text for word in words] == ["wasserkocher,", "红", "色", "wh-1000xm5"]
    places = [place for word in words for place in word.tokens]
    assert places == list(range(1, len(encoding.ids) - 1))
    assert len(words[0].tokens) > 2 and len(words[3].tokens) > 2


def test_words_beyond_the_models_length_are_told_as_not_read(intent):
    found = explain.explain(intent, "shoes " * 70)
    last = found.words[-1]
    assert (last.tokens, last.effect) == ((), 0.0) and found.words[0].tokens
    assert sum(word.effect for word in found.words) == pytest.approx(
        found.totals["query"], abs=1e-5
    )


def test_a_sampled_value_is_near_the_exact_one(intent, monkeypatch):
    query = "my parcel arrived broken today"
    exact = [word.effect for word in explain.explain(intent, query).words]
    monkeypatch.setattr(explain, "EXACT", 0)
    sampled = [word.effect for word in explain.explain(intent, query).words]
    assert sampled == pytest.approx(exact, abs=0.1) and sampled != exact


def test_rank_correlation_with_ties():
    assert explain.rank_correlation([1, 2, 3, 4], [10, 20, 30, 90]) == pytest.approx(1.0)
    assert explain.rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    # ranks 1.5 1.5 3 4 and 1 2 3 4: 4.5 / sqrt(4.5 * 5)
    assert explain.rank_correlation([1, 1, 2, 3], [1, 2, 3, 4]) == pytest.approx(np.sqrt(0.9))
    assert explain.rank_correlation([1, 1, 1], [1, 2, 3]) == 0.0


def test_the_terminal_shows_every_word_and_the_total(capsys):
    assert main(["explain", "matching", "blue sofa", "blue couch"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("blue", "sofa", "couch", "█"))
    assert "a match (threshold" in out and "of the query:" in out and "of the term:" in out


def test_json_and_a_page_that_needs_nothing_else(capsys, tmp_path):
    page = tmp_path / "why.html"
    query = "<b>refund</b> & more"
    assert main(["explain", "intent", query, "--json", "--html", str(page)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["query"] == query and [word["part"] for word in told["words"]] == ["query"] * 3
    html = page.read_text()
    assert "&lt;b&gt;refund&lt;/b&gt;" in html and "<b>" not in html
    assert "http" not in html and "src=" not in html and "prefers-color-scheme: dark" in html


def test_a_small_effect_is_not_drawn_as_a_large_one(matching):
    found = explain.explain(matching, "garden hose", "usb c cable")
    assert found.score < 0.05 and "█" * 6 not in str(view._row(found.words[0], 0.05)[1])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["intent", "where", "is"], "takes one query, 2 texts given; put each in quotes"),
        (["matching", "sofa"], "takes a query and a term, 1 texts given"),
        (["matching", "sofa", " "], "no visible character to explain"),
        (["intent", "\u200b"], "no visible character to explain"),
        (["intent", "sofa", "--label", "x"], "no such label; purchase, browse"),
        (["matching", "sofa", "couch", "--label", "browse"], "--label goes with intent"),
        (["intent", "sofa", "--model", str(STARTER / "encoder")], "of kind encoder, not intent"),
    ],
)
def test_wrong_usage_is_one_line(capsys, arguments, told):
    assert main(["explain", *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
