"""`combine`: averages, stacks, pruned models, and the table that compares them."""

import json
import sys

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from safetensors.torch import load_file

from tests.unit.triton_models.combining import TEXTS, combine, says, weights
from triton_models import contract
from triton_models.__main__ import main
from triton_models.combination import members, stack
from triton_models.combination.options import STEPS
from triton_models.combination.precisions import PRECISIONS
from triton_models.kinds.intent import combining
from triton_models.kinds.intent.network import classifier
from triton_models.training import networks
from triton_models.training.vocabulary import bare_tokenizer


def test_the_average_of_two_equal_runs_is_the_run(runs, tmp_path):
    assert combine("average", runs[0], runs[0], "--out", tmp_path / "mean") == 0
    before, after = weights(runs[0]), weights(tmp_path / "mean")
    assert set(before) == set(after)
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    torch.testing.assert_close(says(tmp_path / "mean"), says(runs[0]))


def test_the_average_is_in_the_middle_and_is_measured(runs, queries, tmp_path, capsys):
    out = tmp_path / "mean"
    assert combine("average", *runs, "--out", out, "--queries", queries) == 0
    one, two, mean = weights(runs[0]), weights(runs[1]), weights(out)
    name = "bert.encoder.layer.1.output.dense.weight"
    torch.testing.assert_close(mean[name], (one[name] + two[name]) / 2)
    notes = json.loads((out / "run.json").read_text())
    assert notes["kind"] == "intent"
    assert list(notes["result"]["runs"]) == ["a", "b", "mean of the weights"]
    assert "mean of the weights" in capsys.readouterr().out
    assert main(["export", str(out), "--kind", "intent", "--out", str(tmp_path / "model")]) == 0
    assert contract.load(tmp_path / "model").labels == ("ask", "buy", "look")


