"""`--columns` is one option of all commands that read labelled queries or pairs."""

import argparse
import json
import re

import pytest

from tests.skips import skip_or_fail

try:
    import cleanlab  # noqa: F401
    import onnxscript  # noqa: F401
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from tests.unit.triton_models.combining import TEXTS
from triton_models.__main__ import main, parser
from triton_models.data.sheet import COLUMNS, identity
from triton_models.settings import STARTER
from triton_models.training import configuration, finetune_options
from triton_models.training.finetune_options import name_of

TRAINED = "--start {toy} --epochs 1 --threads 1 --out {out}"
READING = (  # every command that reads labelled queries or pairs
    f"finetune intent --queries {{mine}} --columns {{two}} {TRAINED}",
    f"finetune intent --queries {{more}} --dev {{mine}} --columns {{two}} {TRAINED}",
    f"finetune matching --pairs {{pairs}} --columns {{three}} --no-dev {TRAINED}",
    f"finetune encoder --pairs {{pairs}} --columns {{three}} --no-dev {TRAINED}",
    f"search intent --queries {{mine}} --columns {{two}} --trials 1 {TRAINED}",
    f"learning-curve intent --queries {{mine}} --columns {{two}} --shares 0.4,0.7,1 {TRAINED}",
    "combine average {a} {b} --queries {mine} --columns {two} --out {out}",
    "combine stack {a} {b} --queries {mine} --columns {two} --out {out}",
    "combine table {a} --queries {mine} --columns {two}",
    "combine distil --teachers {a} --queries {more} --dev {mine} --columns {two} --epochs 1"
    " --threads 1 --out {out}",
    "combine distil --teachers {a} --text {log} --dev {mine} --columns {two} --epochs 1"
    " --threads 1 --out {out}",
    "data {mine} --columns {two}",
    "data {pairs} --columns {three}",
    "evaluate intent --dev {ours} --columns {two} --json",
    "evaluate matching --dev {pairs} --columns {three} --json",
    "evaluate encoder --dev {pairs} --columns {three} --json",
    "compare intent {intent} {intent} --dev {ours} --columns {two} --json",
    "compare matching {matching} {matching} --dev {pairs} --columns {three} --json",
    "compare encoder {encoder} {encoder} --dev {pairs} --columns {three} --json",
    "suspects intent --model {intent} --dev {ours} --columns {two} --out {out}.csv",
    "suspects matching --model {matching} --dev {pairs} --columns {three} --out {out}.csv",
    "select intent {log} --labelled {mine} --columns {two} --model {intent} --count 2"
    " --out {out}.csv",
    "predict matching {pairs} --columns {three} --model {matching} --out {out}.jsonl",
    "merge intent {sheet} --into {mine} --columns {two} --out {out}.csv",
)
NAMING = {"--queries", "--pairs", "--dev", "--labelled", "--into"}


@pytest.fixture(scope="module")
def files(tmp_path_factory, runs, log):
    """What the commands name, by its name."""
    folder = tmp_path_factory.mktemp("files")
    found = {"two": "q,topic", "three": "q,title,score", "a": runs[0], "b": runs[1], "log": log}
    found["toy"] = toy.write(folder / "toy")
    found |= {kind: STARTER / kind for kind in ("intent", "matching", "encoder")}
    tables = {
        "more": ("n,q,topic", [f"0,{text} now,{label}" for text, label in TEXTS]),
        "mine": ("n,q,topic", [f"0,{text},{label}" for text, label in TEXTS]),
        "ours": ("n,q,topic", ["0,buy it now,purchase", "1,red shoes,browse"] * 4),
        "pairs": ("n,q,title,score", ["0,sofa,Couch,1", "1,sofa,Saw,0", "2,tv,Television,1"]),
        "sheet": (",".join(COLUMNS), [sheet_row("buy a red kettle", "buy", "ask")]),
    }
    for name, (heading, rows) in tables.items():
        found[name] = folder / f"{name}.csv"
        found[name].write_text("\n".join([heading, *rows]) + "\n")
    return found


def sheet_row(text, given, label):
    row = {"id": identity(text, ""), "text": text, "given": given, "label": label}
    return ",".join(row.get(name, "") for name in COLUMNS)


@pytest.mark.parametrize("command", READING)
def test_a_command_reads_them_by_the_names_that_are_given(command, files, tmp_path, capsys):
    def run(how, line):
        return main(line.format(**files, out=tmp_path / how).split())

    assert run("named", command) == 0, capsys.readouterr().err
    unnamed = re.sub("--columns {\\w+} ?", "", command)
    assert run("unnamed", unnamed) == 2
    error = capsys.readouterr().err
    assert "--columns" in error
    assert run("few", re.sub("--columns {\\w+}", "--columns q", command)) == 2
    assert "--columns q: name " in capsys.readouterr().err


def commands(above, name=""):
    """Every command line's parser, by its words."""
    found = [a for a in above._actions if isinstance(a, argparse._SubParsersAction)]
    if not found:
        return {name: above}
    below = found[0].choices.items()
    return {k: v for word, one in below for k, v in commands(one, f"{name} {word}".strip()).items()}


def test_every_command_that_reads_labels_has_the_option_and_is_tested():
    tested = [command.split() for command in READING]
    for name, one in commands(parser()).items():
        flags = {flag for action in one._actions for flag in action.option_strings}
        if flags & NAMING or "--columns" in flags:
            assert "--columns" in flags, name
            assert any(command[: len(name.split())] == name.split() for command in tested), name


def test_tagged_queries_have_fields_of_their_own(tmp_path, capsys):
    place = tmp_path / "tagged.jsonl"
    place.write_text(json.dumps({"tokens": ["a"], "tags": ["B-x"]}) + "\n")
    given = ["tagging", "--dev", str(place), "--columns", "q,topic"]
    assert main(["evaluate", *given, "--model", str(STARTER / "intent")]) == 2
    assert "have their own fields; leave it out" in capsys.readouterr().err
    assert main(["finetune", "tagging", "--queries", str(place), "--columns", "q,topic"]) == 2
    assert "--columns goes with" in capsys.readouterr().err


def test_a_manifest_and_a_dev_set_of_ours_name_their_own(tmp_path, capsys):
    manifest = str(tmp_path / "manifest.toml")
    for command in (f"data {manifest}", f"finetune intent --manifest {manifest}"):
        assert main([*command.split(), "--columns", "q,topic"]) == 2
        assert "a manifest names its own columns" in capsys.readouterr().err
    assert main(["evaluate", "intent", "--columns", "q,topic"]) == 2
    assert "--columns goes with --dev" in capsys.readouterr().err


@pytest.mark.parametrize("told", ["q,topic", ["q", "topic"]])
def test_a_configuration_names_them_as_the_command_line_or_as_a_list(told, tmp_path):
    place = tmp_path / "run.json"
    place.write_text(json.dumps({"queries": ["a.csv"], "columns": told}))
    found = configuration.read(place, finetune_options.OPTIONS, "finetune intent", "intent")
    assert found[name_of("--columns")] == ("q", "topic")
