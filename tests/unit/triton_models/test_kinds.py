"""A kind of a package of one's own, `tests/urgency`: what the commands do with it, by its parts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models.kinds import GROUP, KINDS
from triton_models.kinds.kind import Kind, nothing
from triton_models.settings import UsageError

ROOT = Path(__file__).parents[3]
PROGRAM = """
import contextlib, io, json, sys
from triton_models.__main__ import main

def run(argv):
    out, err = io.StringIO(), io.StringIO()
    out.buffer = io.BytesIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(argv)
        except SystemExit as end:
            code = end.code
    return code, out.buffer.getvalue().decode() + out.getvalue(), err.getvalue()

print(json.dumps([run(argv) for argv in json.load(sys.stdin)]))
"""


def install(folder: Path, name: str) -> Path:
    """The folder, on Python's path of which a package with the kind is installed."""
    about = folder / "mine-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nmine = {name}\n")
    return folder


def python(path: Path, program: str, text: str = "") -> subprocess.CompletedProcess:
    paths = os.pathsep.join(map(str, (ROOT, path)))
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, input=text, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("urgency")
    run = toy.write(folder / "run")
    (run / "urgency.txt").write_text("urgency\n")  # by which its `network` knows its own
    (folder / "asked.txt").write_text("where is my parcel\nred shoes\n")
    rows = [{"query": "where is my parcel", "urgency": 1}, {"query": "red shoes", "urgency": 0}]
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture(scope="module")
def told(folder):
    """By its first words what each command returned and printed, with the kind installed."""
    model, out = folder / "models" / "urgency", folder / "out"
    commands = [
        ("export", folder / "run", "--kind", "urgency", "--out", model),
        ("predict", "urgency", folder / "asked.txt", "--model", model),
        ("evaluate", "urgency", "--model", model, "--dev", folder / "dev.jsonl", "--json"),
        ("repository", "--platform=onnxruntime", f"--models={folder / 'models'}", f"--out={out}"),
        (
            "evaluate",
            "--model",
            model,
            "urgency",
            "--dev",
            folder / "dev.jsonl",
            "--report",
            folder / "report",
        ),
        ("compare", "urgency", model, model),
        ("finetune", "urgency"),
        ("disagree", folder / "asked.txt", "--models", model, model),
        ("combine", "distil", "--teachers", folder / "run", "--text", folder / "asked.txt")
        + ("--out", folder / "small"),
        ("combine", "stack", folder / "run", folder / "run", "--queries", folder / "dev.jsonl")
        + ("--out", folder / "stack.json"),
    ]
    argvs = [list(map(str, words)) for words in commands]
    done = python(install(folder / "site", "tests.urgency"), PROGRAM, json.dumps(argvs))
    assert done.returncode == 0, done.stderr
    names = [" ".join(argv[:2]) for argv in argvs]
    return dict(zip(names, json.loads(done.stdout), strict=True))


def test_it_is_exported_and_held_against_its_network(folder, told):
    code, printed, error = told[f"export {folder / 'run'}"]
    assert code == 0, error
    assert "; equal halves " in printed
    contract = json.loads((folder / "models" / "urgency" / "model.json").read_text())
    assert (contract["kind"], contract["output"]) == ("urgency", "urgency")


def test_it_is_asked_and_judged(told):
    code, printed, error = told["predict urgency"]
    assert code == 0, error
    said = [json.loads(line) for line in printed.splitlines()]
    assert [one["query"] for one in said] == ["where is my parcel", "red shoes"]
    code, printed, error = told["evaluate urgency"]
    assert code == 0, error
    wanted = (1 - said[0]["urgency"] + said[1]["urgency"]) / 2
    assert json.loads(printed) == {"queries": 2, "error": pytest.approx(wanted, abs=0.01)}


def test_the_repository_serves_it(folder, told):
    code, _, error = told["repository --platform=onnxruntime"]
    assert code == 0, error
    text = (folder / "out" / "urgency" / "config.pbtxt").read_text()
    assert 'output [ { name: "urgency" data_type: TYPE_FP32 dims: [ 1 ] } ]' in text


def test_what_it_has_no_part_for_is_refused_by_name(told):
    for name, fault in (
        (
            "evaluate --model",
            "models of kind urgency cannot do this: there is no tests.urgency.rep",
        ),
        ("compare urgency", "invalid choice: 'urgency'"),
        ("finetune urgency", "invalid choice: 'urgency'"),
        ("combine distil", "models of kind urgency cannot do this: there is no tests.urgency.dist"),
        ("combine stack", "a run of urgency, no classifier; give runs of intent"),
    ):
        code, _, error = told[name]
        assert code == 2 and fault in error, (name, error)
    ((code, _, error),) = [said for name, said in told.items() if name.startswith("disagree")]
    assert code == 2 and "of kind urgency, which gives a query no probabilities" in error


def test_a_kind_that_is_called_like_one_of_ours_is_refused(tmp_path):
    place = install(tmp_path, "strange.intent")
    (tmp_path / "strange" / "intent").mkdir(parents=True)
    (tmp_path / "strange" / "intent" / "__init__.py").write_text(
        "from triton_models.kinds.kind import IDS, Kind, nothing\n"
        "KIND = Kind(__name__, inputs=IDS, output='x', own=nothing)\n"
    )
    done = python(place, "import triton_models.kinds")
    assert done.returncode == 1
    assert "strange.intent: triton_models.kinds.intent is called so" in done.stderr


def test_only_a_part_that_is_not_there_is_missing(monkeypatch):
    assert not KINDS["encoder"].has("labels") and KINDS["intent"].has("labels")
    with pytest.raises(UsageError, match="there is no triton_models.kinds.encoder.labels"):
        KINDS["encoder"].part("labels")
    monkeypatch.delitem(sys.modules, "tests.urgency.answers", raising=False)
    monkeypatch.setitem(sys.modules, "triton_models.kinds.values", None)
    with pytest.raises(ModuleNotFoundError, match="values"):  # a library that it needs
        Kind("tests.urgency", (), "", nothing).part("answers")
