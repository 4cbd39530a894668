"""`suspects` finds labels that were made wrong on purpose, of every kind, by rows left out."""

import csv
import json

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import cleanlab  # noqa: F401
    import onnxscript  # noqa: F401
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from tests.unit.triton_models.combining import TEXTS
from triton_models.__main__ import main
from triton_models.data.sheet import Line
from triton_models.evaluation import confident
from triton_models.labelling import out_of_fold
from triton_models.settings import STARTER, UsageError

SCHEDULE = ("--rate", "0.005", "--batch", "12", "--threads", "1", "--no-dev")


def run(*given) -> int:
    return main([*map(str, given)])


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"), layers=1)


def test_a_row_is_suspect_where_the_model_is_surer_than_usual_of_another_label():
    said = np.array([[0.9, 0.1]] * 20 + [[0.1, 0.9]] * 20 + [[0.55, 0.45]])
    given = np.array([0] * 19 + [1] + [1] * 20 + [0])
    assert confident.flagged(given, said).tolist() == [19]


def test_wrong_intents_are_found_and_the_right_ones_suggested(start, tmp_path):
    data, wrong = tmp_path / "mine.csv", {"buy a desk": "look", "nice mirror": "ask"}
    lines = [f"{text},{wrong.get(text, label)}" for text, label in TEXTS]
    data.write_text("query,intent\n" + "\n".join(lines))
    given = ("--queries", data, "--start", start, "--epochs", 8, *SCHEDULE, "--dropout", 0)
    assert run("finetune", "intent", *given, "--out", tmp_path / "run") == 0
    out = tmp_path / "s.csv"
    found = ("suspects", "intent", "--run", tmp_path / "run", "--folds", 4, "--propose")
    assert run(*found, "--out", out) == 0
    rows = {row["text"]: row for row in rows_of(out)}
    assert wrong.keys() <= rows.keys() and len(rows) <= 6
    assert [rows[text]["label"] for text in wrong] == ["buy", "look"]
    assert rows["buy a desk"]["given"] == "look" and rows["buy a desk"]["source"] == str(data)
    keep = [row for row in rows_of(out) if row["text"] in wrong]
    with out.open("w", encoding="utf-8") as file:
        table = csv.DictWriter(file, keep[0])
        table.writeheader()
        table.writerows(keep)
    assert run("merge", "intent", out, "--into", data, "--out", data) == 0
    assert data.read_text() == "query,intent\n" + "\n".join(f"{t},{x}" for t, x in TEXTS)


def test_wrong_grades_are_found(start, tmp_path):
    things = ("sofa", "lamp", "oven", "drill", "chair", "table")
    pairs = [
        {"query": f"{word} {thing}", "term": f"{other}", "match": int(thing == other)}
        for word in ("red", "old", "small", "big")
        for thing in things
        for other in things[: things.index(thing) + 1]
    ]
    wrong = next(p for p in pairs if p["query"] == "old sofa" and p["term"] == "sofa")
    wrong["match"] = 0
    data = tmp_path / "mine.jsonl"
    data.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    given = ("--pairs", data, "--start", start, "--epochs", 16, "--smoothing", 0, *SCHEDULE)
    given = (*given, "--dropout", 0)
    assert run("finetune", "matching", *given, "--out", tmp_path / "run") == 0
    out = tmp_path / "s.csv"
    assert run("suspects", "matching", "--run", tmp_path / "run", "--folds", 4, "--out", out) == 0
    found = [(row["text"], row["term"], row["given"], row["suggested"]) for row in rows_of(out)]
    assert ("old sofa", "sofa", "0", "1") in found and len(found) <= 5


def test_wrong_tags_are_found(start, tmp_path):
    rows = [
        {"tokens": [color, thing], "tags": ["B-color", "B-product"]}
        for color in ("red", "blue", "green", "black", "white")
        for thing in ("sofa", "lamp", "oven", "drill", "chair", "table")
    ]
    rows[7]["tags"] = ["B-product", "B-product"]
    data = tmp_path / "mine.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = ("--queries", data, "--start", start, "--epochs", 10, *SCHEDULE, "--dropout", 0)
    assert run("finetune", "tagging", *given, "--out", tmp_path / "run") == 0
    out = tmp_path / "s.csv"
    assert run("suspects", "tagging", "--run", tmp_path / "run", "--folds", 3, "--out", out) == 0
    found = {row["text"]: row for row in rows_of(out)}
    assert found["blue lamp"]["given"] == "[blue|product] [lamp|product]"
    assert found["blue lamp"]["suggested"] == "[blue|color] [lamp|product]"
    assert len(found) <= 4


def test_a_model_judges_rows_that_it_never_saw(tmp_path):
    data = tmp_path / "dev.csv"
    texts = [("parcel is late", "complaint"), ("red running shoes", "browse")] * 10
    lines = [f"{text} {i},{label}" for i, (text, label) in enumerate(texts)]
    lines.append("my parcel never came and nobody answers,browse")
    data.write_text("query,intent\n" + "\n".join(lines))
    model = STARTER / "intent"
    out = tmp_path / "s.csv"
    assert run("suspects", "intent", "--model", model, "--dev", data, "--out", out) == 0
    told = ("my parcel never came and nobody answers", "dev")
    assert [(row["text"], row["source"]) for row in rows_of(out)] == [told]


def test_rows_of_one_query_are_in_one_fold():
    rows = [Line(text) for text in ("a", "A", "b", "c", "d", "e", "f", "g")]
    for rest, mine in out_of_fold.parts(["x"] * len(rows), rows, 4):
        assert not {rows[i].text.lower() for i in rest} & {rows[i].text.lower() for i in mine}


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ((), "give --run, or --model and --dev"),
        (("--model", "m"), "--model needs --dev"),
        (("--run", "r", "--dev", "d"), "--dev goes with --model"),
        (("--run", "nowhere"), "no run.json in it; give --run a run of"),
    ],
)
def test_options_that_do_not_go_together_are_refused(given, remedy, tmp_path, capsys):
    assert run("suspects", "intent", *given, "--out", tmp_path / "s.csv") == 2
    assert remedy in capsys.readouterr().err


def test_rows_of_one_label_are_refused():
    said = np.array([[0.9, 0.1], [0.2, 0.8]])
    with pytest.raises(UsageError, match="fewer than two labels in the rows; give rows of two"):
        confident.flagged(np.array([1, 1]), said)
    with pytest.raises(UsageError, match="fewer than two labels"):
        confident.flagged_words([[1], [1]], [said[:1], said[1:]])
