"""`finetune` as a command: from a file of labelled queries to a model folder with its labels."""

import json
import sys

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
    from safetensors.torch import load_file, save_file
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from tests.unit.triton_models.finetuning import finetune, rows
from triton_models import contract
from triton_models.__main__ import main
from triton_models.kinds.intent import classify, scope
from triton_models.kinds.intent import training as intent
from triton_models.serving.served import ServedModel
from triton_models.training import networks
from triton_models.training.loop import RESUME


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"), layers=1)


def test_77_labels_of_your_own_are_trained_exported_and_served(start, tmp_path, capsys):
    labels = [f"label_{i:02d}" for i in range(77)]
    queries, out = rows(tmp_path / "mine.jsonl", labels, 6), tmp_path / "run"
    assert finetune("--queries", queries, "--start", start, "--out", out, "--epochs", 1) == 0
    assert "77 labels" in capsys.readouterr().out
    notes = json.loads((out / "run.json").read_text())
    assert notes["recipe"]["schedule"]["epochs"] == 1
    assert notes["command"].startswith("python -m triton_models finetune intent --queries ")
    assert notes["data"]["learned"] + notes["data"]["dev"] == 77 * 6
    assert len(notes["data"]["learned_sha256"]) == 64
    assert 0 <= notes["result"]["dev"]["calibration_error"] <= 1
    assert not (out / RESUME).exists()
    assert main(["export", str(out), "--kind", "intent", "--out", str(tmp_path / "model")]) == 0
    assert contract.load(tmp_path / "model").labels == tuple(labels)
    for kind in ("encoder", "matching"):
        assert main(["export", str(out), "--kind", kind, "--out", str(tmp_path / kind)]) == 2
        assert "a run of intent" in capsys.readouterr().err and not (tmp_path / kind).exists()
    found = ServedModel(tmp_path / "model").run(["item 1 label_03"])
    assert found.shape == (1, 77)
    assert found.sum() == pytest.approx(1, abs=1e-4)


def test_a_start_that_was_trained_on_is_another_run(tmp_path, monkeypatch, capsys):
    queries, start = rows(tmp_path / "mine.jsonl", ["red", "blue"], 30), toy.write(tmp_path / "toy")
    given = ("--queries", queries, "--start", start, "--out", tmp_path / "run", "--epochs", 2)

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(networks, "save", stopped)
    assert finetune(*given) == 130
    monkeypatch.undo()
    weights = load_file(start / "model.safetensors")
    changed = {name: weight * 1.5 for name, weight in weights.items()}
    save_file(changed, start / "model.safetensors", metadata={"format": "pt"})
    assert finetune(*given) == 2
    assert "other settings or data" in capsys.readouterr().err


SOURCE = """[[source]]
name = "{name}"
path = "{name}.csv"
format = "queries"
licence = "own"
split = "by_key"
dev_share = 30
"""


def of_sources(tmp_path, **labels):
    """A manifest with a file of 40 queries a label for each source."""
    for name, its in labels.items():
        lines = [f"{label} {name} {i},{label}" for label in its.split() for i in range(40)]
        (tmp_path / f"{name}.csv").write_text("query,intent\n" + "\n".join(lines) + "\n")
    (tmp_path / "manifest.toml").write_text("".join(SOURCE.format(name=n) for n in labels))
    return tmp_path / "manifest.toml"


def test_a_manifest_is_trained_on(start, tmp_path):
    out = tmp_path / "run"
    manifest = of_sources(tmp_path, forum="red blue", shop="red blue")
    assert finetune("--manifest", manifest, "--start", start, "--out", out, "--epochs", 2) == 0
    data = json.loads((out / "run.json").read_text())["data"]
    assert data["learned"] + data["dev"] == 160 and data["dev"] > 20
    assert data["licences"] == {"forum": "own", "shop": "own"}
    assert len(data["manifest_sha256"]) == 64


