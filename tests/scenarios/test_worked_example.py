"""The worked example of docs/models.md, command by command, on a toy BERT instead of MiniLM."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests import program
from tests.skips import skip_or_fail
from tests.stream import schema

try:
    import onnxscript  # noqa: F401
    import torch
    from safetensors.torch import load_file
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models.__main__ import main
from triton_models.kinds import KINDS
from triton_models.training.loop import Run
from worker.lexicon import build

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "models.md").read_text()
EXAMPLE = TEXT[TEXT.index("## Worked example") : TEXT.index("## Recipes")]
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", EXAMPLE, re.S) for line in block.splitlines()
]


def run(command: str, start: Path) -> str:
    """Run one command as written, from the folder we are in; returns what it printed."""
    command = re.sub(r"\bminilm\b", str(start), command)
    _, *words = shlex.split(re.sub(r"(?<![\w/])triton_models/", f"{ROOT}/triton_models/", command))
    if words[:2] == ["-m", "triton_models"]:
        assert main(words[2:]) == 0, command
        return ""
    if words[:2] == ["-m", "worker.lexicon.build"]:
        done = CliRunner().invoke(build.main, words[2:])
        assert done.exit_code == 0, done.output
        return done.output
    done = program.run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The folder in which the example was run, and what its last command printed."""
    folder, threads = tmp_path_factory.mktemp("shop"), torch.get_num_threads()
    start = toy.write(folder / "toy", layers=6)
    torch.set_num_threads(1)  # on so small a BERT two would mostly wait for each other
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        printed = [run(command, start) for command in COMMANDS]
    yield folder, printed[-1]
    torch.set_num_threads(threads)


def notes(folder: Path, name: str) -> dict:
    return json.loads((folder / "runs" / name / "run.json").read_text())


def test_it_is_all_of_the_kit():
    used = {shlex.split(command)[3] for command in COMMANDS if "-m triton_models" in command}
    steps = {"data", "pretrain", "finetune", "combine", "export", "evaluate", "compare"}
    assert used == steps | {"predict", "disagree", "explain", "repository"}
    for name in ("finetune", "export", "predict", "evaluate"):
        mine = [c for c in COMMANDS if f"triton_models {name} " in c]
        assert all(any(kind in command for command in mine) for kind in KINDS), name


def test_what_is_learned_is_learned(shop):
    folder, _ = shop
    adapted = notes(folder, "adapted")["result"]
    assert adapted["dev"]["perplexity"] < adapted["start"]["perplexity"]
    for name in ("intent", "encoder", "matching", "tagging", "small"):
        losses = notes(folder, name)["result"]["losses"]
        assert losses[-1] < losses[0], name


def test_the_reports_are_there(shop):
    folder, _ = shop
    for page in ("data.md", "table/table.md", "report/report.md"):
        assert "|" in (folder / page).read_text()
    assert (folder / "repository" / "matching" / "config.pbtxt").is_file()


@pytest.mark.parametrize(
    ("file", "key"),
    [("intents", "label"), ("vectors", "vector"), ("scores", "score"), ("spans", "spans")],
)
def test_every_line_is_answered(shop, file, key):
    rows = [json.loads(line) for line in (shop[0] / f"{file}.jsonl").read_text().splitlines()]
    assert len(rows) == (40 if file == "scores" else 8)
    assert all(key in row for row in rows)


def test_the_small_model_has_learned_the_tags_too(shop):
    folder, _ = shop
    small = notes(folder, "small")["result"]
    assert small["dev"]["tags_agreement"] > small["start"]["tags_agreement"]
    assert json.loads((folder / "models" / "intent" / "model.json").read_text())["tags"]


def test_the_worker_understands_queries_with_these_models(shop):
    _, printed = shop
    events = [json.loads(line) for line in printed.splitlines()]
    assert len(events) == 8
    for event in events:
        schema("output").validate(event)
        assert event["status"] == "complete"


def test_a_run_that_was_cut_off_ends_as_one_that_was_not(shop, monkeypatch):
    folder, _ = shop
    monkeypatch.chdir(folder)
    command = next(c for c in COMMANDS if "finetune intent" in c).replace("runs/intent", "runs/cut")
    whole = Run.epoch

    def cut(self, *given):
        if len(self.history.losses) == 2:
            raise KeyboardInterrupt
        return whole(self, *given)

    with monkeypatch.context() as cutting:
        cutting.setattr(Run, "epoch", cut)
        words = shlex.split(command.replace("triton_models/", f"{ROOT}/triton_models/"))
        assert main(words[3:]) == 130
    assert not (folder / "runs" / "cut" / "run.json").exists()
    run(command, folder / "toy")
    resumed, uninterrupted = (
        load_file(folder / "runs" / name / "model.safetensors") for name in ("cut", "intent")
    )
    assert resumed.keys() == uninterrupted.keys()
    assert all(resumed[name].equal(uninterrupted[name]) for name in resumed)
