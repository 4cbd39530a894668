"""The second head of intent: learned from queries that lack either label, served in one pass."""

import json

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
from triton_models.data import dataset
from triton_models.data.manifest import SENTIMENTS
from triton_models.kinds.intent import classify, examples, side_task
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.side_task import SideTask
from triton_models.serving import repository
from triton_models.serving.predictor import Predictor
from triton_models.settings import UsageError
from triton_models.training import networks
from triton_models.training.vocabulary import bare_tokenizer

MOODS = {"love": "positive", "hate": "negative", "see": "neutral"}


def rows() -> list[str]:
    """Queries with both labels, with one, and with the other."""
    made = []
    for mood, sentiment in MOODS.items():
        for number in range(12):
            for thing, intent in (("shoes", "browse"), ("refund", "complaint")):
                given = (intent, sentiment) if number % 3 else (intent, "")
                given = ("", sentiment) if number % 3 == 1 else given
                made.append(f"{mood} {thing} {number},{given[0]},{given[1]}")
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run and its model folder, trained from `mine.csv`, whose columns may be empty."""
    folder = tmp_path_factory.mktemp("sentiment")
    (folder / "mine.csv").write_text("query,intent,sentiment\n" + "\n".join(rows()) + "\n")
    return toy.trained(folder, "--queries", folder / "mine.csv", "--epochs", 20, "--batch", 8)


def test_both_are_learned_from_queries_that_lack_either(folder):
    notes = json.loads((folder / "run" / "run.json").read_text())
    assert notes["data"]["sentiments"] > 30
    assert notes["result"]["dev"]["accuracy"] > 0.8
    found = notes["result"]["sentiment"]
    assert found["accuracy"] > 0.8
    assert 0 <= found["calibration_error"] < 1 > found["calibration_error_before"]
    assert networks.kind_of(folder / "run") == "intent"


def test_its_calibration_is_of_folds_that_the_temperature_was_not_fitted_on(folder):
    start = folder / "toy"
    network, tokenizer = toy.classifier(start, sentiments=SENTIMENTS), bare_tokenizer(start)
    dev = [Example(f"query {i}", (), sentiment=SENTIMENTS[i % 3]) for i in range(30)]
    task = SideTask(network, tokenizer, network.head, "sentiment", SENTIMENTS, dev)
    with torch.no_grad():
        network.head.weight *= 20  # far too sure
    texts, wanted = [e.text for e in dev], task.columns(dev)
    said = task.logits(texts)
    honest = classify.cross_fitted(said, wanted, texts)
    found = task.measure(dev, fold=True)
    assert found["calibration_error_before"] == side_task.error(said, wanted)
    assert found["calibration_error"] == side_task.error(honest, wanted)
    fitted = side_task.error(task.logits(texts), wanted)  # at the temperature that all ask for
    assert found["calibration_error"] != fitted and found["temperature"] > 1


def test_the_contract_describes_the_second_output_and_triton_serves_it(folder):
    found = contract.load(folder / "models" / "intent")
    assert found.labels == ("browse", "complaint") and found.dimension == 2
    (head,) = found.heads
    assert (head.name, head.labels) == ("sentiment", ("positive", "neutral", "negative"))
    assert list(found.outputs.values()) == [2, 3]
    text = repository.config(found, "onnxruntime", 1)
    assert 'name: "sentiment_probabilities" data_type: TYPE_FP32 dims: [ 3 ]' in text


def test_one_call_answers_both_as_the_checkpoint_does(folder):
    predictor = Predictor(contract.load(folder / "models" / "intent"))
    texts = ["love shoes 3", "hate refund"]
    both = predictor.run(texts, heads=True)
    assert both.shape == (2, 5)
    np.testing.assert_allclose(both[:, 2:].sum(axis=1), 1, atol=1e-4)
    network = networks.load(folder / "run", "intent").eval()
    ids = [torch.tensor([e.ids]) for e in predictor.encode(texts)]
    for row, one in zip(both, ids, strict=True):
        with torch.no_grad():
            own = torch.cat(network(one, torch.ones_like(one)), dim=1)[0]
        np.testing.assert_allclose(row, own.numpy(), atol=0.1)  # int8
    assert both[:, 2:].argmax(axis=1).tolist() == [0, 2]


def test_predict_and_evaluate_tell_of_it(folder, tmp_path, capsys):
    model = str(folder / "models" / "intent")
    (tmp_path / "asked.txt").write_text("hate refund\n")
    assert main(["predict", "intent", str(tmp_path / "asked.txt"), "--model", model]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["label"] == "complaint" and told["sentiment"]["label"] == "negative"
    row = {"query": "hate refund", "intent": "complaint", "sentiment": "negative"}
    (tmp_path / "dev.jsonl").write_text(json.dumps(row) + "\n")
    given = ["--model", model, "--dev", str(tmp_path / "dev.jsonl"), "--json"]
    assert main(["evaluate", "intent", *given]) == 0
    assert json.loads(capsys.readouterr().out)["sentiment"]["accuracy"] == 1.0


def test_another_sentiment_is_named_by_line(tmp_path):
    (tmp_path / "mine.csv").write_text("query,intent,sentiment\na,browse,\nb,browse,angry\n")
    with pytest.raises(UsageError, match=r"mine.csv:3: sentiment: found 'angry', expected pos"):
        examples.read(str(tmp_path / "mine.csv"))


def test_a_manifest_may_have_the_column_too(tmp_path):
    (tmp_path / "a.csv").write_text("query,intent,sentiment\nred,browse,\nbad,,negative\n")
    source = 'name = "a"\npath = "a.csv"\nformat = "queries"\nlicence = "own"\nsplit = "train"\n'
    (tmp_path / "manifest.toml").write_text("[[source]]\n" + source)
    learned, _ = examples.of_manifest(dataset.load(tmp_path / "manifest.toml"))
    assert [(e.labels, e.sentiment) for e in learned] == [(("browse",), ""), ((), "negative")]
