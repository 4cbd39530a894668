"""One run at a time trains into a folder; what is stopped goes on, what is finished stays."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from tests.unit.triton_models.finetuning import finetune, rows
from triton_models.kinds.intent import classify
from triton_models.settings import PACKAGE
from triton_models.training import finetune as training
from triton_models.training import folder, networks
from triton_models.training.loop import RESUME


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"), layers=1)


def test_a_run_that_is_stopped_behind_its_last_epoch_loses_nothing(
    start, tmp_path, monkeypatch, capsys
):
    queries, out = rows(tmp_path / "mine.jsonl", ["red", "blue"], 30), tmp_path / "run"
    given = ("--queries", queries, "--start", start, "--out", out, "--epochs", 2)
    calls = []

    def stopped(*_):
        calls.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(networks, "save", stopped)
    assert finetune(*given) == 130 and calls
    assert "interrupted; the same command goes on where it was" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(classify.Loss, "__call__", stopped)  # nothing is trained again
    assert finetune(*given) == 0
    assert len(json.loads((out / "run.json").read_text())["result"]["losses"]) == 2
    assert not (out / RESUME).exists() and not (out / folder.LOCK).exists()


def test_a_run_that_is_stopped_in_its_first_epoch_begins_again(
    start, tmp_path, monkeypatch, capsys
):
    queries, out = rows(tmp_path / "mine.jsonl", ["red", "blue"], 30), tmp_path / "run"
    given = ("--queries", queries, "--start", start, "--out", out, "--epochs", 1)

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(classify.Loss, "__call__", stopped)
    for more in ((), ("--seeds", 2)):
        assert finetune(*given, *more) == 130
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "interrupted before anything was kept; the same command begins again" in told
    shutil.rmtree(out / "seeds")
    monkeypatch.undo()
    assert finetune(*given) == 0


def test_one_process_at_a_time_trains_into_a_folder(start, tmp_path, capsys):
    queries, out = rows(tmp_path / "mine.jsonl", ["red", "blue"], 30), tmp_path / "run"
    given = ("--queries", queries, "--start", start, "--out", out, "--epochs", 1)
    other = f"""
import sys
from pathlib import Path
from triton_models.training.folder import alone
with alone(Path({str(out)!r})):
    print("at it", flush=True)
    sys.stdin.read()
"""
    given_to = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": PACKAGE.parent}
    with subprocess.Popen([sys.executable, "-c", other], text=True, **given_to) as process:
        assert process.stdout.readline() == "at it\n"
        for more in ((), ("--seeds", 2)):
            assert finetune(*given, *more) == 2
            told = capsys.readouterr().err
            assert f"another process trains into {out}; wait for it, or give another --out" in told
        process.kill()  # as a crash ends it: the system lets go of the lock
    assert finetune(*given) == 0


def test_a_run_that_ended_meanwhile_is_not_overwritten(start, tmp_path, monkeypatch, capsys):
    queries, out = rows(tmp_path / "mine.jsonl", ["red", "blue"], 30), tmp_path / "run"
    given = ("--queries", queries, "--start", start, "--out", out, "--epochs", 1)
    prepared = training.prepared

    def slow(args):
        job = prepared(args)
        out.mkdir()
        (out / "run.json").write_text("{}")  # what the other process leaves
        return job

    monkeypatch.setattr(training, "prepared", slow)
    assert finetune(*given) == 2
    assert "holds a finished run" in capsys.readouterr().err
    assert (out / "run.json").read_text() == "{}"


def test_a_finished_run_is_not_overwritten(start, tmp_path, capsys):
    queries, out = rows(tmp_path / "mine.jsonl", ["red", "blue"], 30), tmp_path / "run"
    given = ("--queries", queries, "--start", start, "--out", out, "--epochs", 1)
    assert finetune(*given) == 0
    before = (out / "model.safetensors").read_bytes()
    capsys.readouterr()
    assert finetune(*given, "--seed", 5) == 2
    assert "holds a finished run; give --out another folder" in capsys.readouterr().err
    assert (out / "model.safetensors").read_bytes() == before