def test_each_source_is_left_out_in_turn(start, tmp_path, capsys):
    out = tmp_path / "run"
    manifest = of_sources(tmp_path, forum="red blue", shop="red blue green", chat="green")
    given = ("--start", start, "--out", out, "--epochs", 8, "--rate", "0.01", "--dropout", 0)
    assert finetune("--manifest", manifest, *given, "--leave-one-source-out") == 0
    rows = json.loads((out / "run.json").read_text())["result"]["left_out"]
    assert [(r["source"], r["queries"]) for r in rows] == [
        ("forum", 80),
        ("shop", 120),
        ("chat", 40),
    ]
    forum, shop, chat = rows
    assert forum["on_it"]["macro_f1"] > 0.8 and forum["unknown"] == 0
    assert forum["gap"] == forum["on_it"]["macro_f1"] - forum["on_dev"]["macro_f1"]
    page = (out / "left_out.md").read_text()
    assert f"| forum | 80 | 0 | {forum['on_it']['macro_f1']:.3f} |" in page
    assert page.splitlines()[-1] in capsys.readouterr().out
    assert not (out / "model.safetensors").exists()


def test_a_frozen_bert_reads_each_text_once_and_all_comes_out_alike(start, monkeypatch):
    network = toy.classifier(start, pooling="mean")
    plain = toy.answers(network, start)
    read, known = [], {}
    pooled = network.pooled
    monkeypatch.setattr(
        network,
        "pooled",
        intent.remembered(lambda *t: (read.append(len(t[0])), pooled(*t))[1], known),
    )
    for _ in range(2):
        torch.testing.assert_close(toy.answers(network, start), plain)
    assert sum(read) == len(known) == 6


def test_labels_that_the_others_lack_are_counted_and_not_judged(start, tmp_path):
    lines = {"a": "red x", "b": "red blue"}
    manifest, out = of_sources(tmp_path, **lines), tmp_path / "run"
    given = ("--start", start, "--out", out, "--epochs", 1, "--leave-one-source-out")
    assert finetune("--manifest", manifest, *given) == 0
    rows = json.loads((out / "run.json").read_text())["result"]["left_out"]
    assert [(r["queries"], r["unknown"]) for r in rows] == [(80, 40), (80, 40)]


def test_a_category_is_learned_beside_the_label_and_dropped(start, tmp_path):
    queries, out = tmp_path / "mine.jsonl", tmp_path / "run"
    lines = [
        {"query": f"{verb} {word} {i}", "intent": verb} | ({"category": thing} if i % 2 else {})
        for verb in ("buy", "return")
        for thing, word in (("Shoes", "boots"), ("Light", "lamp"))
        for i in range(30)
    ]
    queries.write_text("\n".join(map(json.dumps, lines)))
    given = ("--start", start, "--epochs", 10, "--rate", "0.01", "--dropout", 0, "--out", out)
    assert finetune("--queries", queries, *given, "--category-weight", 4) == 0
    result = json.loads((out / "run.json").read_text())["result"]
    assert result["category"]["accuracy"] > 0.9 and result["dev"]["accuracy"] > 0.9
    assert 0 < result["category"]["queries"] < 25  # half of dev has one
    assert networks.labels(out) == ("buy", "return")
    assert not any("category" in name for name in load_file(out / "model.safetensors"))


