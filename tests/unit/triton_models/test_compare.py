"""Two sides on the same rows: model folders and prediction files."""

import io
import json
import re
import shutil

import pytest
from rich.console import Console

from triton_models.__main__ import main
from triton_models.evaluation import answers, compare
from triton_models.settings import STARTER, UsageError

QUERIES = [f"query {i}" for i in range(40)]


def write(path, rows) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def told(query: str, label: str, sure: float = 0.9) -> dict:
    scores = {"browse": 1 - sure, "inquiry": 1 - sure} | {label: sure}
    return {"query": query, "label": label, "confidence": sure, "scores": scores}


@pytest.fixture
def sides(tmp_path):
    """Dev rows that all want `browse`; A has 20 of 40 right, B these and 12 more, less 1."""
    dev = write(tmp_path / "dev.jsonl", ({"query": q, "intent": "browse"} for q in QUERIES))
    right_a, right_b = set(range(20)), set(range(1, 32))
    a, b = (
        write(
            tmp_path / f"{name}.jsonl",
            (told(q, "browse" if i in right else "inquiry") for i, q in enumerate(QUERIES)),
        )
        for name, right in (("a", right_a), ("b", right_b))
    )
    return a, b, dev


def test_the_rows_that_only_one_has_right_are_counted_and_tested(sides, capsys):
    a, b, dev = sides
    assert main(["compare", "intent", a, b, "--dev", dev, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    m = found["mcnemar"]
    assert (m["both_right"], m["only_a"], m["only_b"], m["both_wrong"]) == (19, 1, 12, 8)
    assert m["p"] == pytest.approx(2 * (1 + 13) / 2**13)
    accuracy = found["figures"]["accuracy"]["difference"]
    assert accuracy["value"] == pytest.approx(11 / 40)
    assert 0 < accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert found["only_a"] == [
        {"query": "query 0", "wanted": "browse", "a": "browse 0.90", "b": "inquiry 0.90"}
    ]
    assert found["agreement"]["same"] == 27 / 40  # both right 19, both wrong 8
    assert found["agreement"]["largest_difference"] == pytest.approx(0.8)
    assert found["figures"]["auc_roc"]["a"]["value"] is None  # one label only is wanted


def test_the_terminal_says_which_is_better(sides, capsys):
    a, b, dev = sides
    assert main(["compare", "intent", a, b, "--dev", dev]) == 0
    out = capsys.readouterr().out
    assert "only A 1, only B 12" in out
    assert "b.jsonl (B) is right more often" in out
    assert main(["compare", "intent", a, a, "--dev", dev]) == 0
    out = capsys.readouterr().out
    assert "do not tell the two apart" in out
    assert "The same label on 100.0% of the rows; largest difference of a probability 0.000" in out


@pytest.fixture
def vectors(tmp_path):
    """Judged queries, each with a text of its own; A ranks none of them first, B all but one."""
    asked = [(f"query {i}", f"text {i}") for i in range(12)]
    dev = write(tmp_path / "dev.jsonl", ({"query": q, "relevant": [t]} for q, t in asked))
    lines = {"a": [], "b": []}
    for i, (query, text) in enumerate(asked):
        for name, right in (("a", (i + 1) % 12), ("b", i if i else 5)):
            at = [0.0] * 12
            at[right] = 1.0
            own = [float(j == i) for j in range(12)]
            lines[name] += [{"query": query, "vector": at}, {"query": text, "vector": own}]
    return [write(tmp_path / f"{name}.jsonl", rows) for name, rows in lines.items()], dev


def test_rankings_are_compared_query_by_query(vectors, tmp_path, capsys):
    (a, b), dev = vectors
    report = tmp_path / "report"
    given = ["compare", "encoder", a, b, "--dev", dev]
    assert main([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["figures"]["recall@1"]["difference"]["value"] == pytest.approx(11 / 12)
    test = found["randomisation"]
    assert (test["only_a"], test["only_b"]) == (0, 11) and 0 < test["p"] < 0.01
    assert test["difference"] == pytest.approx(found["figures"]["ndcg@10"]["difference"]["value"])
    assert found["only_b"][0]["b"] == f"rank 1, first {found['only_b'][0]['wanted']}"
    pytest.importorskip("matplotlib")
    assert main([*given, "--report", str(report)]) == 0
    assert "b.jsonl (B) ranks better; chance alone" in capsys.readouterr().out
    assert "randomisation test on NDCG@10, p = " in (report / "report.md").read_text()


def test_an_encoder_and_its_own_predictions_rank_alike(tmp_path, capsys):
    rows = [{"query": "couch", "relevant": ["sofa"]}, {"query": "telly", "relevant": ["tv"]}]
    dev = write(tmp_path / "dev.jsonl", rows)
    texts = tmp_path / "texts.txt"
    texts.write_text("couch\ntelly\nsofa\ntv\n")
    folder, predicted = str(STARTER / "encoder"), str(tmp_path / "predicted.jsonl")
    assert main(["predict", "encoder", str(texts), "--out", predicted]) == 0
    assert main(["compare", "encoder", folder, predicted, "--dev", dev, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["randomisation"]["equal"] == 2 and found["randomisation"]["p"] == 1.0
    assert main(["compare", "encoder", folder, folder, "--dev", dev]) == 0
    assert "do not tell the two apart" in capsys.readouterr().out


@pytest.mark.parametrize(
    "given",
    [
        ["compare", "encoder", "{m}", "{m}"],
        ["evaluate", "encoder", "--model", "{m}"],
        ["evaluate", "encoder", "--model", "{m}", "--data", ".", "--report", "{out}"],
    ],
)
def test_an_encoder_is_not_judged_on_what_it_learned_from(given, tmp_path, capsys):
    words = {"m": STARTER / "encoder", "out": tmp_path / "report"}
    assert main([word.format(**words) for word in given]) == 2
    assert "no dev set of ours for encoder: give --dev" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["intent", "matching"])
def test_a_model_and_its_own_predictions_are_right_on_the_same_rows(kind, tmp_path, capsys):
    rows = {
        "intent": [
            {"query": "red shoes", "intent": "browse"},
            {"query": "where is my refund", "intent": "complaint"},
        ],
        "matching": [
            {"query": "sofa", "term": "couch", "match": 1},
            {"query": "sofa", "term": "screwdriver", "match": 0},
        ],
    }[kind]
    dev = write(tmp_path / "dev.jsonl", rows)
    predicted = str(tmp_path / "predicted.jsonl")
    folder = str(STARTER / kind)
    assert main(["predict", kind, dev, "--out", predicted]) == 0
    assert main(["compare", kind, folder, predicted, "--dev", dev, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mcnemar"]["both_right"] == 2 and found["mcnemar"]["p"] == 1.0
    assert (found["a"], found["b"]) == (kind, "predicted.jsonl")


def test_labels_of_either_side_are_compared(tmp_path):
    dev = [tmp_path / "dev.jsonl"]
    write(dev[0], [{"query": "a", "intent": "song"}, {"query": "b", "intent": "browse"}])
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    write(one, [told("a", "browse"), told("b", "browse")])
    write(other, [{"query": q, "label": "song", "scores": {"song": 1.0}} for q in "ab"])
    found = compare.compare("intent", one, other, dev)
    assert (found["mcnemar"]["only_a"], found["mcnemar"]["only_b"]) == (1, 1)


def test_a_side_that_knows_no_label_of_the_rows_is_refused(sides, tmp_path, capsys):
    a, _, dev = sides
    odd = [{"query": q, "label": "x, y", "scores": {"x, y": 0.9, "z": 0.1}} for q in QUERIES]
    b = write(tmp_path / "odd.jsonl", odd)
    assert main(["compare", "intent", a, b, "--dev", dev]) == 2
    assert f"{b}: its labels are 'x, y', z, and those of --dev browse" in capsys.readouterr().err


def test_our_dev_set_is_not_for_a_model_with_labels_of_its_own(tmp_path, capsys):
    mine = tmp_path / "mine"
    shutil.copytree(STARTER / "intent", mine)
    told = (mine / "model.json").read_text()
    (mine / "model.json").write_text(told.replace('"purchase"', '"kaufen"'))
    for command in (["evaluate", "intent", "--model", str(mine)], ["compare", "intent"]):
        more = [str(mine), str(STARTER / "intent")] if "compare" in command else []
        assert main([*command, *more]) == 2
        error = capsys.readouterr().err
        assert f"{mine}: has labels of its own" in error and "give --dev queries with" in error


def test_a_label_out_of_scope_that_no_query_has_is_told_first(tmp_path, capsys):
    dev = write(tmp_path / "dev.jsonl", [{"query": "a", "intent": "odd"}])
    given = ["evaluate", "intent", "--dev", dev, "--report", str(tmp_path / "report")]
    assert main([*given, "--out-of-scope", "nix"]) == 2
    assert "--out-of-scope nix: no dev query has this label" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "no prediction in it; write the file by"),
        (["nonsense"], "one.jsonl:1: not a prediction of intent"),
        (['{"query": "a", "label": "x", "scores": {"x": 1}}', "[]"], "one.jsonl:2: not a pred"),
        (['{"query": "a", "label": "x", "scores": 5}'], "one.jsonl:1: not a prediction"),
        (
            [f'{{"query": "a", "label": "x", "scores": {{"{n}": 1}}}}' for n in "xy"],
            "its lines have different labels",
        ),
        (['{"error": "no query", "line": 1}'], "no prediction in it"),
    ],
)
def test_a_file_that_holds_no_predictions_is_told(lines, fault, tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(UsageError, match=fault):
        answers.of(path, "intent")


def test_a_query_without_a_prediction_is_named(sides, capsys, tmp_path):
    a, b, _ = sides
    dev = write(tmp_path / "more.jsonl", [{"query": "unseen", "intent": "browse"}])
    assert main(["compare", "intent", a, b, "--dev", dev]) == 2
    assert (
        "no prediction of 'unseen'; predict every text of the dev file" in capsys.readouterr().err
    )


def test_a_model_is_judged_as_it_is_asked(tmp_path, capsys):
    asked = "ＲＥＤ  ＳＨＯＥＳ"  # the worker reads "red shoes"
    dev = write(tmp_path / "dev.jsonl", [{"query": asked, "intent": "browse"}])
    (tmp_path / "queries.txt").write_text(asked + "\n", encoding="utf-8")
    model, out = str(STARTER / "intent"), str(tmp_path / "predicted.jsonl")
    assert main(["predict", "intent", str(tmp_path / "queries.txt"), "--out", out]) == 0
    assert main(["compare", "intent", model, out, "--dev", dev, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["agreement"]["same"] == 1.0
    assert found["agreement"]["largest_difference"] < 1e-3
    assert main(["evaluate", "intent", "--dev", dev, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 1.0


def test_answers_that_are_no_numbers_are_told(sides, tmp_path, capsys):
    a, _, dev = sides
    rows = [told(q, "browse") for q in QUERIES]
    rows[3]["scores"]["browse"] = "high"
    assert main(["compare", "intent", a, write(tmp_path / "c.jsonl", rows), "--dev", dev]) == 2
    assert "no numbers; write the file by" in capsys.readouterr().err


def test_long_names_leave_the_figures_whole(sides, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    a, b, dev = sides
    folder = tmp_path / "b" / "somewhere" / "else"
    folder.mkdir(parents=True)
    other = folder / "a.jsonl"  # of one name, so that whole paths tell them apart
    other.write_bytes((tmp_path / "b.jsonl").read_bytes())
    assert main(["compare", "intent", a, str(other), "--dev", dev]) == 0
    told = capsys.readouterr().out.split("Both right")[0]
    assert "…" not in told and "accuracy" in told
    assert len(re.findall(r"\(.* to .*\)", told)) == 4  # of AUC there is none here


def test_heads_of_the_labels_are_whole_in_80_columns():
    side = {"f1": 0.4567, "precision": 0.4, "recall": 0.5}
    row = {"label": "a label of thirty characters..", "count": 12345, "a": side, "b": side}
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(compare.labels_table([row | {"difference": 0.0, "p_holm": 0.0123}]))
    told = console.export_text()
    assert all(head in told for head in ("difference", "precision", "p (Holm)", "0.0123"))
