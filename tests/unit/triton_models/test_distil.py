"""`combine distil`: what a student learns from its teachers, and which run may go on."""

import json
import shutil

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from safetensors.torch import save_file

from tests.unit.triton_models import toy
from tests.unit.triton_models.combining import TEXTS, combine, says, weights
from triton_models.combination import distil
from triton_models.kinds.intent import distilling
from triton_models.training import networks
from triton_models.training.ensemble import pooled
from triton_models.training.loop import RESUME
from triton_models.training.vocabulary import bare_tokenizer


def test_a_student_agrees_more_with_its_teachers_than_before(runs, queries, log, tmp_path):
    out = tmp_path / "small"
    given = ("--queries", queries, "--text", log, "--out", out, "--layers", "1", "--pieces", 3000)
    schedule = ("--epochs", 12, "--rate", "0.005", "--batch", 12, "--threads", 1)
    assert combine("distil", "--teachers", *runs, *given, *schedule, "--misspelled", 0) == 0
    notes = json.loads((out / "run.json").read_text())
    result = notes["result"]
    assert result["losses"][-1] < result["losses"][0] / 2
    assert result["dev"]["agreement"] > result["start"]["agreement"]
    assert [row["negative_divergence"] for row in result["judged"]] == result["scores"]
    assert (out / "training.svg").is_file()
    assert result["figures"]["teachers"]["agreement"] == 1.0
    assert notes["data"]["learned"] + notes["data"]["dev"] == len(TEXTS) + 30
    config = json.loads((out / "config.json").read_text())
    assert config["num_hidden_layers"] == 1
    assert config["vocab_size"] <= 3000
    teachers = pooled([says(folder) for folder in runs])
    assert (says(out).argmax(1) == teachers.argmax(1)).float().mean() > 0.8


def test_unlabelled_queries_are_learned_from_the_teachers_alone(runs):
    network = networks.load(runs[0], "intent").eval()
    recipe = distil.Recipe(None, 2.0, 0.5, 0.0, None, None, None, ())
    found = [toy.Example("buy a desk", ("buy",)), toy.Example("buy a desk", ())]
    tokenizer = bare_tokenizer(runs[0])
    wanted = distilling.says(network, tokenizer, found)
    said = wanted.intents
    loss = distilling.Loss(network, tokenizer, found, wanted, recipe)
    costs = loss.costs(said, loss.targets)
    expected = -said[0].log_softmax(0)[1] / 2  # its label; of its teacher it is no way off
    torch.testing.assert_close(costs, torch.tensor([expected.item(), 0.0]), atol=1e-6, rtol=1e-4)


def test_a_distillation_that_was_cut_off_goes_on(runs, queries, tmp_path, monkeypatch):
    given = ("--teachers", *runs, "--queries", queries, "--layers", "0,2", "--threads", 1)
    given = (*given, "--epochs", 3)
    assert combine("distil", *given, "--out", tmp_path / "whole") == 0
    divergence, asked = distilling.divergence, []

    def stopped(*given):
        asked.append(1)
        if len(asked) == 5:  # in the third epoch; each asks once to learn and once to judge
            raise KeyboardInterrupt
        return divergence(*given)

    monkeypatch.setattr(distilling, "divergence", stopped)
    assert combine("distil", *given, "--out", tmp_path / "cut") == 130
    assert (tmp_path / "cut" / RESUME).exists()
    monkeypatch.undo()
    assert combine("distil", *given, "--out", tmp_path / "cut") == 0
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(cut[name], weight) for name, weight in whole.items())


def test_a_teacher_that_was_trained_on_is_another_run(runs, queries, tmp_path, monkeypatch, capsys):
    teacher = tmp_path / "teacher"
    shutil.copytree(runs[0], teacher)
    given = ("--teachers", teacher, "--student", runs[1], "--queries", queries, "--threads", 1)
    given = (*given, "--epochs", 2, "--out", tmp_path / "out")

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(networks, "save", stopped)  # behind its last epoch
    assert combine("distil", *given) == 130
    monkeypatch.undo()
    changed = {name: weight * 1.5 for name, weight in weights(teacher).items()}
    save_file(changed, teacher / "model.safetensors", metadata={"format": "pt"})
    assert combine("distil", *given) == 2
    assert "other settings or data" in capsys.readouterr().err