def test_wrong_usage_is_told_in_one_line(start, tmp_path, capsys):
    queries = rows(tmp_path / "mine.jsonl", ["red", "blue"], 20)
    strange = rows(tmp_path / "strange.jsonl", ["green"], 3)
    single = rows(tmp_path / "single.jsonl", ["red"], 30)
    all_red = rows(tmp_path / "all_red.jsonl", ["red"], 20)
    only_red = tmp_path / "only_red.csv"
    only_red.write_text("query,intent\nscarlet,red\ncrimson,red\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    begin = ("--queries", queries, "--start", start, "--out", tmp_path / "run")
    for given, told in (
        ((*begin, "--dev", strange), "green"),
        ((*begin, "--dev", queries, "--no-dev"), "not both"),
        ((*begin, "--dev", queries), "nothing left"),
        ((*begin, "--dev", all_red), "without a query to learn from: red"),
        ((*begin, "--out-of-scope", "oos"), "'oos'"),
        ((*begin, "--no-dev", "--patience", 2), "--patience"),
        ((*begin, "--no-dev", "--out-of-scope", "red"), "chosen on dev, which needs"),
        ((*begin, "--dev", only_red, "--out-of-scope", "red"), "and others"),
        ((*begin, "--columns", "query"), "name 2 columns, as --columns query,intent"),
        ((*begin, "--out", tmp_path / "full"), "full"),
        ((*begin, "--start", tmp_path / "none"), "none"),
        (("--queries", single, *begin[2:]), "at least two"),
        ((*begin, "--category-weight", 1), "0 values in the column `category`"),
        ((*begin, "--leave-one-source-out"), "one source only"),
        ((*begin, "--leave-one-source-out", "--no-dev"), "its own dev sets"),
        ((*begin, "--manifest", queries), "one of them"),
        ((*begin, "--pairs", queries), "--pairs goes with encoder and matching"),
        ((*begin, "--size", 8), "--size goes with --how lora, adalora, adapters, prefix, not with"),
        ((*begin, "--size", 8, "--how", "gradual"), "not with gradual"),
        ((*begin, "--how", "frozen", "--rate", 0.1), "give --head-rate instead of --rate"),
        ((*begin, "--how", "frozen", "--layer-decay", 0.5), "leave --layer-decay out"),
        ((*begin, "--metric", "macro_f1", "--no-dev"), "leave it or --no-dev out"),
        ((*begin, "--metric", "mrr"), "of intent there are accuracy"),
        (("--manifest", tmp_path / "none.toml", *begin[2:]), "name a manifest"),
    ):
        assert finetune(*given) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    ["finetune intent --queries a", "pretrain minilm --text a", "combine distil --teachers a"],
)
def test_a_rate_of_0_is_refused(command, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--out", str(tmp_path / "run"), "--rate", "0"])
    error = capsys.readouterr().err
    assert end.value.code == 2 and "--rate: 0 is not above 0" in error and error.count("\n") == 1


def test_help_needs_no_torch(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit):
        main(["finetune", "intent", "--help"])
    assert "--adversarial" in capsys.readouterr().out


def test_temperature_is_folded_into_the_last_layer(start):
    network = toy.classifier(start)
    before = network.classifier.classifier.weight.clone()
    wanted = classify.targets(toy.EXAMPLES[:6], toy.LABELS)
    said = 8 * (wanted - 0.5) + 12 * torch.eye(3)[[1, 0, 1, 0, 2, 2]]  # sure, and often wrong
    temperature = classify.calibrate(network, said, wanted)
    assert temperature > 1.5
    torch.testing.assert_close(network.classifier.classifier.weight * temperature, before)


def test_figures_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    said = torch.from_numpy(rng.normal(size=(200, 5))).float()
    right = rng.integers(0, 5, 200)
    wanted = torch.nn.functional.one_hot(torch.from_numpy(right), 5).float()
    report = classify.measure(said + wanted, wanted)
    found = (said + wanted).argmax(1).numpy()
    assert report["accuracy"] == pytest.approx(metrics.accuracy_score(right, found))
    assert report["macro_f1"] == pytest.approx(metrics.f1_score(right, found, average="macro"))


def test_figures_are_not_of_the_rows_that_the_temperature_was_fitted_on():
    torch.manual_seed(3)
    wanted = torch.eye(3)[torch.randint(3, (30,))]
    said = 4 * wanted + 2 * torch.randn(30, 3)
    texts = [f"query {i}" for i in range(30)]
    honest = classify.cross_fitted(said, wanted, texts)
    best = classify.temperature.best(classify.cost_of(said, wanted))
    loss = torch.nn.functional.cross_entropy
    assert loss(honest, wanted) > loss(said / best, wanted)
    assert torch.equal(honest.argmax(1), said.argmax(1))


def test_what_is_unlike_every_label_is_out_of_scope():
    wanted = torch.eye(3)[[0] * 50 + [1] * 50 + [2] * 40]
    said = 6 * wanted.clone()
    said[100:130] = torch.tensor([0.4, 0.3, 0.0])  # out of scope and not called so, but unsure
    chances, right = said.softmax(dim=1).numpy(), wanted.argmax(dim=1).numpy()
    report = scope.judged(chances, right, 2, [f"query {i}" for i in range(140)])
    assert report["out_of_scope_recall"] == 1.0
    assert report["in_scope_accuracy"] == 1.0
    assert 0.4 < report["threshold"] < 1.0
