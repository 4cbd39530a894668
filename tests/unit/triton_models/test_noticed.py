"""What is left out of a training, and labels that contradict, are said in a line and recorded."""

import json

import pytest

from tests.skips import skip_or_fail

try:
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models.__main__ import main
from triton_models.data import noticed
from triton_models.data.noticed import Noticed
from triton_models.kinds.intent import training as intent
from triton_models.kinds.tagging import training as tagging
from triton_models.settings import UsageError
from triton_models.training import finetune, judged
from triton_models.training.finetune_config import configured


def options(kind, *given):
    from triton_models.__main__ import parser

    return configured(parser().parse_args(["finetune", kind, *map(str, given)]))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Noticed(), ""),
        (Noticed(1, 0, 1), "; 1 left out: 1 is in dev too; 1 query has more than one label"),
        (Noticed(40, 2), "; 42 left out: 40 are in dev too, 2 come twice"),
        (Noticed(0, 1, 60), "; 1 left out: 1 comes twice; 60 queries have more than one label"),
    ],
)
def test_only_what_is_there_is_told(found, told):
    assert found.told().removesuffix(": see `data`") == told


TRAIN = [f"{label} query {i},{label}" for label in ("buy", "look") for i in "abcdef"]


@pytest.fixture
def files(tmp_path):
    dev = ["Query a!,buy", "another,look"]  # the first is in training, but for case and signs
    rows = [*TRAIN, "query a,buy", "buy query b,look", "buy query c,buy"]
    (tmp_path / "train.csv").write_text("query,intent\n" + "\n".join(rows) + "\n")
    (tmp_path / "dev.csv").write_text("query,intent\n" + "\n".join(dev) + "\n")
    return tmp_path / "train.csv", tmp_path / "dev.csv"


def test_a_run_says_what_was_left_out_and_records_it(files, tmp_path, capsys):
    train, dev = files
    out = tmp_path / "run"
    given = ["--queries", train, "--dev", dev, "--start", toy.write(tmp_path / "toy", layers=1)]
    given += ["--epochs", 1, "--threads", 1, "--out", out]
    assert main(["finetune", "intent", *map(str, given)]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("13 queries to learn from, 2 of dev, 2 labels; 2 left out: ")
    assert line.endswith(
        "1 is in dev too, 1 comes twice; 1 query has more than one label: see `data`"
    )
    data = json.loads((out / "run.json").read_text())["data"]
    assert data["left_out_in_dev"] == data["left_out_repeated"] == data["with_several_labels"] == 1


def test_a_manifest_counts_what_it_drops(files, write):
    parts = [
        f'[[source]]\nname = "{side}"\npath = "{side}.csv"\nformat = "queries"\nlicence = "own"\n'
        f'split = "{side}"\n'
        for side in ("train", "dev")
    ]
    path = write('leaks = "drop"', *parts)
    found = intent.gather(options("intent", "--manifest", path)).noticed
    assert (found.in_dev, found.repeated, found.conflicting) == (1, 1, 1)


def test_tagged_queries_and_pairs_are_counted_too(tmp_path):
    rows = [{"tokens": ["red", name], "tags": ["B-color", "O"]} for name in "abbc"]
    for name, some in (("train", rows), ("dev", rows[:1])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, some)))
    given = ("--queries", tmp_path / "train.jsonl", "--dev", tmp_path / "dev.jsonl")
    found = tagging.gather(options("tagging", *given)).noticed
    assert (found.in_dev, found.repeated) == (1, 1)
    (tmp_path / "t.csv").write_text("query,term,grade\na,x,1\na,y,0\nb,x,1\nb,x,1\nc,x,1\n")
    (tmp_path / "d.csv").write_text("query,term,grade\nA,z,1\n")
    given = ("--pairs", tmp_path / "t.csv", "--dev", tmp_path / "d.csv")
    found = judged.gather(options("matching", *given)).noticed
    assert (found.in_dev, found.repeated) == (2, 1)


def test_dev_rows_kept_of_tagged_queries_are_no_repetition(tmp_path):
    rows = [{"tokens": ["red", f"shoe{i}"], "tags": ["B-color", "B-product"]} for i in range(60)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = tagging.gather(options("tagging", "--queries", tmp_path / "t.jsonl"))
    assert found.dev and found.noticed == Noticed(told_of=tagging.TAGGED)


def test_contradictions_are_no_repetition_and_data_shows_them(tmp_path, capsys):
    pairs = tmp_path / "pairs.csv"
    rows = [f"q{i},x{i},{i % 2}" for i in range(60)]
    pairs.write_text("query,term,grade\n" + "\n".join(["Red,x,0", *rows, "Red,x,1"]) + "\n")
    found = judged.gather(options("matching", "--pairs", pairs))
    assert [p.grade for p in (*found.learned, *found.dev) if p.query == "Red"] == [0.0]
    told = "; 1 pair has more than one grade, of which the first counts: see `data`"
    assert found.noticed.told() == told
    ways = [["O", "O"], ["B-color", "O"], ["B-color", "O"]]
    tagged = [{"tokens": ["red", "shoe"], "tags": tags} for tags in ways]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, tagged)))
    given = options("tagging", "--queries", tmp_path / "t.jsonl", "--no-dev")
    told = "; 1 left out: 1 comes twice; 1 query has more than one tagging: see `data`"
    assert tagging.gather(given).noticed.told() == told
    for file, shown in ((pairs, "red / x"), (tmp_path / "t.jsonl", "red = color")):
        assert main(["data", str(file)]) == 0
        assert shown in capsys.readouterr().out


def test_a_run_without_dev_rows_says_that_nothing_is_judged(tmp_path):
    rows = ["sofa,couch,1", "sofa,saw,0", "tv,telly,1", "tv,pan,0"]
    (tmp_path / "p.csv").write_text("query,term,grade\n" + "\n".join(rows) + "\n")
    given = ["--pairs", tmp_path / "p.csv", "--start", toy.write(tmp_path / "toy", layers=1)]
    job = finetune.prepared(options("matching", *given))
    assert job.told().endswith(
        "\nNothing is of dev, so nothing is judged: give --dev, or more data."
    )
    assert "judged" not in finetune.prepared(options("matching", *given, "--no-dev")).told()


def test_a_table_of_tagged_queries_is_refused_for_what_it_lacks(tmp_path):
    (tmp_path / "t.csv").write_text("query,spans\nred shoes,0-3:color\n")
    with pytest.raises(UsageError, match="t.csv: a table has no lists; give JSON lines"):
        tagging.gather(options("tagging", "--queries", tmp_path / "t.csv"))


def test_labels_that_differ_in_case_alone_are_warned_of(tmp_path, capsys):
    rows = [f"{i} {label},{label}" for label in ("card", "CARD", "cash") for i in range(9)]
    path = tmp_path / "mine.csv"
    path.write_text("query,intent\n" + "\n".join(rows) + "\n")
    told = "CARD and card; map them to one by `labels` of a manifest."
    assert intent.gather(options("intent", "--queries", path)).noticed.warning.endswith(told)
    assert main(["data", str(path)]) == 0
    assert told in " ".join(capsys.readouterr().out.split())
    assert noticed.case(["card", "cash"]) == ""
    assert "and 2 more" in noticed.case([f(x) for x in "abcde" for f in (str.lower, str.upper)])
