"""Statistics of an evaluation: against scikit-learn, by hand and by simulation."""

import math

import numpy as np
import pytest

from tests.skips import skip_or_fail
from triton_models.evaluation import figures, folds, ranking, statistics


@pytest.fixture
def metrics():
    try:
        from sklearn import metrics
    except ModuleNotFoundError:
        skip_or_fail("scikit-learn is not installed: `make install-training` adds it")
    return metrics


@pytest.fixture(scope="module")
def judged():
    """Wanted labels of four and probabilities [300, 4] that often give them, with ties."""
    rng = np.random.default_rng(7)
    wanted = rng.choice(4, size=300, p=[0.5, 0.3, 0.15, 0.05])
    odds = np.exp(np.round(rng.normal(size=(300, 4)), 1) + 1.2 * np.eye(4)[wanted])
    return wanted, odds / odds.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def scored():
    """Scores in steps of 0.1, so that many tie, and matches."""
    rng = np.random.default_rng(3)
    matches = rng.random(200) < 0.3
    return np.round(np.clip(rng.normal(0.4 + 0.2 * matches, 0.2), 0, 1), 1), matches


def draws(rows: int, samples: int = 5) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.multinomial(rows, np.full(rows, 1 / rows), size=samples).astype(float)


def test_areas_and_f1_are_those_of_scikit_learn(metrics, judged, scored):
    wanted, p = judged
    scores, matches = scored
    of_pairs = [
        (statistics.auc, metrics.roc_auc_score),
        (statistics.average_precision, metrics.average_precision_score),
    ]
    for ours, theirs in of_pairs:
        found = statistics.value(ours(scores, matches), len(scores))
        assert found == pytest.approx(theirs(matches, scores), abs=1e-12)
    f1 = statistics.value(statistics.f1(scores > 0.5, matches), len(scores))
    assert f1 == pytest.approx(metrics.f1_score(matches, scores > 0.5))
    area = statistics.value(statistics.macro_auc(p, wanted), len(p))
    assert area == pytest.approx(metrics.roc_auc_score(wanted, p, multi_class="ovr"))
    macro = statistics.value(statistics.macro_f1(wanted, p.argmax(axis=1), 4), len(p))
    assert macro == pytest.approx(metrics.f1_score(wanted, p.argmax(axis=1), average="macro"))


def test_a_resample_is_the_same_as_its_rows_repeated(metrics, judged, scored):
    wanted, p = judged
    scores, matches = scored
    for drawn in draws(200):
        often = np.repeat(np.arange(200), drawn.astype(int))
        for ours, theirs in (
            (statistics.auc, metrics.roc_auc_score),
            (statistics.average_precision, metrics.average_precision_score),
        ):
            expected = theirs(matches[often], scores[often])
            assert ours(scores, matches)(drawn[None])[0] == pytest.approx(expected, abs=1e-12)
    for drawn in draws(300):
        often = np.repeat(np.arange(300), drawn.astype(int))
        found = p.argmax(axis=1)
        expected = metrics.f1_score(wanted[often], found[often], average="macro")
        assert statistics.macro_f1(wanted, found, 4)(drawn[None])[0] == pytest.approx(expected)


def test_ndcg_is_that_of_scikit_learn(metrics):
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(20, 30))
    grades = np.where(rng.random((20, 30)) < 0.2, rng.integers(1, 4, (20, 30)), 0)
    grades[:, 0] = 1
    rows = [{i: float(g) for i, g in enumerate(row) if g} for row in grades]
    found = ranking.rank_part(scores, rows)
    for i in range(20):
        theirs = metrics.ndcg_score([2.0 ** grades[i] - 1], [scores[i]], k=10)
        assert found.figures["ndcg@10"][i] == pytest.approx(theirs)
        assert figures.ndcg(grades[i][np.argsort(-scores[i])], grades[i]) == pytest.approx(theirs)


def test_calibration_error_is_the_weighted_gap_of_scikit_learns_curve(judged):
    try:
        from sklearn.calibration import calibration_curve
    except ModuleNotFoundError:
        skip_or_fail("scikit-learn is not installed: `make install-training` adds it")
    wanted, p = judged
    sure, right = p.max(axis=1), p.argmax(axis=1) == wanted
    accuracy, confidence = calibration_curve(right, sure, n_bins=15)
    bins = statistics.reliability(sure, right)
    assert [b["accuracy"] for b in bins] == pytest.approx(list(accuracy))
    assert [b["confidence"] for b in bins] == pytest.approx(list(confidence))
    gap = sum(abs(b["accuracy"] - b["confidence"]) * b["rows"] for b in bins) / len(sure)
    ours = statistics.CalibrationError(sure, right)
    assert statistics.value(ours, len(sure)) == pytest.approx(gap)


def test_a_95_percent_interval_holds_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(11)
    held = 0
    for seed in range(200):
        right = rng.random(150) < 0.7
        found = statistics.intervals({"a": statistics.mean(right)}, 150, 400, seed)["a"]
        held += found["low"] <= 0.7 <= found["high"]
    assert 180 <= held <= 199


def test_the_same_seed_gives_the_same_interval_whatever_is_held_at_once(monkeypatch, judged):
    wanted, p = judged
    measures = {
        "f1": statistics.macro_f1(wanted, p.argmax(1), 4),
        "auc": statistics.macro_auc(p, wanted),
    }
    whole = statistics.intervals(measures, 300)
    monkeypatch.setattr(statistics, "CELLS", 300 * 100)
    assert statistics.intervals(measures, 300) == whole
    assert statistics.intervals(measures, 300, seed=1) != whole
    assert whole["f1"]["low"] < whole["f1"]["value"] < whole["f1"]["high"]


