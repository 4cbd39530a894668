"""`finetune matching`: graded pairs, the threshold, and a run from a manifest to a model folder."""

import json
import re

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models import contract
from triton_models.__main__ import main
from triton_models.data.graded import GradedPair, graded
from triton_models.evaluation import figures
from triton_models.kinds.matching import summary
from triton_models.kinds.matching import training as matching
from triton_models.kinds.matching.training import Loss, Recipe
from triton_models.training import networks
from triton_models.training.adapt import Adaptation
from triton_models.training.judged import Pairs
from triton_models.training.loop import RESUME, learn
from triton_models.training.schedule import Schedule
from triton_models.training.vocabulary import bare_tokenizer

SCHEDULE = Schedule(epochs=4, batch_size=8, rate=3e-3)
THINGS = ("sofa", "lamp", "oven", "drill")
PAIRS = [
    graded("shop", f"{word} {thing}", f"{other} model", [0.0, 0.7][thing == other], "")
    for word in ("red", "old", "small")
    for thing in THINGS
    for other in THINGS
]
LENGTHS = [len(p.query) + len(p.term) for p in PAIRS]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"), layers=1)


def finetune(*more) -> int:
    return main(["finetune", "matching", *map(str, more), "--threads", "1"])


def made(start, pairs=None, **more):
    """The toy network, which begins the same every time, and its loss."""
    torch.manual_seed(4)
    network = networks.load(start, "matching").eval()
    recipe = Recipe(SCHEDULE, Adaptation(), **more)
    return network, Loss(network, bare_tokenizer(start), pairs or Pairs(PAIRS, []), recipe)


def test_the_grade_is_what_is_wanted(start):
    network, loss = made(start, smoothing=0.0)
    said = torch.from_numpy(matching.scores(network, bare_tokenizer(start), PAIRS[:3])).float()
    wanted = torch.tensor([0.7, 0.0, 0.0])
    each = -(wanted * said.log() + (1 - wanted) * (1 - said).log())
    torch.testing.assert_close(loss([0, 1, 2]), each.mean(), rtol=1e-4, atol=1e-5)
    _, smooth = made(start, smoothing=0.2)
    assert smooth.wanted[:2].tolist() == pytest.approx([0.66, 0.1])


def test_rare_matches_and_heavy_sources_weigh_more(start):
    weights = matching.rarity(PAIRS)
    matches = sum(w for w, p in zip(weights, PAIRS, strict=True) if p.match)
    assert matches == pytest.approx(sum(weights) / 2) and sum(weights) == pytest.approx(48)
    _, loss = made(start, Pairs(PAIRS, [], {"shop": 3.0}), balance="weights")
    assert loss.weights[0] == pytest.approx(6.0) and loss.weights[1] == pytest.approx(2.0)


def test_f1_is_not_at_a_threshold_of_its_own_rows():
    rng = np.random.default_rng(2)
    pairs = [graded("shop", f"query {i}", "x", float(rng.random() < 0.3), "") for i in range(60)]
    said = rng.random(60)  # knows nothing
    found = matching.choose_threshold(said, pairs)
    matches = np.array([p.match for p in pairs])
    flattering = figures.f_measure(said >= found["threshold"], matches, figures.BETA)
    assert found["f0.5"] < flattering


def test_figures_of_a_ranking():
    pairs = [graded("a", q, f"{g}", g, "") for q in "xy" for g in (1.0, 0.5, 0.0)]
    pairs.append(graded("a", "alone", "1", 1.0, ""))
    said = np.array([0.9, 0.5, 0.1, 0.1, 0.5, 0.9, 0.2])
    found = matching.measure(said, pairs)
    gains, by_rank = np.exp2([1.0, 0.5, 0.0]) - 1, 1 / np.log2([2, 3, 4])
    worst = gains[::-1] @ by_rank / (gains @ by_rank)
    assert found["ndcg@10"] == pytest.approx((1 + worst) / 2)  # of the two that can be ranked
    assert found["auc_roc"] == pytest.approx((4.5 + 0.5) / 10)  # the two wrong ones: last and first
    assert "ndcg@10" not in matching.measure(said[-1:], pairs[-1:])


class Interrupted(Exception):
    pass


