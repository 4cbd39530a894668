"""The training loop: what a resumed run ends with, when it stops, what the options do."""

import dataclasses
import random
from collections import Counter

import pytest

from tests.skips import skip_or_fail

try:
    import peft  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models.kinds.intent.classify import Lesson, rarity
from triton_models.kinds.intent.examples import Example
from triton_models.settings import UsageError
from triton_models.training import loop
from triton_models.training.adapt import Adaptation, adapt
from triton_models.training.adversary import Adversary
from triton_models.training.loop import RESUME, Run, learn
from triton_models.training.schedule import Schedule, batches

SCHEDULE = Schedule(epochs=4, batch_size=8, rate=5e-3)
HARD = Lesson(smoothing=0.1, misspelled=0.5, consistency=0.5, restyled=0.3)


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"))


def train(
    start, schedule=SCHEDULE, lesson=HARD, how="full", dies_at=None, judge=None, say=None, **more
):
    """Train the toy network, which begins the same every time; `dies_at` is a step."""
    network = toy.classifier(start)
    loss, steps = toy.loss(network, start, lesson), iter(range(10_000))

    def loss_of(rows):
        if next(steps) == dies_at:
            raise Interrupted
        return loss(rows)

    torch.manual_seed(5)
    history = learn(
        network,
        toy.LENGTHS,
        loss_of,
        schedule,
        adaptation=Adaptation(how, size=4),
        judge=judge(network) if judge else None,
        say=say or (lambda line: None),
        **more,
    )
    return network.state_dict(), history


def accuracy(start):
    wanted = torch.tensor([toy.LABELS.index(e.labels[0]) for e in toy.EXAMPLES[:6]])

    def judge(network):
        right = toy.answers(network, start).argmax(1) == wanted
        return {"accuracy": float(right.double().mean())}

    return lambda network: lambda: judge(network)


@pytest.mark.parametrize(
    ("how", "adversarial"), [("full", 0.5), ("gradual", 0.0), ("lora", 0.5), ("adalora", 0.0)]
)
def test_a_resumed_run_equals_an_uninterrupted_one(start, tmp_path, how, adversarial):
    schedule = dataclasses.replace(SCHEDULE, adversarial=adversarial)
    given = {"schedule": schedule, "how": how, "judge": accuracy(start)}
    whole, history = train(start, **given)
    with pytest.raises(Interrupted):  # within the third epoch of three steps each
        train(start, dies_at=7 * (2 if adversarial else 1), folder=tmp_path, **given)
    assert (tmp_path / RESUME).is_file()
    torch.manual_seed(99)
    resumed, again = train(start, folder=tmp_path, **given)
    assert again == history
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_the_remains_of_another_run_are_refused(start, tmp_path):
    with pytest.raises(Interrupted):
        train(start, dies_at=4, folder=tmp_path, key="one")
    with pytest.raises(UsageError, match="other settings or data"):
        train(start, folder=tmp_path, key="another")


def test_broken_remains_are_named(start, tmp_path):
    (tmp_path / RESUME).write_bytes(b"half a file")
    with pytest.raises(UsageError, match="delete it"):
        train(start, folder=tmp_path)


def test_it_stops_when_dev_gets_no_better_and_keeps_the_best(start):
    scores, kept = iter([0.5, 0.7, 0.6, 0.7, 0.9]), []

    def judge(network):
        def scored():
            kept.append({n: w.clone() for n, w in network.state_dict().items()})
            return {"quality": next(scores)}

        return scored

    schedule = dataclasses.replace(SCHEDULE, epochs=9, patience=2)
    weights, history = train(start, schedule, judge=judge)
    assert (history.scores, history.best) == ([0.5, 0.7, 0.6, 0.7], 2)
    assert all(torch.equal(weights[name], kept[1][name]) for name in weights)
    assert any((weights[name] != kept[3][name]).any() for name in weights)


def test_without_a_terminal_lines_say_how_far_it_is(start, monkeypatch):
    monkeypatch.setattr(loop, "TELL_S", 0.0)
    lines = []
    train(start, dataclasses.replace(SCHEDULE, epochs=2), say=lines.append)
    told = [line for line in lines if line.startswith("step ")]
    steps = len(told)
    assert steps > 2 and told[-1] == f"step {steps} of {steps}, about 0 min left"
    assert lines.index(told[0]) == 0 and lines[-1].startswith("epoch 2/2: ")