def test_a_model_does_not_differ_from_itself_and_does_from_a_worse_one(judged):
    wanted, p = judged
    good, bad = statistics.mean(p.argmax(1) == wanted), statistics.mean(wanted == 0)
    found = statistics.intervals(
        {"self": statistics.difference(good, good), "worse": statistics.difference(bad, good)}, 300
    )
    assert found["self"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found["worse"]["high"] < 0


def test_what_is_not_defined_is_nan_and_not_an_error():
    one_class = statistics.auc(np.array([0.1, 0.2]), np.array([1, 1]))
    assert math.isnan(statistics.value(one_class, 2))
    assert math.isnan(statistics.intervals({"a": one_class}, 2)["a"]["low"])


def test_randomisation_draws_the_signs():
    rng = np.random.default_rng(2)
    assert statistics.randomisation(np.zeros(9)) == 1.0
    assert statistics.randomisation(np.ones(5)) == pytest.approx(2 / 2**5, abs=0.01)
    uneven = np.array([3.0, 1.0, -0.5, 2.0])
    signs = np.array(np.meshgrid(*[(-1, 1)] * 4)).reshape(4, -1)
    exact = (np.abs(uneven @ signs) >= uneven.sum() - 1e-9).mean()
    assert statistics.randomisation(uneven) == pytest.approx(exact, abs=0.02)
    assert statistics.randomisation(rng.normal(1, 1, 400)) == pytest.approx(1 / 10_001)


def test_mcnemar_is_the_binomial_test():
    assert statistics.mcnemar(0, 0) == statistics.mcnemar(4, 4) == 1.0
    assert statistics.mcnemar(0, 5) == statistics.mcnemar(5, 0) == pytest.approx(2 / 2**5)
    assert statistics.mcnemar(1, 6) == pytest.approx(2 * (1 + 7) / 2**7)
    assert 0 < statistics.mcnemar(900, 1500) < 1e-30


def test_wilson_holds_more_than_the_share_where_all_are_right():
    found = statistics.wilson(np.ones(10, bool))
    assert found["value"] == 1.0
    assert (found["low"], found["high"]) == (pytest.approx(0.7225, abs=1e-3), pytest.approx(1.0))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_was_applied_is_found_again(temperature):
    rng = np.random.default_rng(2)
    logits = 2 * rng.normal(size=(20_000, 5))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wanted = (true.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    sharper = statistics.tempered(true, 1 / temperature)
    assert statistics.fit_temperature(sharper, wanted) == pytest.approx(temperature, rel=0.05)
    after = statistics.cross_fitted(sharper, wanted, range(20_000))
    np.testing.assert_allclose(after, true, atol=0.02)


def test_a_fold_does_not_see_its_own_labels():
    """When one row's label changes, only the other folds' temperatures move."""
    rng = np.random.default_rng(4)
    p = rng.dirichlet(np.ones(3), size=50)
    wanted = (p.cumsum(axis=1) > rng.random((50, 1))).argmax(axis=1)
    other = wanted.copy()
    other[7] = (other[7] + 1) % 3
    fitted = [statistics.cross_fitted(p, w, range(50)) for w in (wanted, other)]
    same = (fitted[0] == fitted[1]).all(axis=1)
    assert same[7] and same.sum() == 10


def test_rows_of_one_query_are_in_one_fold():
    groups = [f"query {i % 12}" for i in range(60)]
    fold = folds.folds(groups)
    assert set(fold) == set(range(5))
    assert len({(g, f) for g, f in zip(groups, fold, strict=True)}) == 12
    for mine, rest in folds.parts(groups):
        assert not {groups[i] for i in mine} & {groups[i] for i in rest}


@pytest.mark.parametrize(("too_sure", "wanted"), [(0.0, 0.0), (0.08, 0.08)])
def test_the_interval_of_the_calibration_error_holds_the_true_one(too_sure, wanted):
    """That of the plain bootstrap never holds 0."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(20):
        sure = rng.beta(6, 1.5, 1000)
        right = rng.random(1000) < np.clip(sure - too_sure, 0, 1)
        error = statistics.CalibrationError(sure, right)
        found = statistics.intervals({"ece": error}, 1000, samples=200)["ece"]
        held += found["low"] <= wanted <= found["high"]
    assert held >= 16


def test_rankings_of_a_large_pool_are_made_in_parts(monkeypatch):
    rng = np.random.default_rng(7)
    queries, candidates = rng.normal(size=(37, 8)), rng.normal(size=(90, 8))
    candidates[40:50] = candidates[3]  # ties
    grades = [{int(i): 1.0, int(j): 0.4} for i, j in rng.integers(90, size=(37, 2))]
    without = [[int(i)] if i not in g else [] for i, g in zip(rng.integers(90, size=37), grades)]  # noqa: B905
    scores = queries @ candidates.T
    for row, places in enumerate(without):
        scores[row, places] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")
    sizes, whole = [], ranking.rank_part

    def counted(part, mine):
        sizes.append(part.size)
        return whole(part, mine)

    monkeypatch.setattr(ranking, "CELLS", 900)
    monkeypatch.setattr(ranking, "rank_part", counted)
    found = ranking.ranked(queries, candidates, grades, without)
    assert max(sizes) <= 900 and len(sizes) == 4
    assert (found.first == order[:, 0]).all()
    for row, graded in enumerate(grades):
        gains = [graded.get(int(place), 0) for place in order[row]]
        ndcg = figures.ndcg(gains, list(graded.values()))
        assert found.figures["ndcg@10"][row] == pytest.approx(ndcg)
        assert found.rank[row] == 1 + min(i for i, gain in enumerate(gains) if gain) or any(
            place in range(40, 50) or place == 3 for place in graded
        )
