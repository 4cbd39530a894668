"""`explain tagging`: the words that decide a span get the weight, and the weights add up."""

import json

import pytest

from triton_models.__main__ import main
from triton_models.explanation import explain, spans
from triton_models.serving.predictor import load
from triton_models.settings import STARTER

QUERY = "nike running shoes for women"


@pytest.fixture(scope="module")
def tagging():
    """The tags of the starter's intent model."""
    return load(STARTER / "intent", "tagging")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The folder of a model that has learned colours and sizes."""
    pytest.importorskip("torch", reason="`make install-training` adds it")
    from tests.unit.triton_models import toy

    return toy.tagger(tmp_path_factory.mktemp("tagging")) / "model"


def effects(found):
    return {word.text: word.effect for word in found.words}


def told(capsys, *arguments):
    assert main(["explain", "tagging", *map(str, arguments)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "query", [QUERY, "nike", "sugar-free 红色 drink mix for kids under 20 dollars, large"]
)
def test_the_effects_add_up_to_what_all_words_do(tagging, query):
    explained = spans.explain(tagging, query)
    assert explained
    for found in explained:
        total = found.totals["query"]
        assert sum(word.effect for word in found.words) == pytest.approx(total, abs=1e-5)
        assert found.score == found.scores[found.label] == max(found.scores.values())


def test_the_words_that_decide_weigh_most(tagging):
    brand, product, gender = spans.explain(tagging, QUERY)
    assert (brand.text, brand.label) == ("nike", "brand")
    assert (product.text, product.label) == ("running shoes", "product")
    assert (gender.text, gender.label) == ("for women", "gender")
    assert max(effects(brand), key=effects(brand).get) == "nike"
    assert max(effects(product), key=effects(product).get) == "running"
    assert set(sorted(effects(gender), key=effects(gender).get)[-2:]) == {"for", "women"}
    assert effects(gender)["nike"] == pytest.approx(0.0, abs=0.05)


def test_spans_and_probabilities_are_those_of_predict(toy, capsys, tmp_path):
    (tmp_path / "asked.txt").write_text("  RED box 10 inch")
    assert main(["predict", "tagging", str(tmp_path / "asked.txt"), "--model", str(toy)]) == 0
    predicted = json.loads(capsys.readouterr().out)
    found = json.loads(told(capsys, "  RED box 10 inch", "--model", toy, "--json"))
    assert found["query"] == predicted["normalized_query"] and len(found["spans"]) == 2
    for one, wanted in zip(found["spans"], predicted["spans"], strict=True):
        assert one["probability"] == pytest.approx(wanted.pop("probability"), abs=1e-4)
        assert one["found"] and wanted.items() <= one.items()
        assert [word["text"] for word in one["words"]] == ["red", "box", "10", "inch"]
        assert one["totals"]["query"] == pytest.approx(sum(w["effect"] for w in one["words"]))
        assert set(one["scores"]) == {"color", "size"}
    size = {word["text"]: word["effect"] for word in found["spans"][1]["words"]}
    assert max(size, key=size.get) == "inch"


def test_a_label_chooses_the_spans_of_its_tag(tagging, capsys):
    [found] = spans.explain(tagging, QUERY, "gender")
    assert (found.text, found.found) == ("for women", True)
    out = told(capsys, QUERY, "--label", "gender")
    assert "for women: gender 0.9" in out and "brand" not in out and "█" in out


def test_of_a_tag_without_a_span_the_likeliest_word_is_explained(tagging, capsys):
    query = "fresh orange juice"
    [found] = spans.explain(tagging, query, "color")
    assert (found.text, found.start, found.end, found.found) == ("orange", 6, 12, False)
    assert sum(effects(found).values()) == pytest.approx(found.totals["query"], abs=1e-5)
    assert max(effects(found), key=effects(found).get) == "orange"
    out = told(capsys, query, "--label", "color")
    assert "no color found; likeliest to begin one: orange 0." in out


def test_a_query_in_which_nothing_is_found_is_no_error(capsys, tmp_path):
    page = tmp_path / "why.html"
    assert 'no span found in "where is my refund"; --label TAG' in told(
        capsys, "Where is my refund", "--html", page
    )
    assert "no span found in &quot;where is my refund&quot;" in page.read_text()
    found = json.loads(told(capsys, "Where is my refund", "--json"))
    assert found == {"query": "where is my refund", "spans": []}


def test_words_beyond_the_models_length_are_not_read(tagging, monkeypatch):
    monkeypatch.setattr(explain, "ORDERS", 4)
    found = spans.explain(tagging, "nike shoes " * 40)[0]
    assert found.words[-1].tokens == () and found.words[0].tokens
    assert sum(word.effect for word in found.words) == pytest.approx(
        found.totals["query"], abs=1e-5
    )


def test_a_page_shows_every_span(capsys, tmp_path):
    page = tmp_path / "why.html"
    told(capsys, "<i>nike</i> shoes for women", "--html", page)
    html = page.read_text()
    assert html.count("<h1>") == html.count("<table>") > 1 and html.count("<!doctype") == 1
    assert "&lt;i&gt;nike&lt;/i&gt;" in html and "<i>nike" not in html and "http" not in html


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["nike", "--label", "x"], "no such tag; age, brand, color"),
        (["nike", "--label", "B-brand"], "no such tag; age, brand, color"),
        (["nike", "--checkpoint", "runs/a"], "--checkpoint is for intent and matching"),
        (["nike", "shoes"], "takes one query, 2 texts given; put each in quotes"),
        (["\u200b"], "no visible character to explain"),
        (["nike", "--model", str(STARTER / "matching")], "of kind matching, not tagging"),
        (["nike", "--html", "/no/where.html"], "/no/where.html: No such file"),
    ],
)
def test_wrong_usage_is_one_line(capsys, arguments, remedy):
    assert main(["explain", "tagging", *arguments]) == 2
    error = capsys.readouterr().err
    assert remedy in error and error.count("\n") == 1


def test_a_tokenizer_without_a_mask_is_refused(tagging, monkeypatch):
    monkeypatch.setattr(spans, "special", lambda tokenizer, role: None)
    with pytest.raises(spans.UsageError, match="no mask token to replace words by; give --model"):
        spans.explain(tagging, "nike")
