"""`learning-curve`: nested shares, a power law that is found again, and what more data is worth."""

import json
from collections import Counter

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import scipy  # noqa: F401
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from tests.unit.triton_models.combining import TEXTS
from triton_models.__main__ import main
from triton_models.data.graded import graded
from triton_models.kinds.encoder.training import search_of
from triton_models.search import law
from triton_models.search.shares import nested
from triton_models.training.judged import Pairs

SHARES = (0.125, 0.25, 0.5, 1.0)
UNITS = [
    (f"{label} {i}", (label,)) for label, n in (("a", 400), ("b", 80), ("c", 3)) for i in range(n)
]


def test_shares_are_nested_and_have_the_labels_alike():
    drawn = [nested(UNITS, share, seed=3) for share in SHARES]
    for smaller, larger in zip(drawn, drawn[1:], strict=False):
        assert set(smaller) < set(larger)
    assert drawn[-1] == list(range(len(UNITS)))
    for share, rows in zip(SHARES, drawn, strict=True):
        counts = Counter(UNITS[i][1][0] for i in rows)
        assert len(rows) == pytest.approx(share * len(UNITS), abs=3)
        assert counts["a"] == pytest.approx(400 * share, abs=4)
        assert counts["b"] == pytest.approx(80 * share, abs=4)
        assert counts["c"] >= 2
    assert nested(UNITS, 0.25, seed=3) == drawn[1] != nested(UNITS, 0.25, seed=4)


