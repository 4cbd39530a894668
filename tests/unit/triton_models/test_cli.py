"""Commands: exit codes, and one line with the remedy for what the user got wrong."""

import importlib.util

import pytest

from triton_models.__main__ import EXAMPLES, main


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
        (["evaluate", "intent", "--dev", "/nowhere"], "give --dev"),
        (["repository", "--platform", "tensorrt", "--out", "r"], "compile"),
        (["repository", "--platform", "python", "--models", "/nowhere", "--out", "r"], "point to"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments, remedy, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert remedy in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [["train", "color"], ["fly"], [], ["train", "intent"]])
def test_unknown_arguments_exit_2(arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is here")
def test_training_without_torch_names_the_command_that_adds_it(capsys, tmp_path):
    assert main(["train", "intent", "--data", str(tmp_path)]) == 2
    assert "make install-training" in capsys.readouterr().err


def test_a_fault_in_a_dev_file_is_named_by_line(capsys, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"query": "shoes", "intent": "browse", "style": "keywords"}\n{"query": 1\n')
    assert main(["evaluate", "intent", "--dev", str(path)]) == 2
    assert f"{path}:2:" in capsys.readouterr().err


def test_evaluate_prints_figures_as_json(capsys):
    assert main(["evaluate", "matching", "--json"]) == 0
    assert '"average_precision"' in capsys.readouterr().out
