"""`finetune --seeds`: mean and spread of several runs, and the mean of their weights."""

import json

import pytest

from tests.skips import skip_or_fail

try:
    import peft  # noqa: F401
    import torch
    from safetensors.torch import load_file
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models.__main__ import main
from triton_models.combination import average
from triton_models.kinds import KINDS
from triton_models.search import repeat, seeds
from triton_models.settings import PACKAGE

SHOP = PACKAGE / "data" / "example" / "manifest.toml"


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"), layers=1)


def finetune(kind, *more) -> int:
    given = ["finetune", kind, "--manifest", SHOP, "--epochs", 2, "--rate", 0.01, "--threads", 1]
    return main([*map(str, given), *map(str, more)])


def record(folder):
    return json.loads((folder / "run.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_are_runs_of_their_own_and_what_is_kept_is_one_too(kind, start, tmp_path):
    out, model = tmp_path / "run", tmp_path / "model"
    assert finetune(kind, "--seeds", 2, "--seed", 5, "--start", start, "--out", out) == 0
    run = record(out)
    found, metric = run["result"]["seeds"], run["recipe"]["metric"]
    each = {seed: record(out / "seeds" / seed)["result"]["dev"] for seed in ("5", "6")}
    assert found["runs"] == each and run["options"]["seeds"] == 2
    assert all((out / "seeds" / seed / "training.svg").is_file() for seed in each)
    values = [dev[metric] for dev in each.values()]
    assert found["spread"][metric]["mean"] == pytest.approx(sum(values) / 2)
    pays = found["average"][metric] > sum(values) / 2
    assert found["kept"].startswith("mean of the weights" if pays else "seed ")
    assert run["result"]["dev"][metric] == (found["average"][metric] if pays else max(values))
    assert main(["export", str(out), "--kind", kind, "--out", str(model)]) == 0
    card = (model / "CARD.md").read_text()
    assert "## How much of it is chance" in card and found["kept"] in card
    assert f"{found['spread'][metric]['mean']:.4f} (" in card


@pytest.mark.parametrize("pays", [True, False])
def test_the_mean_of_the_weights_is_kept_where_it_is_better_than_the_runs(
    pays, start, tmp_path, monkeypatch
):
    course = KINDS["intent"].part("training")
    finish, judged = course.finish, []

    def changed(*given):
        result = finish(*given)
        judged.append(result)
        if len(judged) == 3:  # after the two runs
            result["dev"]["accuracy"] = 1.0 if pays else 0.0
        return result

    monkeypatch.setattr(course, "finish", changed)
    out = tmp_path / "run"
    assert finetune("intent", "--seeds", 2, "--start", start, "--out", out) == 0
    kept, folders = load_file(out / "model.safetensors"), sorted((out / "seeds").iterdir())
    found = record(out)["result"]["seeds"]["kept"]
    assert (out / "training.svg").is_file() != pays  # a mean was not trained
    name = "bert.embeddings.word_embeddings.weight"
    if pays:
        expected = average.average(folders, "intent").state_dict()[f"classifier.{name}"]
        assert found == seeds.AVERAGE
    else:
        expected = load_file(out / "seeds" / found.split()[1] / "model.safetensors")[name]
    torch.testing.assert_close(kept[name], expected)
    others = [load_file(folder / "model.safetensors")[name] for folder in folders]
    assert sum(torch.equal(kept[name], other) for other in others) == (0 if pays else 1)


@pytest.mark.parametrize("pays", [True, False])
def test_the_tagged_queries_of_dev_are_kept_whatever_is(pays, start, tmp_path, monkeypatch):
    course = KINDS["intent"].part("training")
    finish, judged = course.finish, []

    def changed(*given):
        judged.append(finish(*given))
        judged[-1]["dev"]["accuracy"] = 0.5 if len(judged) < 3 else float(pays)
        return judged[-1]

    monkeypatch.setattr(course, "finish", changed)
    out, tags = tmp_path / "run", ("--tag-weight", 1, "--seeds", 2)
    assert finetune("intent", *tags, "--start", start, "--out", out) == 0
    files = [folder / "dev_tags.jsonl" for folder in (out, out / "seeds" / "17")]
    assert files[0].read_bytes() == files[1].read_bytes() != b""


def test_seeds_that_are_done_are_not_trained_again_and_other_settings_are_refused(
    start, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "run"
    given = ("intent", "--start", start, "--out", out, "--seeds", 2)
    judged = seeds.kept_mean
    monkeypatch.setattr(seeds, "kept_mean", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        finetune(*given)
    times = [(out / "seeds" / seed / "run.json").stat().st_mtime_ns for seed in ("17", "18")]
    assert finetune(*given, "--smoothing", 0.0) == 2
    assert "holds a run with other settings" in capsys.readouterr().err
    monkeypatch.setattr(seeds, "kept_mean", judged)
    assert finetune(*given) == 0
    assert times == [(out / "seeds" / s / "run.json").stat().st_mtime_ns for s in ("17", "18")]
    assert finetune(*given) == 2
    assert "holds a finished run" in capsys.readouterr().err


def test_the_interval_is_students():
    found = repeat.spread([0.90, 0.92, 0.94])
    assert found["mean"] == pytest.approx(0.92) and found["sd"] == pytest.approx(0.02)
    assert found["high"] - found["mean"] == pytest.approx(4.302653 * 0.02 / 3**0.5, rel=1e-5)
    assert repeat.spread([0.5]) == {"mean": 0.5}


@pytest.mark.parametrize("more", [["--no-dev"], ["--leave-one-source-out"]])
def test_seeds_need_one_dev_set(more, start, tmp_path, capsys):
    given = ["--queries", tmp_path / "mine.csv", "--start", start, "--seeds", 2, *more]
    assert main(["finetune", "intent", *map(str, given)]) == 2
    assert "--seeds" in capsys.readouterr().err
