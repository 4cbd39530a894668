"""`finetune --config`: what a run.json says is taken again, and the command line goes before it."""

import json

import pytest

from triton_models.__main__ import main, parser
from triton_models.combination import options as combine_options
from triton_models.kinds import KINDS
from triton_models.training import (
    configuration,
    finetune_config,
    finetune_options,
    pretrain_options,
    run_card,
)

GIVEN = {
    "intent": "--queries a.csv b.csv --epochs 3 --smoothing 0 --balance weights --how frozen",
    "encoder": "--pairs a.csv --sizes 192,96 --keep 0.5 --no-dev --misspelled 0.2",
    "matching": "--manifest m.toml --dropout 0 --clip 0 --metric ndcg@10",
    "tagging": "--queries a.jsonl --dev d.jsonl --rate 1e-4 --seed 0",
}


def settled(*words):
    return finetune_config.configured(parser().parse_args(["finetune", *map(str, words)]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_can_be_given_back(kind, tmp_path):
    args = settled(kind, *GIVEN[kind].split(), "--out", "runs/first")
    finetune_options.check(args)
    notes = {"kind": kind, "command": "python …", "options": finetune_config.told(args)}
    place = tmp_path / "run.json"
    place.write_text(json.dumps(notes))
    again = settled(kind, "--config", place, "--out", "runs/first")
    assert vars(again) == vars(args)
    finetune_options.check(again)
    assert settled(kind, "--config", place).out != args.out  # each run has its own


def test_the_command_line_goes_before_the_file_even_with_a_default(tmp_path):
    place = tmp_path / "mine.json"
    place.write_text('{"queries": ["a.csv"], "misspelled": 0.8, "epochs": 9}')
    args = settled("intent", "--config", place, "--misspelled", 0.0, "--seed", 3)
    assert (args.queries, args.misspelled, args.epochs, args.seed) == (["a.csv"], 0.0, 9, 3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"options": {"epochs": 0}}', "epochs: input should be greater than 0"),
        ('{"options": {"misspelled": 2}}', "misspelled: input should be less than or equal to 1"),
        ('{"options": {"how": "fully"}}', "how: input should be 'frozen'"),
        ('{"speed": 3}', "speed: no such option"),
        ('{"kind": "encoder", "options": {}}', "of a run of encoder, not of intent"),
        ('{"command": "python -m triton_models combine"}', "no options in it"),
        ("[]", "no options in it"),
        ('{"options": [1]}', "no options in it"),
        ('{"rate": 1e999}', "rate: input should be a finite number"),
        ("no JSON", "cannot be read"),
    ],
)
def test_a_file_that_is_no_configuration_is_told_in_one_line(text, told, tmp_path, capsys):
    place = tmp_path / "run.json"
    place.write_text(text)
    assert main(["finetune", "intent", "--config", str(place)]) == 2
    error = capsys.readouterr().err
    assert told in error and str(place) in error and error.count("\n") == 1


def test_a_configuration_may_begin_with_a_byte_order_mark(tmp_path):
    for name, text in (("mine.json", '{"epochs": 3}'), ("mine.toml", "epochs = 3\r\n")):
        place = tmp_path / name
        place.write_text("\ufeff" + text)
        args = parser().parse_args(["finetune", "intent", "--config", str(place)])
        assert finetune_config.configured(args).epochs == 3


COMMANDS = {
    "pretrain": "minilm --text a.txt b.txt --epochs 2 --rate 3e-5",
    "combine average": "runs/a runs/b --queries dev.csv",
    "combine stack": "runs/a runs/b --queries dev.csv",
    "combine distil": "--teachers runs/a --layers 0,2,4 --pieces 900 --queries a.csv --text b.txt",
    "combine prune": "runs/a --layers 0,2",
    "combine table": "runs/a runs/b --queries dev.csv",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_other_commands_take_back_what_they_were(command, tmp_path):
    table = pretrain_options.TABLE
    if " " in command:
        table = combine_options.STEPS[command.split()[1]].table
    out = () if command == "combine table" else ("--out", "x")

    def settled(*words):
        args = parser().parse_args([*command.split(), *map(str, words), *out])
        args = configuration.configured(args, table, command)
        configuration.required(args, table)
        return args

    args = settled(*COMMANDS[command].split())
    place = tmp_path / "run.json"
    told = configuration.told(args, table)
    place.write_text(
        json.dumps({"command": f"python -m triton_models {command} …", "options": told})
    )
    assert vars(settled("--config", place)) == vars(args)
    if "--epochs" in table:
        assert settled("--config", place, "--epochs", 7).epochs == 7


@pytest.mark.parametrize("command", ["pretrain", "combine average"])
def test_what_is_missing_is_named_and_so_is_a_file_of_another_command(command, tmp_path, capsys):
    assert main(command.split()) == 2
    error = capsys.readouterr().err
    assert "--out" in error and "here or in --config" in error and error.count("\n") == 1
    place = tmp_path / "run.json"
    made = "python -m triton_models finetune intent --queries a.csv"
    place.write_text(json.dumps({"command": made, "options": {"queries": ["a.csv"]}}))
    assert main([*command.split(), "--config", str(place)]) == 2
    assert f"not of {command}" in capsys.readouterr().err


def test_a_configuration_may_be_toml_and_hold_a_search_space(tmp_path):
    place = tmp_path / "mine.toml"
    place.write_text('queries = ["a.csv"]\nepochs = 9\n[search]\npooling = ["cls", "mean"]\n')
    args = settled("intent", "--config", place)
    assert (args.queries, args.epochs, args.pooling) == (["a.csv"], 9, "cls")


def test_help_shows_groups_defaults_and_units(capsys):
    with pytest.raises(SystemExit):
        main(["finetune", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for part in ("schedule:", "of encoder alone:", "--warm-up 0-1", "(default: 0.1)", "--epochs N"):
        assert part in shown
    assert all(field.description for field in finetune_config.model().model_fields.values())


def test_the_card_takes_in_what_was_written_by_hand(tmp_path):
    run = {
        "kind": "intent", "command": "…", "start": "minilm", "seconds": 3, "torch": "2",
        "transformers": "5", "data": {"manifest": str(tmp_path / "manifest.toml")},
        "result": {"dev": {"accuracy": 0.9}},
    }  # fmt: skip
    assert "By hand" not in run_card.card(run, {})
    (tmp_path / "notes.md").write_text("## By hand\n\nEnglish only.\n")
    card = run_card.card(run, {"dev": {"accuracy": 0.89}})
    assert card.index("English only.") < card.index("## Limits")
    assert "| accuracy | 0.9000 | 0.8900 |" in card and "| as exported |" in card
