"""Several labels a query: from `finetune --multi` to what serves them, and what must not."""

import json

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models import contract
from triton_models.__main__ import main
from triton_models.serving import precision
from triton_models.serving.served import ServedModel

LABELS = ("any", "blue", "red")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that learned to tell "any" of every query, and red or blue."""
    folder = tmp_path_factory.mktemp("multi")
    start, queries = toy.write(folder / "toy", layers=1), folder / "mine.jsonl"
    lines = [
        {"query": f"item {number} {label}", "labels": [label, "any"]}
        for label in LABELS[1:]
        for number in range(40)
    ]
    queries.write_text("\n".join(map(json.dumps, lines)))
    schedule = ("--multi", "--rate", 0.01, "--epochs", 6, "--dropout", 0, "--batch", 16)
    given = ("--queries", queries, "--start", start, "--out", folder / "run", "--threads", 1)
    assert main(["finetune", "intent", *map(str, (*given, *schedule))]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def model(run):
    out = run.with_name("model")
    export = ["export", str(run), "--kind", "intent", "--precision", "fp32"]
    assert main([*export, "--out", str(out)]) == 0
    return out


def test_they_are_trained_exported_and_served(run, model):
    assert json.loads((run / "run.json").read_text())["result"]["dev"]["micro_f1"] > 0.9
    found = contract.load(model)
    assert found.labels == LABELS and found.multi
    assert (ServedModel(model).run(["item 3 red"])[0] > 0.5).tolist() == [True, False, True]


def test_every_likely_label_is_predicted(model, tmp_path):
    (tmp_path / "asked.txt").write_text("item 3 red\nITEM 4 blue\n")
    given = ["predict", "intent", tmp_path / "asked.txt", "--model", model]
    assert main([*map(str, given), "--out", str(tmp_path / "out.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [list(row["labels"]) for row in rows] == [["any", "red"], ["any", "blue"]]
    for row in rows:
        assert "label" not in row and list(row["scores"]) == list(LABELS)
        assert all(row["scores"][label] == p >= 0.5 for label, p in row["labels"].items())


def test_what_judges_one_label_refuses_them_in_one_line(model, tmp_path, capsys):
    dev, asked, told = (tmp_path / name for name in ("dev.jsonl", "asked.txt", "told.jsonl"))
    dev.write_text('{"query": "item 3 red", "intent": "red"}\n')
    asked.write_text("item 3 red\n")
    predict = ("predict", "intent", asked, "--model", model, "--out", told)
    assert main([*map(str, predict)]) == 0
    for given in (
        ("evaluate", "intent", "--model", model, "--dev", dev),
        ("compare", "intent", model, model, "--dev", dev),
        ("compare", "intent", told, told, "--dev", dev),
        ("disagree", asked, "--models", model, model),
    ):
        assert main([*map(str, given)]) == 2, given
        error = capsys.readouterr().err
        assert "several labels" in error and "combine table RUN" in error, error
        assert error.count("\n") == 1


def test_answers_agree_where_all_labels_do(model):
    one = np.array([[0.9, 0.8, 0.1], [0.9, 0.1, 0.1]])
    other = np.array([[0.9, 0.4, 0.1], [0.8, 0.2, 0.3]])  # the likeliest is the same in both
    assert precision.agreement(contract.load(model), one, other) == 0.5
