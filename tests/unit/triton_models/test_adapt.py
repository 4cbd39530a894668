"""How much is trained: what moves, what stays, what is served in the end."""

import shutil

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import peft  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models import contract
from triton_models.serving import export, quantize
from triton_models.serving.predictor import Predictor
from triton_models.settings import UsageError
from triton_models.training import networks
from triton_models.training.adapt import WAYS, Adaptation, adapt
from triton_models.training.finetune_options import RATES
from triton_models.training.loop import Run, Schedule, learn
from triton_models.training.vocabulary import bare_tokenizer

STEPS = 12
RATE = {"frozen": 3e-2, "adalora": 3e-2}  # with little to learn in few steps
HEAD = {
    f"classifier.{part}.{kind}"
    for part in ("classifier", "bert.pooler.dense")
    for kind in ("weight", "bias")
}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"))


def train(start, how, network=None, judge=None):
    network = network or toy.classifier(start)
    schedule = Schedule(epochs=8, batch_size=8, rate=RATE.get(how, 5e-3))
    history = learn(
        network,
        toy.LENGTHS,
        toy.loss(network, start),
        schedule,
        adaptation=Adaptation(how, size=4),
        judge=judge,
        say=lambda line: None,
    )
    return network, history


def moved(network, start) -> set[str]:
    """The names of the weights that are not as they were at the start."""
    before = toy.classifier(start).state_dict()
    return {n for n, w in network.state_dict().items() if n in before and (w != before[n]).any()}


def test_the_command_offers_every_way():
    assert set(RATES) == set(WAYS)


@pytest.mark.parametrize("how", ["lora", "adalora", "adapters"])
def test_what_is_added_begins_without_effect(start, how):
    network = toy.classifier(start)
    before = toy.answers(network, start)
    adapt(network, Adaptation(how, size=4), STEPS)
    torch.testing.assert_close(toy.answers(network, start), before)


@pytest.mark.parametrize("how", WAYS)
def test_the_loss_falls_and_the_checkpoint_answers_alike(start, how, tmp_path):
    network, history = train(start, how)
    assert history.losses[-1] < history.losses[0] * 0.9
    assert all(weight.requires_grad for weight in network.parameters())
    networks.save(network, tmp_path)
    bare_tokenizer(start).save(str(tmp_path / "tokenizer.json"))
    again = networks.load(tmp_path, "intent")
    assert networks.labels(tmp_path) == toy.LABELS
    torch.testing.assert_close(toy.answers(again, start), toy.answers(network, start))


@pytest.mark.parametrize("how", WAYS)
def test_the_served_model_gives_the_answers_that_training_judged(start, how, tmp_path, monkeypatch):
    network, judged = toy.classifier(start), []

    def judge():
        """By the network as it is trained, before what was added is merged or laid beside it."""
        judged.append(toy.answers(network, start).softmax(dim=1).numpy())
        return {"epochs": len(judged)}  # the last is the best

    train(start, how, network, judge)
    alone = toy.classifier(start)
    alone.load_state_dict({n: w for n, w in network.state_dict().items() if n in HEAD}, False)
    without = toy.answers(alone, start).softmax(dim=1).numpy()
    assert (np.abs(without - judged[-1]).max() > 0.06) == (how != "frozen")  # it is not the head
    networks.save(network, tmp_path / "run")
    bare_tokenizer(start).save(str(tmp_path / "run" / "tokenizer.json"))
    monkeypatch.setattr(quantize, "FEW", 100)  # a toy's layers have few weights
    monkeypatch.setattr(quantize, "MANY", 10**6)  # 4 bits of a table 32 wide drown the rest
    texts = [e.text for e in toy.EXAMPLES[:6]]
    (tmp_path / "asked.txt").write_text("\n".join(texts))
    export.export(tmp_path / "run", "intent", tmp_path / "model", "int8", tmp_path / "asked.txt")
    model = contract.load(tmp_path / "model")
    rounded = Predictor(model).run(texts)
    np.testing.assert_allclose(rounded, judged[-1], atol=0.03)
    shutil.copyfile(model.float32, model.onnx)
    np.testing.assert_allclose(Predictor(model).run(texts), judged[-1], atol=1e-5)