def test_a_matching_model_keeps_a_threshold(runs, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, threshold in zip(folders, (0.4, 0.6), strict=True):
        network = networks.load(runs[0].parent / "toy", "matching")
        networks.save(network, folder)
        bare_tokenizer(runs[0]).save(str(folder / "tokenizer.json"))
        (folder / "training.json").write_text(json.dumps({"threshold": threshold}))
    assert combine("average", *folders, "--out", tmp_path / "mean") == 0
    assert json.loads((tmp_path / "mean" / "training.json").read_text())["threshold"] == 0.5
    head, mean = (load_file(f / networks.HEAD) for f in (folders[0], tmp_path / "mean"))
    assert all(torch.equal(head[name], mean[name]) for name in head)


def test_a_stack_is_taken_by_distil(runs, queries, tmp_path, capsys):
    file = tmp_path / "stack.json"
    assert combine("stack", *runs, "--queries", queries, "--out", file) == 0
    shown = capsys.readouterr().out
    assert stack.MEAN in shown and stack.STACK in shown
    noted = json.loads(file.read_text())
    assert noted["teachers"] == list(map(str, runs))
    assert set(noted["figures"]) == {"a", "b", stack.MEAN, stack.STACK}
    given = ("--teachers", file, "--queries", queries, "--out", tmp_path / "small", "--threads", 1)
    assert combine("distil", *given, "--epochs", 1) == 0
    recipe = json.loads((tmp_path / "small" / "run.json").read_text())["recipe"]
    assert recipe["weights"] == noted["weights"]
    assert recipe["teachers"] == noted["teachers"]


def test_pruning_keeps_what_the_kept_layers_say(runs, log, tmp_path):
    everything = says(runs[0])
    assert combine("prune", runs[0], "--layers", "0,1,2", "--out", tmp_path / "all") == 0
    torch.testing.assert_close(says(tmp_path / "all"), everything)
    assert combine("prune", runs[0], "--layers", "2,0", "--out", tmp_path / "two") == 0
    before, after = weights(runs[0]), weights(tmp_path / "two")
    name = "bert.encoder.layer.{}.output.dense.weight"
    assert torch.equal(after[name.format(1)], before[name.format(2)])
    assert name.format(2) not in after
    assert torch.equal(after["classifier.weight"], before["classifier.weight"])


def test_pruning_pieces_changes_nothing_for_texts_that_do_not_use_them(runs, queries, tmp_path):
    given = ("--pieces", 6000, "--text", queries)
    assert combine("prune", runs[0], *given, "--out", tmp_path / "small") == 0
    words = "bert.embeddings.word_embeddings.weight"
    assert len(weights(tmp_path / "small")[words]) < len(weights(runs[0])[words])
    torch.testing.assert_close(says(tmp_path / "small"), says(runs[0]))


@pytest.mark.parametrize("kind", ["encoder", "matching"])
def test_other_kinds_are_pruned_too(runs, kind, tmp_path):
    start = tmp_path / "start"
    networks.save(networks.load(runs[0].parent / "toy", kind), start)
    bare_tokenizer(runs[0]).save(str(start / "tokenizer.json"))
    (start / "training.json").write_text(json.dumps({"threshold": 0.73}))
    assert members.kind_of(start) == kind
    assert combine("prune", start, "--layers", "1", "--out", tmp_path / "small") == 0
    assert members.kind_of(tmp_path / "small") == kind
    assert len(networks.load(tmp_path / "small", kind).bert.encoder.layer) == 1
    assert json.loads((tmp_path / "small" / "training.json").read_text())["threshold"] == 0.73
    command = json.loads((tmp_path / "small" / "run.json").read_text())["command"]
    assert command.split("--layers ")[1].startswith("1 --out")


def test_nothing_is_left_of_another_run_in_the_same_folder(runs, tmp_path):
    toy_bert, out = runs[0].parent / "toy", tmp_path / "run"
    for kind in ("matching", "encoder"):
        networks.save(networks.load(toy_bert, kind), out)
        bare_tokenizer(toy_bert).save(str(out / "tokenizer.json"))
        assert members.kind_of(out) == kind


def test_the_table_has_every_row(runs, queries, log, tmp_path, capsys):
    assert combine("prune", runs[0], "--layers", "0", "--out", tmp_path / "small") == 0
    given = ("--queries", queries, "--text", log, "--report", tmp_path / "report")
    assert combine("table", runs[0], tmp_path / "small", *given) == 0
    rows = json.loads((tmp_path / "report" / "table.json").read_text())
    assert list(rows) == [f"{run}: {p}" for run in ("a", "small") for p in PRECISIONS]
    first = rows["a: float32"]
    assert first["agreement"] == first["as_first"] == 1.0
    assert rows["a: float16"]["MB"] < 0.6 * first["MB"]
    assert rows["a: int8"]["MB"] < 0.6 * first["MB"]
    assert rows["small: float32"]["agreement"] == 1.0
    for row in rows.values():
        assert row["ms x 1"] > 0 and row["ms x 32"] > 0
        assert 0 <= row["macro_f1"] <= 1
    page = (tmp_path / "report" / "table.md").read_text()
    shown = capsys.readouterr().out
    for name in rows:
        assert f"| {name} |" in page
        assert name in shown


def test_figures_of_the_table_are_those_of_the_dev_set(runs, queries, tmp_path):
    assert combine("table", runs[0], "--queries", queries, "--report", tmp_path / "report") == 0
    rows = json.loads((tmp_path / "report" / "table.json").read_text())
    (member,) = combining.members([runs[0]])
    found = says(runs[0]).argmax(1)
    right = np.mean([member.labels[i] == label for i, (_, label) in zip(found, TEXTS, strict=True)])
    assert rows["float32"]["accuracy"] == pytest.approx(right)
    assert "as_first" not in rows["float32"]


def test_wrong_usage_is_told_in_one_line(runs, queries, log, tmp_path, capsys):
    run, toys = runs[0], runs[0].parent / "toy"
    strange = tmp_path / "strange.csv"
    strange.write_text("query,intent\nred shoes,green\n")
    other = tmp_path / "other"
    networks.save(classifier(toys, ("yes", "no")), other)
    bare_tokenizer(run).save(str(other / "tokenizer.json"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    shallow = tmp_path / "shallow"
    assert combine("prune", run, "--layers", "0", "--out", shallow) == 0
    out = ("--out", tmp_path / "out")
    capsys.readouterr()
    for given, told in (
        (("average", run, *out), "two runs or more"),
        (("average", run, toys, *out), "a run of encoder"),
        (("average", run, other, *out), "its labels are not those"),
        (("average", run, shallow, *out), "another shape"),
        (("average", run, tmp_path / "none", *out), "no checkpoint"),
        (("average", run, run, "--out", tmp_path / "full"), "holds something else"),
        (
            ("average", toys, toys, "--queries", queries, *out),
            "a run of encoder, no classifier; give runs of intent",
        ),
        (("stack", run, run, "--queries", strange, *out), "do not know: green"),
        (("stack", run, toys, "--queries", queries, *out), "a run of encoder"),
        (("stack", run, other, "--queries", queries, *out), "its labels"),
        (("distil", "--teachers", run, *out), "--queries or --text"),
        (("distil", "--teachers", run, "--text", log, "--temperature", 0, *out), "above 0"),
        (("distil", "--teachers", strange, "--text", log, *out), "no stack"),
        (("distil", "--teachers", run, "--text", log, "--layers", "7", *out), "has 3 layers"),
        (("distil", "--teachers", run, "--text", strange, *out), "give more"),
        (("prune", run, *out), "--layers or --pieces"),
        (("prune", run, "--pieces", 9, *out), "--pieces needs --text"),
        (("prune", run, "--layers", "0,3", *out), "has 3 layers"),
        (("table", toys, "--queries", queries), "no classifier"),
        (("table", run, "--queries", queries, "--report", tmp_path / "full"), "no table"),
    ):
        assert combine(*given) == 2, given
        error = capsys.readouterr().err
        assert told in error, given
        assert error.count("\n") == 1, given


def test_a_checkpoint_with_adapters_is_not_cut(runs, queries, tmp_path, capsys):
    start, out = runs[0].parent / "toy", tmp_path / "adapted"
    given = ["--queries", queries, "--start", start, "--out", out, "--how", "adapters"]
    assert main(["finetune", "intent", *map(str, given), "--epochs", "1", "--threads", "1"]) == 0
    assert combine("prune", out, "--layers", "0", "--out", tmp_path / "cut") == 2
    assert "has adapters" in capsys.readouterr().err


@pytest.mark.parametrize("step", STEPS)
def test_help_of_each_step_ends_with_an_example_and_needs_no_torch(step, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit) as end:
        main(["combine", step, "--help"])
    assert end.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.endswith(f"example: {STEPS[step].example}")
