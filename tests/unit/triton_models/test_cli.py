"""Commands: exit codes, and one line with the remedy for what the user got wrong."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from triton_models.__main__ import main
from triton_models.contract import sha256
from triton_models.options import EXAMPLES
from triton_models.serving.model_folder import publish
from triton_models.settings import STARTER, UsageError

ENCODER = str(STARTER / "encoder")


@pytest.mark.parametrize("command", EXAMPLES)
def test_help_ends_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert f"example: python -m triton_models {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["evaluate", "intent", "--model", "/nowhere"], "export the model"),
        (["evaluate", "intent", "--model", "file"], "export the model"),
        (["evaluate", "intent", "--model", ENCODER], "of kind encoder, not intent; give --model"),
        (["evaluate", "matching", "--model", ENCODER], "of kind encoder, not matching"),
        (["evaluate", "intent", "--dev", "/nowhere"], "No such file or directory); fix the path"),
        (["evaluate", "intent", "--dev", "."], "Is a directory); fix the path"),
        (["evaluate", "intent", "--dev", "file"], "no line in it; give --dev"),
        (["evaluate", "encoder", "--dev", "file"], "no line in it; give --dev"),
        (["evaluate", "encoder", "--out-of-scope", "x"], "--out-of-scope goes with intent"),
        (["evaluate", "intent", "--out-of-scope", "x"], "--out-of-scope goes with --report"),
        (["compare", "intent", "/nowhere", "file"], "export the model"),
        (["compare", "intent", "file", "file"], "no prediction in it; write the file by"),
        (["evaluate", "encoder", "--data", "."], "give --data"),
        (["evaluate", "intent", "--data", "."], "--data goes with --report"),
        (["repository", "--platform", "python", "--out", "file"], "choose another folder"),
        (["repository", "--platform", "python", "--out", "file/r"], "give --out another folder"),
        (["repository", "--platform", "python", "--plans", ".", "--out", "r"], "--plans goes with"),
        (["repository", "--platform", "tensorrt", "--out", "r"], "compile"),
        (["repository", "--platform", "python", "--models", "/nowhere", "--out", "r"], "point to"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments, remedy, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert remedy in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["finetune", "color"], "invalid choice: 'color'"),
        (["fly"], "invalid choice: 'fly'"),
        ([], "required: COMMAND"),
        (["finetune", "intent", "--epochs", "0"], "'0' is not a whole number above 0"),
        (["finetune", "intent", "--epochs", "many"], "'many' is not a whole number"),
        (["export", "x", "--name", "../x"], "'../x': give letters, digits, underscores"),
    ],
)
def test_unknown_arguments_are_told_in_one_line_and_exit_2(arguments, told, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is here")
def test_training_without_torch_names_the_command_that_adds_it(capsys):
    assert main(["finetune", "intent", "--queries", "mine.csv"]) == 2
    assert "make install-training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "line", "told"),
    [
        ("intent", b'{"query": 1', "not JSON"),
        ("intent", b"[" * 100_000, "not JSON"),
        ("intent", b"[1]", "not a JSON object; write one object a line"),
        ("intent", b'{"intent": "browse"}', "query: found nothing, expected text"),
        ("intent", b'{"query": 5, "intent": "browse"}', "query: found 5, expected text"),
        ("intent", b'{"query": "a", "intent": "fly"}', "expected one of purchase, browse, inquiry"),
        ("intent", b'{"query": "a", "intent": ["browse"]}', "expected one of purchase, browse"),
        ("matching", b'{"query": "a", "match": 1}', "term: found nothing, expected text"),
        (
            "matching",
            b'{"query": "a", "term": "b", "match": "x"}',
            "grade: found 'x', expected 0 to 1",
        ),
    ],
)
def test_a_fault_in_a_dev_file_is_named_by_line(capsys, tmp_path, kind, line, told):
    path = tmp_path / "mine.jsonl"
    path.write_bytes(b'\n{"query": "a", "intent": "browse", "term": "b", "match": 1}\n' + line)
    assert main(["evaluate", kind, "--dev", str(path)]) == 2
    error = capsys.readouterr().err
    assert f"{path}:3: " in error and told in error
    assert error.count("\n") == 1


def test_your_own_queries_need_no_style(capsys, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"query": "red shoes", "intent": "browse"}\n')
    assert main(["evaluate", "intent", "--dev", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["queries"], report["accuracy"], report["styles"]) == (1, 1.0, {})


@pytest.fixture
def unreadable(tmp_path):
    """A model folder whose contract fits, and whose model is none."""
    folder = tmp_path / "encoder"
    shutil.copytree(STARTER / "encoder", folder)
    (folder / "model.onnx").write_bytes(b"no model")
    description = json.loads((folder / "model.json").read_text())
    description["onnx_sha256"] = sha256(folder / "model.onnx")
    (folder / "model.json").write_text(json.dumps(description))
    return folder


def test_a_model_that_cannot_be_run_is_told_in_one_line(capsys, unreadable):
    assert main(["evaluate", "encoder", "--model", str(unreadable), "--dev", "any.jsonl"]) == 2
    error = capsys.readouterr().err
    assert "cannot be used" in error and "export the model again" in error
    assert error.count("\n") == 1


def test_export_does_not_replace_what_is_not_a_model_folder(capsys, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "thesis.txt"):
        assert main(["export", "runs", "--kind", "intent", "--out", str(out)]) == 2
        assert "exists and is not a model folder" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"kind": "intent"}', "holds a model of intent, not of tagging; give --out another"),
        ('{"layers": []}', "exists and is not a model folder"),
        ("[1]", "exists and is not a model folder"),
        ("no JSON", "exists and is not a model folder"),
    ],
)
def test_export_replaces_no_model_of_another_kind_nor_of_other_tools(text, told, capsys, tmp_path):
    (tmp_path / "model.json").write_text(text)
    arguments = ["export", "runs", "--kind", "tagging", "--out", str(tmp_path)]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert (tmp_path / "model.json").read_text() == text


def test_a_finished_export_does_not_replace_what_came_meanwhile(tmp_path):
    folder, out = tmp_path / "scratch" / "model", tmp_path / "intent"
    for place, kind in ((folder, "tagging"), (out, "intent")):
        place.mkdir(parents=True)
        (place / "model.json").write_text(json.dumps({"kind": kind}))
    with pytest.raises(UsageError, match="holds a model of intent"):
        publish(folder, out, "tagging")
    publish(folder, tmp_path / "tagging", "tagging")
    assert json.loads((out / "model.json").read_text()) == {"kind": "intent"}


def test_a_repository_names_its_models_and_leaves_out_none(capsys, tmp_path):
    models = tmp_path / "models"
    shutil.copytree(STARTER / "encoder", models / "encoder")
    shutil.copytree(STARTER / "matching", models / "matching")
    given = ["--models", str(models), "--platform", "onnxruntime", "--out", str(tmp_path / "r")]
    assert main(["repository", *given]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith("model repository for onnxruntime: encoder, matching")
    (models / "matching" / "model.json").unlink()
    assert main(["repository", *given]) == 2
    error = capsys.readouterr().err
    assert f"{models / 'matching' / 'model.json'}: not found; export the model" in error


def test_evaluate_prints_figures_as_json(capsys):
    assert main(["evaluate", "matching", "--json"]) == 0
    assert '"average_precision"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mine.csv", "text,category\nred running shoes,browse\nwhere is my refund,complaint\n"),
        ("mine.tsv", "query\tintent\nred running shoes\tbrowse\nwhere is my refund\tcomplaint\n"),
        ("mine.jsonl", '{"text": "red running shoes", "label": "browse"}\n'
                       '{"text": "where is my refund", "label": "complaint"}\n'),
        ("mine.json", '[["red running shoes", "browse"], ["where is my refund", "complaint"]]'),
    ],
)  # fmt: skip
def test_evaluate_and_compare_read_what_finetune_reads(name, text, tmp_path, capsys):
    (tmp_path / name).write_text(text)
    dev = ["--dev", str(tmp_path / name), "--json"]
    assert main(["evaluate", "intent", *dev]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 1.0
    model = str(STARTER / "intent")
    assert main(["compare", "intent", model, model, *dev]) == 0
    assert json.loads(capsys.readouterr().out)["mcnemar"]["both_right"] == 2


def test_judged_pairs_are_read_alike_by_matching_and_encoder(tmp_path, capsys):
    path = tmp_path / "judged.csv"
    path.write_text("query,title,grade\nsofa,couch,1\nsofa,drill,0\ntelly,television,0.7\n")
    assert main(["evaluate", "matching", "--dev", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 3
    assert main(["evaluate", "encoder", "--dev", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["queries"], found["recall@1"]) == (2, 1.0)
