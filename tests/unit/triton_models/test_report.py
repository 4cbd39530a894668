"""The full report: what it counts, what its page holds, and its pictures."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.skips import skip_or_fail
from triton_models import contract
from triton_models.__main__ import main
from triton_models.evaluation import (
    cells,
    report,
    report_parts,
    report_text,
)
from triton_models.evaluation.dev import judged_queries
from triton_models.evaluation.perturb import PERTURBATIONS
from triton_models.kinds.encoder import report as encoder_report
from triton_models.kinds.intent import report as intent_report
from triton_models.kinds.intent.report import Answers
from triton_models.kinds.matching import report as matching_report
from triton_models.settings import STARTER, UsageError

LABELS = ("buy", "look", "other")


def answers(wanted: str, found: str, sure: float = 0.8) -> Answers:
    """Labels told by their first letters, one a row."""
    place = {label[0]: i for i, label in enumerate(LABELS)}
    names = [LABELS[place[letter]] for letter in wanted]
    rows = [
        {"query": " ".join("x" * (i % 3 + 1)), "intent": name, "style": "ab"[i % 2]}
        for i, name in enumerate(names)
    ]
    p = np.full((len(rows), 3), (1 - sure) / 2)
    p[np.arange(len(rows)), [place[letter] for letter in found]] = sure
    return Answers(rows, LABELS, p, np.array([place[letter] for letter in wanted]))


def test_figures_slices_and_errors_are_counted():
    found = intent_report.judged(answers("bbbblllo", "bbbllllb"))
    assert found["figures"]["accuracy"]["value"] == 6 / 8
    assert found["confusion"]["counts"] == [[3, 1, 0], [0, 3, 0], [1, 0, 0]]
    assert found["calibration"]["before"]["ece"] == pytest.approx(0.05)
    styles = found["slices"]["style"]
    assert {name: row["rows"] for name, row in styles.items()} == {"a": 4, "b": 4}
    assert (styles["a"]["accuracy"]["value"], styles["b"]["accuracy"]["value"]) == (1.0, 0.5)
    assert found["slices"]["labels rare here"]["rare"]["rows"] == 1
    assert "source" not in found["slices"]
    errors = intent_report.typical_errors(answers("bbbblllo", "bbbllllb"))
    assert [(e["wanted"], e["found"], e["count"]) for e in errors] == [
        ("buy", "look", 1),
        ("other", "buy", 1),
    ]


def test_the_head_is_what_half_of_the_traffic_asks():
    rows = [{"query": f"q{i}", "count": n} for i, n in enumerate([5, 40, 1, 30, 24])]
    found = report_parts.groups(rows)["popularity"]
    assert {name: part.tolist() for name, part in found.items()} == {
        "head": [1, 3],  # 40 of 100 are less than half, 70 are more
        "long tail": [0, 2, 4],
    }
    assert "popularity" not in report_parts.groups([*rows, {"query": "q5", "count": None}])
    assert "popularity" not in report_parts.groups([{"query": "a"}, {"query": "b"}])


def test_rare_labels_are_those_that_were_rare_in_training():
    found = intent_report.judged(answers("bbllloo", "bblloob"), np.array([1900, 150, 900]))
    assert found["slices"]["labels rare in training"]["rare"]["rows"] == 3
    assert "labels rare here" not in found["slices"]
    starter = contract.load(STARTER / "intent")
    assert len(starter.label_counts) == 5 and min(starter.label_counts) > 1000


def test_short_reports_tell_of_one_and_of_two_typos(tmp_path, capsys):
    dev = tmp_path / "dev.jsonl"
    rows = [("where is my refund", "complaint"), ("red running shoes", "browse")] * 4
    dev.write_text("\n".join(json.dumps({"query": q, "intent": i}) for q, i in rows))
    assert main(["evaluate", "intent", "--dev", str(dev), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    for name in ("one typo", "two typos"):
        row = found["typos"][name]
        assert row["macro_f1"] + row["drop"] == pytest.approx(found["macro_f1"])


def test_known_misspellings_come_with_the_public_sets(tmp_path, monkeypatch):
    monkeypatch.setattr(report_parts, "SHAPES", ((1, 8),))
    (tmp_path / "typos").mkdir()
    (tmp_path / "typos" / "words.csv").write_text("sofaa,sofa\n")
    dev = tmp_path / "dev.jsonl"
    dev.write_text('{"query": "sofa", "term": "couch", "match": 1}\n'
                   '{"query": "tv", "term": "screwdriver", "match": 0}\n')  # fmt: skip
    found = report.full("matching", STARTER / "matching", [dev], data=tmp_path)["robustness"]
    assert found["known misspelling"]["changed"] == 0.5
    assert found["upper case"]["drop"]["value"] == 0.0  # it reads lower case only
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"query": "sofa", "relevant": ["couch"]}\n'
                       '{"query": "tv", "relevant": ["television"]}\n')  # fmt: skip
    ranked = report.full("encoder", STARTER / "encoder", [queries])
    assert ranked["ranks"] == dict.fromkeys(ranked["ranks"], 0) | {"1": 2}
    assert ranked["robustness"]["extra spaces"]["ndcg@10"]["value"] == 1.0
    assert "known misspelling" not in ranked["robustness"]
    page = report_text.markdown(ranked, [])
    assert (
        "| 1 | 2 | 100.0% |" in page and "| the queries with | changed | NDCG@10 | drop |" in page
    )


def test_scores_are_counted_by_twentieths():
    found = matching_report.histogram(np.array([0.0, 0.04, 0.97, 1.0]), np.array([0, 1, 1, 0]) > 0)
    assert found["matches"][0] == found["others"][0] == 1
    assert found["matches"][-1] == found["others"][-1] == 1
    assert sum(found["matches"]) == sum(found["others"]) == 2 and len(found["from"]) == 20


def test_ranks_are_counted():
    found = encoder_report.rank_counts(np.array([1, 1, 2, 4, 5, 10, 11, 100, 101]))
    assert list(found.values()) == [2, 1, 0, 2, 1, 2, 1]


def test_out_of_scope_is_refused_by_its_label_or_by_the_threshold():
    p = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.1, 0.2, 0.7], [0.55, 0.45, 0], [0.95, 0.05, 0]])
    rows = [{"intent": name} for name in ("buy", "look", "other", "other", "other")]
    found = intent_report.out_of_scope(rows, p, LABELS, "other")
    at = {t: i for i, t in enumerate(found["curve"]["threshold"])}
    read = [
        (found["curve"]["recall"][at[t]], found["curve"]["in_scope_accuracy"][at[t]])
        for t in (0.0, 0.58, 0.96)
    ]
    assert read == [(pytest.approx(1 / 3), 0.5), (pytest.approx(2 / 3), 0.5), (1.0, 0.0)]
    assert 0.55 < found["best_threshold"] <= 0.9
    unknown = intent_report.out_of_scope(rows, p[:, :2], LABELS[:2], "other")
    assert unknown["curve"]["recall"][at[0.0]] == 0  # it cannot say so
    assert unknown["curve"]["recall"][at[0.58]] == pytest.approx(2 / 3)


def test_out_of_scope_needs_both_sides():
    assert intent_report.out_of_scope([{"intent": "buy"}], np.eye(3)[:1], LABELS, "other") == {}


def test_robustness_is_what_the_model_says_of_the_changed_text():
    """A model that reads only lower case loses all under upper case, and nothing else matters."""

    def run(texts):
        return np.array([[1.0, 0, 0] if text != text.upper() else [0, 1.0, 0] for text in texts])

    judged = answers("bbbb", "bbbb")
    found = intent_report.withstood(judged, SimpleNamespace(run=run), PERTURBATIONS)
    assert found["upper case"]["macro_f1"]["value"] == 0.0
    assert found["upper case"]["drop"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert found["extra spaces"]["drop"]["value"] == 0.0


def test_precision_and_recall_take_ties_together():
    scores, matches = np.array([0.9, 0.9, 0.5, 0.1]), np.array([True, False, True, False])
    curve = matching_report.precision_recall(scores, matches)
    assert curve["precision"] == pytest.approx([1 / 2, 2 / 3, 2 / 4])
    assert curve["recall"] == pytest.approx([1 / 2, 1, 1])
    table = matching_report.threshold_table(scores, matches, 0.42)
    row = next(row for row in table if row["threshold"] == 0.42)
    assert (row["precision"], row["recall"]) == (pytest.approx(2 / 3), 1.0)


def test_judged_queries_are_held_to_what_is_expected(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"query": "a", "relevant": ["x", "y"], "grades": [3]}\n')
    with pytest.raises(UsageError, match="1 grades for 2 relevant texts; give one for each"):
        judged_queries(path)
    path.write_text('{"query": "a", "relevant": []}\n')
    with pytest.raises(UsageError, match="mine.jsonl:1: relevant: found .*a list of texts"):
        judged_queries(path)


def test_the_encoder_is_judged_on_your_own_queries(tmp_path, capsys):
    path = tmp_path / "mine.jsonl"
    pairs = [("red sneakers", "running shoes"), ("couch", "sofa"), ("tv", "television")]
    rows = [{"query": q, "relevant": [r, f"new {r}"], "grades": [3, 1]} for q, r in pairs]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert main(["evaluate", "encoder", "--dev", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["queries"] == 3
    assert found["mrr"] == found["recall@5"] == 1.0 and found["recall@1"] == 0.5
    assert found["ndcg@10"] > 0.9


def test_rows_of_several_files_are_told_apart_by_their_names(tmp_path, monkeypatch):
    monkeypatch.setattr(report_parts, "SHAPES", ((1, 8),))
    files = [tmp_path / f"{name}.jsonl" for name in ("phones", "sofas")]
    files[0].write_text('{"query": "samsung phone", "term": "smartphone", "match": 1}\n')
    files[1].write_text('{"query": "sofa", "term": "screwdriver", "match": 0}\n')
    found = matching_report.report(STARTER / "matching", files, PERTURBATIONS)
    assert {n: row["rows"] for n, row in found["slices"]["source"].items()} == {
        "phones": 1,
        "sofas": 1,
    }
    page = report_text.markdown(found, [])
    assert (
        "| phones | 1 | – | 1.000 (1.000 to 1.000) |" in page
    )  # an AUC of one class is not defined
    json.dumps(report.plain(found), allow_nan=False)


def test_a_cell_cannot_break_its_table():
    assert cells.table(("a",), [("x | y\nz",)]).splitlines()[2] == "| x \\| y z |"


@pytest.fixture
def matplotlib():
    try:
        import matplotlib
    except ModuleNotFoundError:
        skip_or_fail("matplotlib is not installed: `make install-training` adds it")
    return matplotlib


def test_a_report_is_written_with_its_pictures_and_can_be_written_again(
    matplotlib, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(report_parts, "SHAPES", ((1, 8),))
    dev = tmp_path / "dev.jsonl"
    rows = [("red shoes", "browse"), ("where is it", "inquiry"), ("sing a song", "off topic")] * 2
    dev.write_text("\n".join(json.dumps({"query": q, "intent": i}) for q, i in rows))
    asked = ["evaluate", "intent", "--dev", str(dev), "--out-of-scope", "off topic", "--report"]
    place = tmp_path / "out"
    for _ in range(2):
        assert main([*asked, str(place)]) == 0
    told = capsys.readouterr()
    assert "queries: 4" in told.out and str(place / "report.md") in told.err
    page, found = (place / "report.md").read_text(), json.loads((place / "report.json").read_text())
    assert found["rows"] == 6 and found["out_of_scope"]["rows"] == 2
    pictures = {path.name for path in place.glob("*.svg")}
    assert {"confusion.svg", "calibration.svg", "robustness.svg", "out_of_scope.svg"} <= pictures
    assert all(f"]({name})" in page for name in pictures)
    assert all((place / name).read_text().rstrip().endswith("</svg>") for name in pictures)


def test_seventy_seven_labels_are_drawn_and_listed_worst_first(matplotlib, tmp_path):
    from triton_models.evaluation import pictures

    rng = np.random.default_rng(0)
    labels = tuple(f"label_{i:02}" for i in range(77))
    wanted = np.repeat(np.arange(77), 4)
    p = rng.dirichlet(np.ones(77), size=308) + 0.02 * np.eye(77)[wanted]
    rows = [{"query": "a b", "intent": labels[i]} for i in wanted]
    found = intent_report.judged(Answers(rows, labels, p / p.sum(axis=1, keepdims=True), wanted))
    assert "confusion" in pictures.draw(found | {"kind": "intent"}, tmp_path)
    assert (tmp_path / "confusion.svg").stat().st_size < 1_000_000
    table = report_text.labels(found).splitlines()[4:]
    f1 = [float(line.split("|")[4]) for line in table]
    assert len(f1) == 77 and f1 == sorted(f1)


def test_what_is_no_report_is_not_written_over(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["evaluate", "intent", "--report", str(tmp_path)]) == 2
    assert "exists and is not a report; choose another folder" in capsys.readouterr().err


def test_pictures_without_matplotlib_are_told_in_one_line(tmp_path, capsys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "triton_models.evaluation.pictures", raising=False)
    monkeypatch.delattr("triton_models.evaluation.pictures", raising=False)
    assert main(["evaluate", "intent", "--report", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "`make install-training`" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_model_that_finds_no_span_has_a_report():
    told = report_text.probabilities({"probabilities": {}})
    assert "finds no span" in told