def test_a_batch_in_parts_has_the_gradient_of_the_whole(start):
    gradients = []
    for parts in (1, 3):
        network = toy.classifier(start)  # in eval mode: no dropout
        schedule = dataclasses.replace(SCHEDULE, parts=parts, clip=1e9)
        run = Run(network, adapt(network, Adaptation(), 1), toy.loss(network, start), schedule, 1)
        run.optimizer.zero_grad = lambda: None
        run.learn(list(range(8)))
        gradients.append([w.grad for w in network.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_the_rate_rises_and_falls():
    linear = Schedule(epochs=1, batch_size=1, rate=1.0, warm_up=0.1)
    cosine = dataclasses.replace(linear, decay="cosine")
    for schedule in (linear, cosine):
        shares = [schedule.share_of_rate(step, 100) for step in range(100)]
        assert shares[:10] == pytest.approx([step / 10 for step in range(1, 11)])
        assert shares[9] == max(shares)
        assert shares[9:] == sorted(shares[9:], reverse=True)
        assert 0 < shares[99] < 0.02
    assert cosine.share_of_rate(30, 100) > linear.share_of_rate(30, 100)
    assert cosine.share_of_rate(80, 100) < linear.share_of_rate(80, 100)


def test_weights_decay(start):
    moves = {}
    for name, changed in {"plain": {}, "decayed": {"weight_decay": 20.0}}.items():
        schedule = dataclasses.replace(SCHEDULE, epochs=1, **changed)
        weights, _ = train(start, schedule, Lesson())
        moves[name] = weights["classifier.bert.encoder.layer.0.output.dense.weight"].norm()
    assert moves["decayed"] < 0.95 * moves["plain"]


def test_the_gradient_is_clipped(start):
    norms = []
    for clip in (0.01, 0.0, 1e9):  # 0 leaves it as it is
        network = toy.classifier(start)
        schedule = dataclasses.replace(SCHEDULE, clip=clip)
        run = Run(network, adapt(network, Adaptation(), 1), toy.loss(network, start), schedule, 1)
        run.optimizer.zero_grad = lambda: None
        run.learn(list(range(8)))
        norms.append(torch.stack([w.grad.norm() for w in network.parameters()]).norm().item())
    assert norms[0] == pytest.approx(0.01, rel=1e-3)
    assert norms[1] == norms[2] > 0.1


def test_the_adversary_moves_every_text_by_its_size_to_where_the_loss_is_higher(start):
    network = toy.classifier(start)
    loss = toy.loss(network, start, Lesson(smoothing=0.0))
    adversary = Adversary(network, 0.3)
    rows = list(range(6))
    clean = loss(rows)
    clean.backward()
    lengths = [adversary._step(s.grad).flatten(1).norm(dim=1) for s in adversary.seen]
    torch.testing.assert_close(torch.cat(lengths), torch.full((6,), 0.3))
    with adversary.moved():
        hard = loss(rows)
    assert hard > clean
    adversary.leave()
    torch.testing.assert_close(loss(rows), clean)


def test_adversarial_training_changes_the_weights_and_learns(start):
    schedule = dataclasses.replace(SCHEDULE, epochs=8, adversarial=0.3)
    weights, history = train(start, schedule, Lesson())
    plain, _ = train(start, dataclasses.replace(schedule, adversarial=0.0), Lesson())
    assert history.losses[-1] < history.losses[0] * 0.8
    assert any((weights[name] != plain[name]).any() for name in weights)


def test_like_readings_do_not_diverge(start):
    network = toy.classifier(start)
    loss = toy.loss(network, start, HARD)
    a, b = torch.randn(2, 5, 3)
    assert loss.divergence(a, a) == 0
    assert loss.divergence(a, b) > 0
    torch.testing.assert_close(loss.divergence(a, b), loss.divergence(b, a))


def test_sampling_draws_rare_labels_as_often():
    found = [Example("a", ("usual",))] * 90 + [Example("b", ("rare",))] * 10
    rng = random.Random(1)
    drawn = Counter(
        found[i].labels[0]
        for _ in range(20)
        for row in batches([1] * 100, 10, rng, rarity(found))
        for i in row
    )
    assert drawn["rare"] == pytest.approx(1000, rel=0.1)


def test_rare_labels_weigh_more_in_the_loss(start):
    network = toy.classifier(start)
    loss = toy.loss(network, start, Lesson(smoothing=0.0, by_weight=True))
    even = toy.loss(network, start, Lesson(smoothing=0.0))
    assert loss.weights.tolist() == pytest.approx([1.0] * len(toy.EXAMPLES))
    loss.weights[0] = 4.0
    assert loss([0]).item() == pytest.approx(4 * even([0]).item(), rel=1e-5)


def test_bf16_learns_and_fp16_without_a_gpu_is_refused(start):
    schedule = dataclasses.replace(SCHEDULE, epochs=8, precision="bf16")
    _, history = train(start, schedule, Lesson())
    assert history.losses[-1] < history.losses[0] * 0.8
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="GPU"):
            train(start, dataclasses.replace(schedule, precision="fp16"))


def test_a_training_that_diverges_is_told_with_its_remedy(start):
    with pytest.raises(UsageError, match="diverged in epoch 1.*give a lower --rate"):
        train(start, dataclasses.replace(SCHEDULE, rate=1e38, clip=0))
