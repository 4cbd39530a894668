"""Coverage and risk, and what is told by label, by hand on few rows."""

import json

import numpy as np
import pytest

from triton_models.__main__ import main
from triton_models.evaluation import by_label, coverage, statistics
from triton_models.evaluation.coverage import aurc, lowest

SURE = np.array([0.9, 0.8, 0.7, 0.6])
RIGHT = np.array([True, True, False, True])


def test_risk_is_the_share_of_errors_among_the_surest():
    found = coverage.coverage(SURE, RIGHT, list("abcd"))
    assert found["curve"]["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert found["curve"]["risk"] == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert found["aurc"]["value"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert found["risk"] == 0.25


def test_a_confidence_that_tells_nothing_has_the_risk_of_all_rows():
    same = np.full(4, 0.5)
    assert statistics.value(aurc(same, RIGHT), 4) == pytest.approx(0.25)
    found = statistics.intervals({"aurc": aurc(same, RIGHT)}, 4)["aurc"]
    assert found["low"] < 0.25 < found["high"]
    assert statistics.value(aurc(SURE, ~RIGHT), 4) > 0.75  # the surest are wrong


def test_draws_are_counted_as_so_many_rows():
    twice = np.repeat(SURE, 2), np.repeat(RIGHT, 2)
    once = aurc(SURE, RIGHT)(np.full((1, 4), 2.0))[0]
    assert statistics.value(aurc(*twice), 8) == pytest.approx(once)


def test_the_threshold_is_the_lowest_that_gives_the_precision():
    assert lowest(SURE, RIGHT, 0.75) == 0.6
    assert lowest(SURE, RIGHT, 0.9) == 0.8
    assert lowest(SURE, ~RIGHT, 0.9) == np.inf
    rng = np.random.default_rng(0)
    sure = rng.random(4000)
    found = coverage.target(sure, rng.random(4000) < sure, list(map(str, range(4000))), 0.9)
    assert found["threshold"] == pytest.approx(0.8, abs=0.05)  # of [t, 1] the mean is 0.9
    assert found["precision"]["low"] < 0.9 < found["precision"]["high"]
    assert found["coverage"] == pytest.approx(0.2, abs=0.05)
    none = coverage.target(sure, np.zeros(4000, dtype=bool), list(map(str, range(4000))), 0.9)
    assert none["threshold"] is None and none["precision"] is None and none["coverage"] == 0


def test_bins_have_wilsons_interval():
    (one,) = statistics.reliability(np.full(10, 0.95), np.arange(10) < 9, bins=10)
    assert (one["low"], one["high"]) == pytest.approx((0.596, 0.982), abs=0.001)
    assert statistics.wilson_of(9, 10)["value"] == 0.9
    assert np.isnan(statistics.wilson_of(0, 0)["value"])


def test_precision_and_recall_by_label_have_intervals():
    counts = by_label.counts(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    found = by_label.table(["a", "b", "c"], counts)
    assert found["a"]["precision"]["value"] == 1.0 and found["a"]["recall"]["value"] == 0.5
    assert found["a"]["recall"]["low"] < 0.5 < found["a"]["recall"]["high"]
    assert found["b"]["f1"] == pytest.approx(2 / 3) and found["b"]["count"] == 1
    assert np.isnan(found["c"]["recall"]["value"]) and found["c"]["f1"] == 0


def test_holm_steps_down():
    assert by_label.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert by_label.holm([0.9, 0.8]) == [1.0, 1.0]
    assert by_label.holm([]) == []


def test_the_label_that_one_model_lost_differs_and_equal_ones_do_not():
    rng = np.random.default_rng(1)
    wanted = rng.integers(0, 4, 400)
    a = np.where(rng.random(400) < 0.9, wanted, (wanted + 1) % 4)
    b = a.copy()
    b[wanted == 2] = np.where(rng.random((wanted == 2).sum()) < 0.5, 3, 2)
    sides = [by_label.counts(wanted, found, 4) for found in (a, b)]
    rows = {row["label"]: row for row in by_label.compared(list("abcd"), *sides)}
    assert rows["c"]["p_holm"] < 0.01 and rows["c"]["difference"] < -0.1
    assert rows["a"]["p_holm"] == 1.0 and rows["a"]["difference"] == 0.0
    same = by_label.compared(list("abcd"), sides[0], sides[0])
    assert [row["p_holm"] for row in same] == [1.0] * 4


def test_the_randomisation_test_is_that_of_every_swap():
    wanted = np.zeros(4, dtype=int)
    a, b = (by_label.counts(wanted, np.array(x), 2)[:, 0] for x in ([0, 0, 1, 1], [0] * 4))
    every = np.array([[i >> k & 1 for k in range(4)] for i in range(16)], dtype=bool)
    apart = []
    for swap in every[:, :, None]:
        one, other = np.where(swap, b, a), np.where(swap, a, b)
        f1 = [by_label.figures(x.sum(axis=0))["f1"] for x in (one, other)]
        apart.append(abs(f1[1] - f1[0]))
    expected = (1 + sum(x >= 1 / 3 - 1e-12 for x in apart)) / 17  # F1 of 1 and of 2/3
    assert by_label.p_of(a, b, every) == pytest.approx(expected)


def test_compare_tells_of_labels_in_the_terminal_and_in_the_report(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    rows = [{"query": f"q {i}", "intent": "ab"[i % 2]} for i in range(80)]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, wrong in (("a", 60), ("b", 0)):
        lines = []
        for i, row in enumerate(rows):
            found = "a" if row["intent"] == "a" or i < wrong else "b"
            scores = {label: 0.9 if label == found else 0.1 for label in "ab"}
            lines.append({"query": row["query"], "label": found, "scores": scores})
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    argv = ["compare", "intent", tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    argv += ["--dev", tmp_path / "dev.jsonl", "--report", tmp_path / "report"]
    assert main([*map(str, argv)]) == 0
    assert "by label" in capsys.readouterr().out
    page = (tmp_path / "report" / "report.md").read_text()
    assert "## By label" in page and "differ in F1 beyond chance: " in page
    found = json.loads((tmp_path / "report" / "report.json").read_text())["labels"]
    assert found[0]["p_holm"] >= found[0]["p"] and {row["label"] for row in found} == {"a", "b"}
