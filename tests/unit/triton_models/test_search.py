"""`search`: a study of trainings that resumes, stops what lags behind, and gives its best back."""

import csv
import gc
import json
import subprocess
import sys

import pytest

from tests.skips import skip_or_fail

try:
    import optuna
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from tests.unit.triton_models.combining import TEXTS
from triton_models.__main__ import main, parser
from triton_models.kinds import KINDS
from triton_models.kinds.intent import classify
from triton_models.kinds.intent.network import ProbabilityModel
from triton_models.search import space as spaces
from triton_models.search import study as studies
from triton_models.settings import PACKAGE
from triton_models.training import finetune, finetune_config

SPACE = {"rate": {"low": 1e-3, "high": 1e-2, "log": True}, "pooling": ["cls", "mean"]}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The options that all searches here have in common, as a configuration."""
    folder = tmp_path_factory.mktemp("search")
    rows = "\n".join(f"{text},{label}" for text, label in TEXTS)
    (folder / "mine.csv").write_text(f"query,intent\n{rows}\n")
    return {
        "queries": [str(folder / "mine.csv")],
        "start": str(toy.write(folder / "toy")),
        **{"epochs": 4, "batch": 12, "threads": 1, "rate": 5e-3, "dropout": 0.0},
    }


def search(folder, options, space, *more) -> int:
    """Run the command on a configuration file."""
    file = folder.with_suffix(".json")
    file.write_text(json.dumps({"options": options, "search": space}))
    given = ("--config", file, "--out", folder, *more)
    return main(["search", "intent", *map(str, given)])


def trials_of(folder):
    study = optuna.load_study(study_name="intent", storage=f"sqlite:///{folder / studies.FILE}")
    return study.get_trials()


def told(trial):
    return trial.number, trial.state.name, trial.value, trial.params


def counted(monkeypatch) -> list:
    """The folders that are trained from here on."""
    found, trained = [], finetune.trained

    def counting(job, watch=None):
        found.append(job.args.out.name)
        return trained(job, watch)

    monkeypatch.setattr(finetune, "trained", counting)
    return found


def test_a_study_goes_on_where_it_ended_as_if_it_had_not(shared, tmp_path, monkeypatch):
    assert search(tmp_path / "whole", shared, SPACE, "--trials", 4) == 0
    assert search(tmp_path / "parts", shared, SPACE, "--trials", 2) == 0
    trained = counted(monkeypatch)
    assert search(tmp_path / "parts", shared, SPACE, "--trials", 4) == 0
    assert trained == ["2", "3"]
    whole, parts = (trials_of(tmp_path / name) for name in ("whole", "parts"))
    assert [told(t) for t in parts] == [told(t) for t in whole]
    assert whole[0].params == {"rate": 5e-3, "pooling": "cls"}  # what the options say comes first
    assert len({str(t.params) for t in whole}) == 4
    assert search(tmp_path / "parts", shared, SPACE, "--trials", 4) == 0
    assert len(trained) == 2  # nothing is left to do


def test_a_trial_that_was_cut_off_is_gone_on_with(shared, tmp_path, monkeypatch):
    assert search(tmp_path / "whole", shared, SPACE, "--trials", 2, "--pruner", "none") == 0
    calls, whole = [], classify.Loss.__call__

    def dies(self, rows):
        calls.append(1)
        if len(calls) == 4 * 3 + 8:  # in the third epoch of the second trial, of 3 steps each
            raise KeyboardInterrupt
        return whole(self, rows)

    monkeypatch.setattr(classify.Loss, "__call__", dies)
    given = (tmp_path / "cut", shared, SPACE, "--trials", 2, "--pruner", "none")
    assert search(*given) == 130
    assert [t.state.name for t in trials_of(tmp_path / "cut")] == ["COMPLETE", "RUNNING"]
    assert search(*given) == 0
    assert len(calls) == 20 + 6  # the two epochs that were left
    found = [[told(t) for t in trials_of(tmp_path / name)] for name in ("whole", "cut")]
    assert found[0] == found[1]


def test_a_trial_that_ended_unheard_is_not_trained_again(shared, tmp_path, monkeypatch):
    given = (tmp_path / "study", shared, SPACE, "--trials", 1)
    monkeypatch.setattr(studies.Search, "tell", lambda *_: 1 / 0)  # killed before it was noted
    with pytest.raises(ZeroDivisionError):
        search(*given)
    monkeypatch.undo()
    monkeypatch.setattr(finetune, "trained", lambda *_: pytest.fail("trained again"))
    assert search(*given) == 0
    assert [t.state.name for t in trials_of(tmp_path / "study")] == ["COMPLETE"]


def test_what_does_not_go_with_how_much_is_trained_is_left_out(shared, tmp_path):
    space = {"how": ["frozen", "lora"], "rate": [1e-3, 5e-3], "size": [2, 4]}
    options = {n: value for n, value in shared.items() if n != "rate"} | {"epochs": 1}
    given = (tmp_path / "study", options, space, "--trials", 4, "--pruner", "hyperband")
    assert search(*given) == 0
    trials = [t for t in trials_of(tmp_path / "study") if "same_as" not in t.user_attrs]
    assert {t.params["how"] for t in trials} == {"frozen", "lora"}
    for trial in trials:
        notes = tmp_path / "study" / "trials" / str(trial.number) / "run.json"
        told = json.loads(notes.read_text())["options"]
        assert ("rate" in told) == (trial.params["how"] == "lora")


def test_a_trial_that_lags_behind_is_stopped_and_equal_ones_are_not_trained_again(
    shared, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(studies, "NEVER_PRUNED", 1)
    trained, space = counted(monkeypatch), {"rate": [5e-3, 1e-8]}
    options = shared | {"epochs": 8}
    assert search(tmp_path / "study", options, space, "--trials", 6) == 0
    assert len(trained) == 2
    trials = trials_of(tmp_path / "study")
    bad = next(t for t in trials if t.params["rate"] == 1e-8)
    assert bad.state.name == "PRUNED" and 2 <= len(bad.intermediate_values) < 8
    assert not (tmp_path / "study" / "trials" / str(bad.number)).exists()
    with (tmp_path / "study" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows].count("stopped") >= 1
    assert any(row["state"] == "as trial 0" for row in rows)
    page = (tmp_path / "study" / "search.md").read_text()
    assert "no test set was read" in page and "![search](search.svg)" in page
    assert "Trial 0 is the best" in capsys.readouterr().out


def test_the_best_settings_given_back_have_the_same_figure(shared, tmp_path):
    out = tmp_path / "study"
    assert search(out, shared, SPACE, "--trials", 3, "--pruner", "none") == 0
    best = max(t.value for t in trials_of(out))
    again = ["finetune", "intent", "--config", out / "best.json", "--out", tmp_path / "again"]
    assert main(list(map(str, again))) == 0
    result = json.loads((tmp_path / "again" / "run.json").read_text())["result"]
    assert result["dev"]["accuracy"] == best
    assert len(result["judged"]) == len(result["steps"]) == 4
    assert (tmp_path / "again" / "training.svg").stat().st_size > 1000
    kept = [folder for folder in (out / "trials").iterdir() if list(folder.glob("*.safetensors"))]
    number = next(t.number for t in trials_of(out) if t.value == best)
    assert [folder.name for folder in kept] == [str(number)]
    for name in ("run.json", "training.svg"):
        assert all((out / "trials" / str(i) / name).is_file() for i in range(3))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_searched(kind, shared, tmp_path):
    out, shop = tmp_path / "study", PACKAGE / "data" / "example" / "manifest.toml"
    given = ["search", kind, "--manifest", shop, "--start", shared["start"], "--epochs", 2]
    given += ["--trials", 2, "--pruner", "none", "--threads", 1, "--out", out]
    assert main(list(map(str, given))) == 0
    for number in range(2):
        notes = json.loads((out / "trials" / str(number) / "run.json").read_text())
        study = optuna.load_study(study_name=kind, storage=f"sqlite:///{out / studies.FILE}")
        trial = study.get_trials()[number]
        assert list(trial.intermediate_values.values()) == notes["result"]["scores"]
        assert trial.value == notes["result"]["dev"][notes["recipe"]["metric"]]
        assert trial.value == pytest.approx(max(notes["result"]["scores"]))


def test_no_network_stays_after_a_search(shared, tmp_path):
    assert search(tmp_path / "study", shared, SPACE, "--trials", 3) == 0
    gc.collect()
    assert not [found for found in gc.get_objects() if type(found) is ProbabilityModel]


def test_the_hours_end_a_trial_at_its_next_evaluation(shared, tmp_path, monkeypatch, capsys):
    clock = iter([0.0, 0.0, *[3601.0] * 1000])
    monkeypatch.setattr(studies.time, "monotonic", lambda: next(clock))
    given = (tmp_path / "study", shared, SPACE, "--trials", 2)
    assert search(*given, "--hours", 1) == 0
    assert "the same command goes on" in capsys.readouterr().out
    (trial,) = trials_of(tmp_path / "study")
    assert trial.state.name == "RUNNING" and list(trial.intermediate_values) == [1]
    monkeypatch.undo()
    assert search(*given) == 0
    assert [t.state.name for t in trials_of(tmp_path / "study")] == ["COMPLETE"] * 2


def test_a_study_of_other_settings_is_refused_and_so_is_a_second_search(shared, tmp_path, capsys):
    out = tmp_path / "study"
    assert search(out, shared, SPACE, "--trials", 1) == 0
    assert search(out, shared | {"smoothing": 0.0}, SPACE, "--trials", 2) == 2
    assert "of a search with other options (smoothing)" in capsys.readouterr().err
    with studies.alone(out, studies.LOCK):
        assert search(out, shared, SPACE, "--trials", 2) == 2
    assert "another process trains into" in capsys.readouterr().err


def test_a_search_of_another_kind_is_refused_and_loses_nothing(shared, tmp_path, capsys):
    out = tmp_path / "study"
    assert search(out, shared, SPACE, "--trials", 1) == 0
    pairs = tmp_path / "pairs.csv"
    lines = [f"{text},{text.split()[-1]},1\n{text},spade,0" for text, _ in TEXTS]
    pairs.write_text("query,term,match\n" + "\n".join(lines) + "\n")
    given = ("--pairs", pairs, "--start", shared["start"], "--threads", 1, "--out", out)
    assert main(["search", "matching", *map(str, given)]) == 2
    assert "of a search of intent; give --out another" in capsys.readouterr().err
    assert (out / "trials" / "0" / "model.safetensors").is_file()


def test_a_run_that_stands_where_a_trial_would_is_not_deleted(shared, tmp_path, capsys):
    out = tmp_path / "study"
    assert search(out, shared, SPACE, "--trials", 1) == 0
    (out / studies.FILE).unlink()
    assert search(out, shared | {"batch": 8}, SPACE, "--trials", 1) == 2
    assert "holds a run with other settings" in capsys.readouterr().err
    assert (out / "trials" / "0" / "model.safetensors").is_file()


def test_a_study_that_is_no_database_is_told_in_one_line(shared, tmp_path, capsys):
    out = tmp_path / "study"
    assert search(out, shared, SPACE, "--trials", 1) == 0
    (out / studies.FILE).write_text("no database " * 100)
    assert search(out, shared, SPACE, "--trials", 2) == 2
    error = capsys.readouterr().err
    assert "study.db: cannot be used" in error and error.count("\n") == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["full", "frozen", "lora"])
def test_the_usual_space_of_a_kind_holds_what_its_options_take(kind, how):
    args = parser().parse_args(["search", kind, "--how", how])
    args = finetune_config.configured(args)
    space = spaces.usual(args)
    assert len(space) >= 4 and ("rate" in space) == (how != "frozen")
    assert not [told for n, axis in space.items() if (told := spaces.fault(kind, n, axis))]
    if how == "full":
        assert spaces.begun_with(args, space)


@pytest.mark.parametrize(
    ("space", "fault"),
    [
        ({"speed": [1, 2]}, "search.speed: nothing to choose for intent; there are"),
        ({"temperature": [0.1, 0.2]}, "search.temperature: nothing to choose for intent"),
        ({"seed": [1, 2]}, "search.seed: nothing to choose"),
        ({"rate": {"low": 1e-3}}, "search.rate: give a range, with low and high, or a list"),
        ({"rate": "fast"}, "search.rate: give a range"),
        ([1], "search: give a range"),
        ({"rate": {"low": 1e-3, "high": 1e-4}}, "low is to be below high"),
        ({"dropout": {"low": 0.0, "high": 0.3, "log": True}}, "above 0 with log"),
        ({"dropout": {"low": 0.0, "high": 1.5}}, "input should be less than or equal to 1"),
        ({"epochs": [2, 0]}, "input should be greater than 0"),
        ({"pooling": ["cls", "max"]}, "input should be 'cls' or 'mean'"),
        ({"pooling": {"low": 1, "high": 2}}, "input should be 'cls' or 'mean'"),
        ({"batch": []}, "no choices"),
        ({}, "nothing to choose"),
    ],
)
def test_a_fault_of_a_space_is_told_in_one_line(shared, tmp_path, space, fault, capsys):
    assert search(tmp_path / "study", shared, space) == 2
    error = capsys.readouterr().err
    assert fault in error and error.count("\n") == 1 and not (tmp_path / "study").exists()


def test_a_space_may_stand_in_toml_and_whole_numbers_stay_whole(shared, tmp_path):
    file = tmp_path / "mine.toml"
    options = "\n".join(f"{name} = {json.dumps(value)}" for name, value in shared.items())
    file.write_text(f"{options}\n[search]\nepochs = {{ low = 1, high = 2 }}\n")
    given = ["search", "intent", "--config", file, "--trials", 2, "--out", tmp_path / "study"]
    assert main(list(map(str, given))) == 0
    assert all(isinstance(t.params["epochs"], int) for t in trials_of(tmp_path / "study"))


def test_help_needs_no_heavy_library():
    code = (
        "import sys; from triton_models.__main__ import parser; parser().format_help();"
        "print([n for n in ('torch', 'optuna', 'scipy', 'matplotlib') if n in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
