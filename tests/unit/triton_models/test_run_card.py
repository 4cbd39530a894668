"""CARD.md of an exported run: all of its heads, by label, on a page; the labels that were rare."""

import json
import re

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
from triton_models.contract import ModelFolderError
from triton_models.evaluation import report, report_parts
from triton_models.kinds.intent import summary
from triton_models.training import run_card

MOODS = {"love": "positive", "hate": "negative", "see": "neutral"}
SOURCE = 'name = "{0}"\npath = "{0}"\nformat = "{1}"\nlicence = "own"\nsplit = "by_key"\n'
TIMES = {"shoes": 16, "refund": 5, "moon": 16}  # refunds are rare
INTENTS = {"shoes": "browse", "refund": "complaint", "moon": "other"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run and its model folder, with sentiment, tags and a label of what is out of scope."""
    folder = tmp_path_factory.mktemp("card")
    rows, tagged = [], []
    for mood, sentiment in MOODS.items():
        for thing, times in TIMES.items():
            for n in range(times):
                rows.append(f"{mood} {thing} {n},{INTENTS[thing]},{sentiment}")
                tags = ["O", "B-product" if thing == "shoes" else "O", "O"]
                tagged.append({"tokens": [mood, thing, str(n)], "tags": tags})
    (folder / "mine.csv").write_text("query,intent,sentiment\n" + "\n".join(rows))
    (folder / "tags.jsonl").write_text("\n".join(map(json.dumps, tagged)))
    sources = (("mine.csv", "queries"), ("tags.jsonl", "tagged"))
    named = "".join(f"[[source]]\n{SOURCE.format(*source)}" for source in sources)
    (folder / "manifest.toml").write_text(named)
    given = ["--manifest", folder / "manifest.toml", "--tag-weight", 1, "--epochs", 12]
    return toy.trained(folder, *given, "--batch", 16, "--out-of-scope", "other")


def test_the_card_has_every_head_as_exported(folder):
    run, model = folder / "run", folder / "models" / "intent"
    notes, card = run_card.read(run), (model / "CARD.md").read_text()
    served = summary.measured(model, run / "dev.jsonl", notes)
    heads = "| figure of dev | checkpoint, float32 | as exported |"
    assert heads in card and "None" not in card
    for place, figure, told in (
        ("dev", "accuracy", "accuracy"),
        ("scope", "out_of_scope_recall", "out of scope recall"),
        ("scope", "threshold", "threshold"),
        ("sentiment", "accuracy", "sentiment accuracy"),
        ("tags", "micro_f1", "tags micro f1"),
    ):
        both = notes["result"][place][figure], served[place][figure]
        assert f"| {told} | {both[0]:.4f} | {both[1]:.4f} |" in card
    counts = notes["data"]["label_counts"]
    assert sum(counts.values()) == notes["data"]["learned"]
    for name in ("By label", "By sentiment", "By tag"):
        assert f"### {name}\n" in card
    assert re.search(rf"\| complaint \| {counts['complaint']} \| [01]\.\d+ \|", card)
    assert re.search(r"\| product \| \d+ \| [01]\.\d+ \|", card)
    assert card.count("\n") < 70  # a page


def test_a_model_of_your_own_knows_which_labels_were_rare(folder, monkeypatch):
    monkeypatch.setattr(report_parts, "SHAPES", ((1, 8),))
    run, model = folder / "run", folder / "models" / "intent"
    counts = run_card.read(run)["data"]["label_counts"]
    found = contract.load(model)
    assert found.label_counts == tuple(counts[label] for label in found.labels)
    assert found.tagging.label_counts == ()
    slices = report.full("intent", model, [run / "dev.jsonl"])["slices"]
    dev = [json.loads(line) for line in (run / "dev.jsonl").read_text().splitlines()]
    rare = sum(row["intent"] == "complaint" for row in dev)
    assert rare and slices["labels rare in training"]["rare"]["rows"] == rare


def test_counts_of_other_labels_are_refused(folder, tmp_path):
    model = folder / "models" / "intent"
    told = json.loads((model / "model.json").read_text())
    for wrong in ({"browse": 3}, [1, 2, 3], told["label_counts"] | {"other": -1}):
        (tmp_path / "model.json").write_text(json.dumps(told | {"label_counts": wrong}))
        with pytest.raises(
            ModelFolderError, match="label_counts: found .* a whole number for each"
        ):
            contract.load(tmp_path)


def test_of_many_labels_the_card_has_the_worst():
    names = [f"label {i}" for i in range(40)]
    one = {"precision": 0.5, "recall": 0.5, "count": 3}
    judged = {name: one | {"f1": f1} for name, f1 in zip(names, np.linspace(1, 0, 40), strict=True)}
    data = {"label_counts": dict.fromkeys(names, 1200)}
    (table,) = run_card.by_label(data, {"labels": judged})
    assert table.startswith("### By label, 12 of 40 with the lowest F1\n")
    assert table.count("| label ") == 1 + 12 and "| label 39 | 1,200 | 0.5000 |" in table
    (bare,) = run_card.by_label(data | {"label_counts": {"a": 2}}, {})
    assert "| a | 2 | – | – | – | – |" in bare