def test_pooling_is_what_it_says_and_is_kept_in_the_checkpoint(start, tmp_path):
    tokenizer = bare_tokenizer(start)
    for pooling in ("cls", "mean"):
        network = toy.classifier(start, pooling=pooling)
        states = (
            networks.load(start, "encoder")
            .eval()
            .bert(torch.tensor([tokenizer.encode(toy.EXAMPLES[0].text).ids]))
        )
        seen = states.pooler_output if pooling == "cls" else states.last_hidden_state.mean(dim=1)
        expected = network.classifier.classifier(seen)[0]
        torch.testing.assert_close(toy.answers(network, start)[0], expected)
        networks.save(network, tmp_path / pooling)
        bare_tokenizer(start).save(str(tmp_path / pooling / "tokenizer.json"))
        again = networks.load(tmp_path / pooling, "intent")
        torch.testing.assert_close(toy.answers(again, start), toy.answers(network, start))


def test_a_frozen_bert_stays_as_it_was(start):
    network, _ = train(start, "frozen")
    assert moved(network, start) == HEAD


@pytest.mark.parametrize("how", ["adapters", "prefix"])
def test_the_matrices_stay_as_they_were(start, how):
    network, _ = train(start, how)
    touched = {name for name in moved(network, start) if "LayerNorm" not in name}
    assert touched == HEAD


def test_lora_is_merged_into_the_layers_and_leaves_the_embeddings(start):
    network, _ = train(start, "lora")
    assert network.state_dict().keys() == toy.classifier(start).state_dict().keys()
    touched = moved(network, start)
    assert "classifier.bert.encoder.layer.0.attention.self.query.weight" in touched
    assert "classifier.bert.encoder.layer.1.output.dense.weight" in touched
    assert not any("embeddings" in name for name in touched)


def test_adalora_ends_with_the_rank_it_may_keep(start):
    network = toy.classifier(start)
    adapted = adapt(network, Adaptation("adalora", size=2), STEPS)
    kept = []
    adapted.finish = lambda: kept.extend(
        int((w != 0).sum()) for n, w in network.named_parameters() if "lora_E" in n
    )
    schedule = Schedule(epochs=4, batch_size=8, rate=5e-3)
    run = Run(network, adapted, toy.loss(network, start), schedule, STEPS)
    for _ in range(4):
        run.epoch([list(range(i, i + 8)) for i in (0, 8, 16)], None, lambda: None)
    run.finish()
    assert sum(kept) <= 2 * len(kept) < 3 * len(kept)


def test_gradual_goes_from_the_top_down(start):
    network = toy.classifier(start)
    adapted = adapt(network, Adaptation("gradual"), 60)
    seen = []
    for step in range(60):
        adapted.before(step)
        levels = {adapted.level(n) for n, w in network.named_parameters() if w.requires_grad}
        if not seen or levels != seen[-1]:
            seen.append(levels)
    assert seen == [{3}, {2, 3}, {1, 2, 3}, {0, 1, 2, 3}]


def test_gradual_moves_what_was_frozen_at_first(start):
    network, _ = train(start, "gradual")
    assert any("word_embeddings" in name for name in moved(network, start))


def test_lower_layers_learn_slower_and_norms_do_not_decay(start):
    network = toy.classifier(start)
    settings = Adaptation(layer_decay=0.5, head_rate=1.0, table_rate=0.1)
    groups = adapt(network, settings, STEPS).groups(0.01, 0.3)
    of = {id(w): (group["lr"], group["weight_decay"]) for group in groups for w in group["params"]}
    bert = network.classifier.bert
    assert of[id(network.classifier.classifier.weight)] == (1.0, 0.3)
    assert of[id(bert.encoder.layer[1].output.dense.weight)] == (0.01, 0.3)
    assert of[id(bert.encoder.layer[0].output.dense.weight)] == (0.005, 0.3)
    assert of[id(bert.encoder.layer[0].output.dense.bias)] == (0.005, 0.0)
    assert of[id(bert.embeddings.word_embeddings.weight)] == pytest.approx((0.00025, 0.3))
    assert len(of) == len(list(network.parameters()))


@pytest.mark.parametrize("kind", ["encoder", "matching"])
def test_the_other_networks_adapt_and_come_back_too(start, kind, tmp_path):
    network = networks.load(start, kind)
    adapt(network, Adaptation("adapters", size=4), STEPS).finish()
    with torch.no_grad():
        network.bert.encoder.layer[0].output.dropout.up.weight.normal_()
    networks.save(network, tmp_path)
    again = networks.load(tmp_path, kind)
    for name, weight in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], weight)


def test_adapters_on_adapters_are_refused(start):
    network = toy.classifier(start)
    adapt(network, Adaptation("adapters", size=4), STEPS)
    with pytest.raises(UsageError, match="--how full"):
        adapt(network, Adaptation("prefix", size=4), STEPS)


def test_a_way_that_is_none_is_named(start):
    with pytest.raises(UsageError, match="'half'"):
        adapt(toy.classifier(start), Adaptation("half"), STEPS)
