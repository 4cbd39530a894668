"""The data report: what it counts, and near duplicates against the plain definition."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from triton_models.__main__ import main
from triton_models.data import command, describe, near, reading, report
from triton_models.settings import PACKAGE
from worker.understanding import pipeline

EXAMPLE = PACKAGE / "data" / "example" / "manifest.toml"


def grams(text: str) -> set[str]:
    text = f" {text} "
    return {text[i : i + 3] for i in range(len(text) - 2)}


@pytest.mark.parametrize("at_once", [7, 1_000_000])
def test_near_duplicates_are_those_of_the_definition(monkeypatch, at_once):
    monkeypatch.setattr(near, "AT_ONCE", at_once)
    rng = random.Random(3)
    words = ["red", "blue", "shoe", "shoes", "run", "running", "women", "lamps", "灯", "desk", "xl"]
    texts, others = (
        [" ".join(rng.choices(words, k=rng.randint(1, 7))) for _ in range(n)] for n in (150, 300)
    )
    best, score = near.nearest([*texts, "lonely", ""], others)
    for text, place, similarity in zip(texts, best, score, strict=False):
        found = [len(grams(text) & grams(o)) / len(grams(text) | grams(o)) for o in others]
        if max(found) >= near.SIMILAR:
            assert similarity == pytest.approx(max(found)) == found[place]
        else:
            assert (place, similarity) == (-1, 0)
    assert 30 < (best >= 0).sum() < 140 and best[-2:].tolist() == [-1, -1]


def test_nothing_is_near_nothing():
    best, score = near.nearest(["a"], [])
    assert best.tolist() == [-1] and score.tolist() == [0]
    assert np.array_equal(near.nearest([], ["a"])[0], [])


@pytest.mark.parametrize("text", [" Red  Shoes ", "ＡＢＣ\u200b d", "a\tb\x00c", "ÉTÉ", ""])
def test_the_normal_form_is_the_workers(text):
    assert reading.normal_form(text) == pipeline.normal_form(text)


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("red running shoes", "keywords"),
        ("shoes for women", "fragment"),
        ("refund", "keywords"),
        ("where is my order", "question"),
        ("lamp dimmable?", "question"),
        ("my parcel has not arrived", "sentence"),
        ("will", "keywords"),
    ],
)
def test_styles(text, style):
    assert describe.style(text) == style


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my order", "en"),
        ("schuhe für den winter mit der post", "de"),
        ("où est ma commande", "fr"),
        ("台灯", "zh"),
        ("черные туфли", "ru"),
        ("iphone 13", "und"),
        ("100 μf capacitor", "und"),
        ("die casting kit", "und"),
    ],
)
def test_languages(text, language):
    assert describe.language(text) == language


DOUBLE = [["return policy", 3], ["a | pipe", 2]]


@pytest.fixture
def leaking(tmp_path) -> Path:
    """A manifest whose dev file repeats a training query and nearly repeats another."""
    (tmp_path / "train.csv").write_text(
        "query,intent\nwhere is my red order,a\nReturn Policy,a\nreturn policy,b\n"
        "standing desk for home office,b\n"
    )
    (tmp_path / "dev.csv").write_text(
        "query,intent\nreturn  policy,a\nstanding desks for home office,b\na | pipe,b\na | pipe,b\n"
    )
    path = tmp_path / "manifest.toml"
    text = 'name = "{0}"\npath = "{0}.csv"\nformat = "queries"\nlicence = "own"\nsplit = "{0}"\n'
    path.write_text("".join("[[source]]\n" + text.format(name) for name in ("train", "dev")))
    return path


def test_the_report_tells_repetition_conflict_and_leaks(leaking, tmp_path, capsys):
    page, figures = tmp_path / "report.md", tmp_path / "report.json"
    arguments = ["data", str(leaking), "--report", str(page), "--json", str(figures)]
    assert main(arguments) == 2  # a key is on both sides
    found = json.loads(figures.read_text())
    assert found["duplicates"] == {"repeated": 3, "rows": 8, "examples": DOUBLE}
    assert found["conflicts"]["examples"] == {"return policy": {"a": "train:3", "b": "train:4"}}
    leaks = found["leaks"]
    assert (leaks["keys"], leaks["queries"]["exact"], leaks["queries"]["near"]) == (1, 1, 1)
    same, like = leaks["queries"]["examples"]
    assert (same["dev_place"], same["train"]) == ("dev:2", "return policy")
    assert (like["dev"], like["train_place"]) == ("standing desks for home office", "train:5")
    assert found["labels"] == {"b": {"dev": 3, "train": 2}, "a": {"dev": 1, "train": 2}}
    assert found["told_by"]["source"] == pytest.approx(5 / 8)
    printed, written = capsys.readouterr().out, page.read_text()
    for heading in ("Sources and licences", "Label conflicts", "Leaks: queries"):
        assert heading in printed and f"## {heading}" in written
    rows = [line for line in written.splitlines() if line.startswith("|")]
    assert "| a \\| pipe | 2 |" in rows


@pytest.mark.parametrize("option", ["--report", "--json"])
def test_a_report_that_cannot_be_written_names_its_option(tmp_path, capsys, option):
    assert main(["data", str(EXAMPLE), option, str(tmp_path / "none" / "file")]) == 2
    error = capsys.readouterr().err
    assert f"give {option} another file" in error and error.count("\n") == 1


def test_the_example_has_a_report_of_every_part(tmp_path, capsys):
    figures = tmp_path / "report.json"
    assert main(["data", str(EXAMPLE), "--json", str(figures)]) == 0
    found = json.loads(figures.read_text())
    assert [s["name"] for s in found["sources"]] == [
        "support",
        "searches",
        "browsed",
        "judged",
        "products",
        "clicks",
        "tagged",
    ]
    assert sum(s["left_out"] for s in found["sources"]) == 2
    assert list(found["conflicts"]["examples"]) == ["return policy"]
    assert set(found["pairs"]) == {"judged", "products", "clicks"}
    assert found["leaks"]["keys"] == found["leaks"]["queries"]["exact"] == 0
    assert "Graded pairs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "form", "count"),
    [
        ("a.csv", "text,category\nred shoes,look\nbuy now,buy\n", "queries", 2),
        ("a.tsv", "query\ttitle\tmatch\nsofa\tcouch\t1\n", "pairs", 1),
        ("a.jsonl", '{"tokens": ["red"], "tags": ["B-color"]}\n', "tagged", 1),
        ("a.jsonl", '{"query": "red", "spans": []}\n', "tagged", 1),
        ("a.csv", "query,item,clicks\nsofa,s1,9\n", "clicks", 1),
        ("a.csv", "id,title\n1,Red sofa\n", "catalogue", 1),
    ],
)
def test_one_file_is_read_as_finetune_reads_it(name, text, form, count, tmp_path, capsys):
    (tmp_path / name).write_text(text)
    figures = tmp_path / "figures.json"
    assert main(["data", str(tmp_path / name), "--json", str(figures)]) == 0
    (source,) = json.loads(figures.read_text())["sources"]
    assert (source["format"], source["train"] + source["dev"]) == (form, count)


def test_a_file_of_no_known_format_is_told_in_one_line(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("question,topic\nred,look\n")
    assert main(["data", str(tmp_path / "a.csv")]) == 2
    error = capsys.readouterr().err
    assert "no format that we know: question, topic; give --columns" in error
    assert error.count("\n") == 1


def test_labels_and_spans_of_one_query_that_contradict_count_each(tmp_path):
    (tmp_path / "q.csv").write_text("query,intent\nred shoe,look\nred shoe,buy\n")
    rows = [{"tokens": ["red", "shoe"], "tags": tags} for tags in (["O", "O"], ["B-color", "O"])]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = (
        '[[source]]\nname = "{}"\npath = "{}"\nformat = "{}"\nlicence = "own"\nsplit = "train"\n'
    )
    manifest = tmp_path / "data.toml"
    given = ("q", "q.csv", "queries"), ("t", "t.jsonl", "tagged")
    manifest.write_text("".join(source.format(*one) for one in given))
    assert report.conflicts(reading.read(command.manifest_of(manifest))) == {
        "forms": 2,
        "examples": {
            "red shoe": {"look": "q:2", "buy": "q:3"},
            "red shoe (spans)": {"none": "t:1", "red = color": "t:2"},
        },
    }
