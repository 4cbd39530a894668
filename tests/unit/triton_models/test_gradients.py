"""Integrated gradients on a toy checkpoint, beside the effects found on its ONNX model."""

import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification

from triton_models.__main__ import main
from triton_models.explanation import explain, gradients, view
from triton_models.serving import export
from triton_models.serving.predictor import load
from triton_models.settings import STARTER, UsageError
from triton_models.text import encode
from triton_models.training import networks

WORDS = {"buy": 0, "look": 1, "refund": 2}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A toy classifier that has learned one telling word a label, and its model folder."""
    return learned(tmp_path_factory.mktemp("toy"))


def learned(folder):
    torch.manual_seed(3)
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(STARTER / "intent" / "tokenizer.json"))
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=dict(enumerate(WORDS)),
        label2id=WORDS,
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    BertForSequenceClassification(config).save_pretrained(folder)
    network = networks.load(folder, "intent").eval()
    others = ["my red shoes", "the large garden hose now", "one", "please it"]
    asked = [[word] for word in WORDS]
    texts = [f"{o} {' '.join(words)} {o}" for o in others for words in asked]
    arrays = {name: torch.from_numpy(a) for name, a in encode(tokenizer, texts).items()}
    wanted = torch.tensor([[float(w in words) for w in WORDS] for _ in others for words in asked])
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(60):
        logits = network.logits(arrays["input_ids"], arrays["attention_mask"])
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits, wanted).backward()
        optimizer.step()
    networks.save(network, folder / "checkpoint")
    tokenizer.save(str(folder / "checkpoint" / "tokenizer.json"))
    export.export(folder / "checkpoint", "intent", folder / "model", "fp32")
    return folder


def test_gradients_and_effects_find_the_same_word(toy):
    predictor = load(toy / "model", "intent")
    found = explain.explain(predictor, "please the refund my red shoes")
    found, answer = gradients.add(found, toy / "checkpoint")
    assert found.label == "refund" and answer == pytest.approx(found.score, abs=1e-4)
    for value in ("effect", "gradient"):
        assert max(found.words, key=lambda word: getattr(word, value)).text == "refund"
    assert view.correlation(found) > 0.3


def test_gradients_add_up_to_the_difference_of_the_answers(toy):
    network = networks.load(toy / "checkpoint", "intent").eval()
    ids = torch.tensor([[2, 40, 50, 60, 3]])
    blank = torch.tensor([[2, 0, 0, 0, 3]])
    mask = torch.ones_like(ids)
    effects = gradients.integrate(network, [ids, mask], blank, column=1)
    with torch.no_grad():
        difference = network(ids, mask)[0, 1] - network(blank, mask)[0, 1]
    assert float(effects.sum()) == pytest.approx(float(difference), abs=1e-3)
    assert effects[0] == effects[-1] == 0  # [CLS] and [SEP] are the same on the whole path


def test_the_command_tells_how_well_they_agree(toy, capsys):
    arguments = ["--model", str(toy / "model"), "--checkpoint", str(toy / "checkpoint")]
    assert main(["explain", "intent", "please refund it", *arguments]) == 0
    out = capsys.readouterr().out
    assert "gradient" in out and "rank correlation of effect and integrated gradient: " in out


def test_a_checkpoint_of_other_labels_is_refused(toy):
    found = explain.explain(load(STARTER / "intent", "intent"), "refund")
    with pytest.raises(UsageError, match="give the checkpoint that the model came from"):
        gradients.add(found, toy / "checkpoint")