def test_what_belongs_together_is_drawn_together_and_each_of_several_labels_is_there():
    units = [(f"query {i // 5}", ("match",) if i // 5 % 4 else ("none",)) for i in range(200)]
    rows = set(nested(units, 0.3, seed=1))
    for query in range(40):
        assert len(rows & set(range(5 * query, 5 * query + 5))) in (0, 5)
    several = [(f"q{i}", ("usual", "rare") if i in (70, 80) else ("usual",)) for i in range(100)]
    assert {70, 80} <= set(nested(several, 0.05, seed=1))


def test_the_documents_that_an_encoder_is_judged_on_stay_the_same():
    learned = [graded("a", f"query {i}", f"document {i}", 1.0, "") for i in range(20)]
    dev = [graded("a", "asked", "document 3", 1.0, "")]
    whole = Pairs(learned, dev)
    part = whole.part(nested(whole.units(), 0.2, seed=1))
    assert len(part.learned) == 4
    assert set(search_of(part).documents) == set(search_of(whole).documents)
    smaller = part.part(nested(part.units(), 0.5, seed=1))
    assert set(search_of(smaller).documents) == set(search_of(whole).documents)


@pytest.mark.parametrize(("scale", "exponent", "floor"), [(2, 0.35, 0.03), (0.9, 0.6, 0.0)])
def test_a_known_power_law_is_found_again(scale, exponent, floor):
    examples = np.array([500, 1000, 2000, 4000, 8000])
    errors = scale * examples**-exponent + floor
    found = law.described(examples, errors, noise=1e-6)
    assert found["exponent"]["value"] == pytest.approx(exponent, rel=0.02)
    assert found["floor"]["value"] == pytest.approx(floor, abs=0.002)
    gain = scale * (8000**-exponent - 16000**-exponent)
    assert found["gain"]["value"] == pytest.approx(gain, rel=0.02)
    assert found["doubled"]["value"] == pytest.approx(1 - errors[-1] + gain, abs=1e-3)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng, examples = np.random.default_rng(2), np.array([500, 1000, 2000, 4000])
    errors = 2 * examples**-0.35 + 0.03
    gain, held = 2 * (4000**-0.35 - 8000**-0.35), 0
    widths = []
    for _ in range(60):
        found = law.described(examples, errors + 0.004 * rng.standard_normal(4), noise=0.004)
        held += found["gain"]["low"] <= gain <= found["gain"]["high"]
        widths.append(found["gain"]["high"] - found["gain"]["low"])
    assert held >= 50
    sure = law.described(examples, errors, noise=0.0004)["gain"]
    assert sure["high"] - sure["low"] < np.mean(widths) / 2


def test_errors_that_do_not_fall_promise_nothing():
    found = law.described([100, 200, 400, 800], [0.2, 0.21, 0.2, 0.22], noise=0.001)
    assert found["gain"]["value"] == pytest.approx(0, abs=1e-6)


def test_a_curve_is_trained_told_and_not_trained_again(tmp_path, capsys):
    rows = "\n".join(f"{text},{label}" for text, label in TEXTS)
    (tmp_path / "mine.csv").write_text(f"query,intent\n{rows}\n")
    start, out = toy.write(tmp_path / "toy", layers=1), tmp_path / "curve"
    given = ["learning-curve", "intent", "--queries", tmp_path / "mine.csv", "--start", start]
    given += ["--shares", "0.3,0.6,1", "--seeds", 2, "--epochs", 3, "--threads", 1, "--out", out]
    assert main(list(map(str, given))) == 0
    first = capsys.readouterr().out
    assert "Twice the examples would bring" in first and "no test set was read" in first
    found = json.loads((out / "learning-curve.json").read_text())
    sizes = [row["examples"] for row in found["rows"]]
    assert sizes == sorted(sizes) and sizes[-1] == 27 and len(found["rows"][0]["values"]) == 2
    assert (out / "learning-curve.svg").stat().st_size > 1000
    runs = sorted((out / "runs").iterdir())
    assert len(runs) == 6
    assert all({f.name for f in run.iterdir()} == {"run.json", "training.svg"} for run in runs)
    data = [json.loads((run / "run.json").read_text())["data"] for run in runs]
    assert len({one["dev_sha256"] for one in data}) == 1
    assert len({one["learned_sha256"] for one in data}) == 5  # all of them with either seed
    times = [(run / "run.json").stat().st_mtime_ns for run in runs]
    assert main(list(map(str, given))) == 0
    assert times == [(run / "run.json").stat().st_mtime_ns for run in runs]
    assert json.loads((out / "learning-curve.json").read_text()) == found


def test_the_same_steps_are_taken_for_each_share(tmp_path):
    rows = "\n".join(f"{text},{label}" for text, label in TEXTS)
    (tmp_path / "mine.csv").write_text(f"query,intent\n{rows}\n")
    start, out = toy.write(tmp_path / "toy", layers=1), tmp_path / "curve"
    given = ["learning-curve", "intent", "--queries", tmp_path / "mine.csv", "--start", start]
    given += ["--same-steps", "--shares", "0.3,0.5,1", "--epochs", 2, "--batch", 3]
    assert main([*map(str, given), "--threads", "1", "--out", str(out)]) == 0
    steps = [
        json.loads((run / "run.json").read_text())["result"]["steps"][-1]
        for run in sorted((out / "runs").iterdir())
    ]
    assert steps == pytest.approx([18, 18, 18], abs=4)


def test_too_few_shares_are_refused(tmp_path, capsys):
    given = ["learning-curve", "intent", "--queries", tmp_path / "mine.csv", "--shares", "0.5,1"]
    assert main(list(map(str, given))) == 2
    assert "needs 3 shares or more" in capsys.readouterr().err


def test_shares_too_small_to_differ_are_refused_before_anything_is_trained(tmp_path, capsys):
    data, out = tmp_path / "mine.csv", tmp_path / "curve"
    data.write_text("query,intent\n" + "\n".join(f"{text},{label}" for text, label in TEXTS))
    given = ["--queries", data, "--start", toy.write(tmp_path / "toy"), "--out", out]
    shares = ["--shares", "0.01,0.02,1"]
    assert main(["learning-curve", "intent", *map(str, given), *shares]) == 2
    assert "--shares: they have 6 or 27 examples" in capsys.readouterr().err
    assert not out.exists()
