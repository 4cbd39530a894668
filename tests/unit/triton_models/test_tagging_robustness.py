"""Tagging under noise: spans go along with their words, and F1 of spans is told by noise."""

import json
import random

import pytest

from triton_models.__main__ import main
from triton_models.data.typos import typos_of
from triton_models.evaluation import perturb
from triton_models.evaluation.perturb import MOVING, perturbations
from triton_models.kinds.tagging import robustness
from triton_models.kinds.tagging.data import example
from triton_models.kinds.tagging.decode import Found
from triton_models.kinds.tagging.words import Span
from triton_models.settings import STARTER

ROW = {
    "query": "red shoes, größe 42",
    "spans": [
        {"start": 0, "end": 3, "tag": "color"},
        {"start": 4, "end": 9, "tag": "product"},
        {"start": 11, "end": 19, "tag": "size"},
    ],
}


def named(text, spans):
    return [(text[span.start : span.end], span.tag) for span in spans]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rde shoes, größe 42", ["rde", "shoes", "größe 42"]),
        ("red shoess, groeße 42", ["red", "shoess", "groeße 42"]),
        ("RED SHOES, GRÖSSE 42", ["red", "shoes", "grösse 42"]),
        (" red  shoes,  größe  42 ", ["red", "shoes", "größe 42"]),
    ],
)
def test_spans_go_along_with_their_words(text, words):
    form, spans = robustness.carried(example(ROW), text)
    assert named(form, spans) == list(zip(words, ("color", "product", "size"), strict=True))


@pytest.mark.parametrize("text", ["redshoes, größe 42", "red shoe,s größe 42", "red shoes 42"])
def test_a_query_whose_words_are_others_stays_as_it_is(text):
    one = example(ROW)
    with pytest.raises(ValueError, match="other words"):
        robustness.carried(one, text)
    assert robustness.kept(lambda *_: text, [one])(one.text, random.Random(1)) == one.text


def test_characters_of_chinese_words_keep_their_tags(tmp_path):
    (tmp_path / "sets.txt").write_text("红\t洪\n鞋\t谐\n", encoding="utf-8")
    one = example({"query": "红色鞋", "spans": [{"start": 0, "end": 2, "tag": "color"}]})
    change = perturbations(None, typos_of("zh", (str(tmp_path / "sets.txt"),)))["two typos"]
    (text,) = perturb.perturbed([one.text], "two typos", change)
    form, spans = robustness.carried(one, text)
    assert form != one.text and [span[:2] for span in spans] == [(0, 2)]


def test_a_model_that_knows_words_by_heart_loses_the_misspelled_ones(monkeypatch):
    known = {"red": "color", "sneakers": "product"}
    rows = [
        example({"tokens": [color, "sneakers"], "tags": ["B-color", "B-product"]})
        for color in ("red", "crimson")
    ]

    def by_heart(_, texts):
        for text in texts:
            spans, end = [], 0
            for word in text.split():
                start = text.index(word, end)
                end = start + len(word)
                spans += [Span(start, end, known[word])] if word in known else []
            yield Found(spans, [1.0] * len(spans), 1.0)

    monkeypatch.setattr(robustness, "answers", by_heart)
    found = robustness.withstood(rows, None, ("color", "product"), perturbations())
    assert found.keys() == perturbations().keys() - set(MOVING)
    assert found["upper case"]["drop"]["value"] == 0 and found["upper case"]["changed"] == 1
    clean, typed = 6 / 7, found["one typo"]  # of 4 spans the model finds 3, all right
    assert typed["changed"] == 1 and typed["micro_f1"]["value"] < clean
    assert typed["drop"]["value"] == pytest.approx(clean - typed["micro_f1"]["value"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_tells_f1_of_spans_by_noise(language, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="`make install-training` adds it")
    from triton_models.evaluation import report_parts

    monkeypatch.setattr(report_parts, "SHAPES", ((1, 8),))
    rows = [
        {"tokens": [*thing.split(), "红"], "tags": ["B-brand", "B-product", "O"]}
        for thing in ("nike shoes", "adidas jacket", "sony headphones")
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "sets.txt").write_text("红\t洪虹宏鸿\n", encoding="utf-8")
    (tmp_path / "typos").mkdir()
    (tmp_path / "typos" / "words.csv").write_text("jaket,jacket\n")
    more = {"en": ["--data", tmp_path], "zh": ["--language", "zh"]}[language]
    more += ["--confusions", tmp_path / "sets.txt"] if language == "zh" else []
    given = ["--model", STARTER / "intent", "--dev", tmp_path / "mine.jsonl", *more]
    out = tmp_path / "report"
    assert main(["evaluate", "tagging", *map(str, given), "--report", str(out)]) == 0
    found = json.loads((out / "report.json").read_text())["robustness"]
    if language == "zh":
        assert set(found) == {"one typo", "two typos", "extra spaces"}
        assert found["one typo"]["changed"] == 1
    else:
        assert found["known misspelling"]["changed"] == pytest.approx(1 / 3)
        assert found["one typo"]["changed"] == 1
    assert all("micro_f1" in row and "drop" in row for row in found.values())
    assert "## Robustness" in (out / "report.md").read_text()
    assert (out / "robustness.svg").is_file()