def test_a_resumed_run_equals_an_uninterrupted_one(start, tmp_path):
    def train(folder=None, dies_at=None):
        network, loss = made(start, misspelled=0.5, balance="weights")
        calls = iter(range(10_000))

        def loss_of(rows):
            if next(calls) == dies_at:
                raise Interrupted
            return loss(rows)

        torch.manual_seed(5)
        given = {"folder": folder, "say": lambda line: None}
        return learn(network, LENGTHS, loss_of, SCHEDULE, **given), network.state_dict()

    history, whole = train()
    with pytest.raises(Interrupted):
        train(tmp_path, dies_at=14)
    assert (tmp_path / RESUME).is_file()
    again, resumed = train(tmp_path)
    assert again == history
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_other_weights_of_the_sources_are_another_run():
    pair = GradedPair("sofa", "couch", 1, "log", "sofa", 1.0)
    assert Pairs([pair], [], {"log": 1.0}).about() == Pairs([pair], []).about()
    assert Pairs([pair], [], {"log": 0.5}).about() != Pairs([pair], []).about()


def manifest(tmp_path):
    """Pairs with a grade in the shop's words, a catalogue, and how to read them."""
    adjectives = [f"{a} {b}" for a in ("red", "old", "small", "my") for b in ("new", "big", "best")]
    lines = ["query,title,rating"]
    for word in adjectives:
        for thing in THINGS:
            lines += [f"{word} {thing},{thing} model,good", f"{word} {thing},{word} thing,bad"]
    (tmp_path / "pairs.csv").write_text("\n".join(lines) + "\n")
    path = tmp_path / "manifest.toml"
    path.write_text(
        '[[source]]\nname = "judged"\npath = "pairs.csv"\nformat = "pairs"\nlicence = "CC0"\n'
        'split = "by_key"\ndev_share = 30\ncolumns = { grade = "rating" }\n'
        "labels = { good = 0.8, bad = 0.0 }\n"
    )
    return path


def test_from_a_manifest_to_a_model_folder(start, tmp_path, capsys):
    out, model = tmp_path / "run", tmp_path / "model"
    given = ("--start", start, "--out", out, "--rate", "5e-3", "--epochs", 6, "--batch", 8)
    assert finetune("--manifest", manifest(tmp_path), *given, "--balance", "sampling") == 0
    notes = json.loads((out / "run.json").read_text())
    result = notes["result"]
    assert result["losses"][-1] < 0.9 * result["losses"][0]
    assert result["dev"]["auc_roc"] >= max(0.9, result["start"]["auc_roc"])
    assert main(["export", str(out), "--kind", "matching", "--out", str(model)]) == 0
    assert contract.load(model).threshold == result["threshold"] == result["dev"]["threshold"]
    card, dev = (model / "CARD.md").read_text(), out / "dev.jsonl"
    assert (
        "CC0" in card
        and "| figure of dev | before training | checkpoint, float32 | as exported" in card
    )
    assert len(dev.read_text().splitlines()) == notes["data"]["dev"]
    served = summary.measured(model, dev, notes)["dev"]  # of the int8 model
    assert re.search(rf"\| auc roc \| .* \| {served['auc_roc']:.4f} \|", card)
    assert "texts of dev.jsonl" in capsys.readouterr().out
    pair = tmp_path / "pair.jsonl"
    pair.write_text('{"query": "good sofa", "term": "sofa model", "match": 1}\n')
    assert main(["evaluate", "matching", "--model", str(model), "--dev", str(pair)]) == 0
    starter = ["compare", "matching", str(model), str(model), "--dev", str(pair)]
    assert main(starter) == 0
    capsys.readouterr()
    assert main(["predict", "matching", str(pair), "--model", str(model)]) == 0
    assert json.loads(capsys.readouterr().out)["match"] in (True, False)


def test_wrong_usage_is_told_in_one_line(start, tmp_path, capsys):
    good, same = tmp_path / "good.csv", tmp_path / "same.csv"
    rows = [f"q{i},d{i % 7},{i % 2}\n" for i in range(60)]
    good.write_text("query,document,grade\n" + "".join(rows))
    same.write_text("query,document,grade\n" + "".join(row[:-2] + "1\n" for row in rows))
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("query,document,grade\na,b,7\n")
    begin = ("--pairs", good, "--start", start, "--out", tmp_path / "run")
    for given, told in (
        ((*begin, "--temperature", "0.1"), "--temperature goes with encoder"),
        ((*begin, "--metric", "ndcg@10"), "no query of dev has two documents"),
        ((*begin, "--dev", same), "needs pairs that match and pairs"),
        (("--pairs", same, *begin[2:]), "to learn from it needs pairs that match"),
        (("--pairs", wrong, *begin[2:]), "wrong.csv:2: grade: found '7'"),
        ((*begin, "--start", tmp_path), "no checkpoint"),
    ):
        assert finetune(*given) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1
