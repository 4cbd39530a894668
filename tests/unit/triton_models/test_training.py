"""The training code at toy size: a loss that falls, an ONNX file that answers as its network."""

import itertools
import json
from datetime import datetime, timedelta

import numpy as np
import onnx
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification, BertModel

from triton_models import contract
from triton_models.kinds import KINDS
from triton_models.kinds.intent import classify
from triton_models.kinds.intent.classify import Lesson
from triton_models.kinds.intent.examples import Example
from triton_models.serving import check_texts, export
from triton_models.serving.served import ServedModel
from triton_models.settings import LABELS, STARTER, UsageError
from triton_models.training import networks, vocabulary
from triton_models.training.loop import fit
from triton_models.training.schedule import Schedule, batches

QUERIES = [
    Example(text, (label,))
    for text, label in [
        ("buy it now", "purchase"),
        ("red shoes", "browse"),
        ("how long is delivery", "inquiry"),
        ("parcel broken", "complaint"),
        ("hello there", "other"),
    ]
] * 8


UNTRAINED = [name for name, kind in KINDS.items() if not kind.by_token]  # have a usual head


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A toy BERT: two layers, 48 wide, with the tokenizer of the starter models."""
    folder = tmp_path_factory.mktemp("toy")
    tokenizer = Tokenizer.from_file(str(STARTER / "encoder" / "tokenizer.json"))
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def test_the_loss_falls_and_the_labels_are_learned(checkpoint):
    network = networks.load(checkpoint, "intent")
    tokenizer = vocabulary.bare_tokenizer(checkpoint)
    loss = classify.Loss(network, tokenizer, QUERIES, LABELS, Lesson(consistency=1.0))
    schedule = Schedule(epochs=40, batch_size=8, rate=3e-3)
    lengths = [len(q.text) for q in QUERIES]
    means = fit(network, lengths, loss, schedule, say=lambda line: None)
    assert means[-1] < means[0] / 2


def test_temperature_is_folded_into_the_last_layer(checkpoint):
    torch.manual_seed(2)
    network = networks.load(checkpoint, "intent").eval()
    before = network.classifier.classifier.weight.clone()
    tokenizer = vocabulary.bare_tokenizer(checkpoint)
    said = classify.logits(network, tokenizer, [q.text for q in QUERIES])
    wanted = classify.targets(QUERIES, LABELS)
    temperature = classify.calibrate(network, said, wanted)
    torch.testing.assert_close(network.classifier.classifier.weight * temperature, before)


def test_batches_hold_every_example_once():
    import random

    rows = batches([5, 50, 7, 60, 6], 2, random.Random(3))
    assert sorted(i for row in rows for i in row) == [0, 1, 2, 3, 4]
    assert max(map(len, rows)) == 2


@pytest.mark.parametrize("kind", UNTRAINED)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_export_answers_as_the_network(checkpoint, tmp_path, kind, precision):
    out = tmp_path / kind
    checked = export.export(checkpoint, kind, out, precision)
    differences = checked.differences
    assert "English texts" in str(checked)
    assert differences["fp32"] < 1e-4
    assert differences.get("int8", 0) < 0.05
    written = contract.load(out)
    assert (written.kind, written.dimension) == (
        kind,
        {"intent": len(LABELS), "encoder": 48, "matching": 1}[kind],
    )
    terms = ["shoes"] * 2 if kind == "matching" else None
    assert np.isfinite(ServedModel(out).run(["red shoes", "a " * 90], terms)).all()


@pytest.mark.parametrize("kind", UNTRAINED)
def test_a_broken_int8_file_is_refused(checkpoint, tmp_path, kind, monkeypatch):
    sure = tmp_path / "sure"
    network = networks.load(checkpoint, kind)
    with torch.no_grad():
        if kind == "intent":  # surely the second label; the wrong weights say the third
            network.classifier.classifier.bias[1:3] = torch.tensor([9.0, -9.0])
        elif kind == "matching":
            network.head.bias[0] = -30.0  # surely no match
    networks.save(network, sure)
    vocabulary.bare_tokenizer(checkpoint).save(str(sure / "tokenizer.json"))
    export.export(sure, kind, tmp_path / "whole")

    def broken(path):
        """All weights with the wrong sign and in the wrong place."""
        model = onnx.load(path)
        for weight in model.graph.initializer:
            if weight.data_type == onnx.TensorProto.FLOAT:
                values = onnx.numpy_helper.to_array(weight)
                wrong = -values.ravel()[::-1].reshape(values.shape)
                weight.CopyFrom(onnx.numpy_helper.from_array(wrong, weight.name))
        onnx.save(model, path)

    monkeypatch.setattr(export, "quantize", broken)
    with pytest.raises(RuntimeError, match="agrees with the network on .* --precision fp32$"):
        export.export(sure, kind, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_answers_that_are_no_numbers_are_refused(checkpoint, tmp_path):
    export.export(checkpoint, "intent", tmp_path / "out", "fp32")
    expected = np.full((3, len(LABELS)), 1 / len(LABELS))
    with pytest.raises(RuntimeError, match="nan%"):
        export.require_agreement(contract.load(tmp_path / "out"), [expected], [expected * np.nan])


def test_the_pair_model_begins_as_a_cosine_and_keeps_what_it_learned(checkpoint, tmp_path):
    network = networks.load(checkpoint, "matching").eval()
    ids = torch.tensor([[2, 40, 3, 40, 3], [2, 40, 3, 90, 3]])
    types = torch.tensor([[0, 0, 0, 1, 1]] * 2)
    same, other = network(ids, torch.ones_like(ids), types)[:, 0]
    assert same > other
    with torch.no_grad():
        network.head.bias += 1.0
    networks.save(network, tmp_path)
    again = networks.load(tmp_path, "matching").eval()
    expected = network(ids, torch.ones_like(ids), types)
    torch.testing.assert_close(again(ids, torch.ones_like(ids), types), expected)


def test_a_classifier_of_your_own_keeps_its_labels(checkpoint, tmp_path):
    config = BertConfig.from_pretrained(checkpoint)
    config.id2label = {0: "buy", 1: "look", 2: "ask"}
    BertForSequenceClassification(config).save_pretrained(tmp_path / "mine")
    vocabulary.bare_tokenizer(checkpoint).save(str(tmp_path / "mine" / "tokenizer.json"))
    export.export(tmp_path / "mine", "intent", tmp_path / "out", "fp32")
    assert contract.load(tmp_path / "out").labels == ("buy", "look", "ask")


def test_exporting_again_keeps_the_card(checkpoint, tmp_path):
    out = tmp_path / "encoder"
    export.export(checkpoint, "encoder", out, "fp32")
    (out / "CARD.md").write_text("mine")
    export.export(checkpoint, "encoder", out, "fp32")
    assert (out / "CARD.md").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["encoder"]


def exported(onnx, at):
    """The version of a model that is exported to a folder."""
    contract = {"name": "intent", "version": 1, "onnx_sha256": onnx}
    contract["version"] = export.version_of(contract, at)
    at.write_text(json.dumps(contract))
    return contract["version"]


def test_versions_rise_with_the_content(tmp_path, monkeypatch):
    file, found = tmp_path / "model.json", []
    monkeypatch.setattr(export, "moment", lambda: 2026010100000000)
    found = [exported(onnx, file) for onnx in ("a", "a", "b")]
    assert found == [2026010100000000, 2026010100000000, 2026010100000001]  # the same; another
    monkeypatch.setattr(export, "moment", lambda: 2025111111111111)  # the clock went back
    assert exported("c", file) == 2026010100000002
    assert exported("c", tmp_path / "other.json") == 2025111111111111
    file.write_text("no contract")
    assert exported("c", file) == 2025111111111111


def test_versions_of_two_folders_differ_within_a_second(tmp_path, monkeypatch):
    class Clock(datetime):
        """Each look is 10 ms later, from 23:59:59.985."""

        looks = itertools.count()

        @classmethod
        def now(cls, zone):
            begin = datetime(2026, 12, 31, 23, 59, 59, 985_000, zone)
            return begin + timedelta(milliseconds=10) * next(cls.looks)

    monkeypatch.setattr(export, "datetime", Clock)
    found = [exported(onnx, tmp_path / f"{onnx}.json") for onnx in "abc"]
    assert found == [2026123123595998, 2026123123595999, 2027010100000000]
    assert found[0] > 202611282136 and found[-1] < 2**53  # above those of minutes; exact in JSON


def test_it_is_checked_on_texts_of_its_own(tmp_path):
    own = tmp_path / "asked.txt"
    own.write_text("Wo ist mein Paket\nrote schuhe\n")
    found, of = check_texts.of(tmp_path, "intent", own)
    assert [one.text for one in found] == ["rote schuhe", "wo ist mein paket"]
    assert of == "texts of asked.txt"
    assert "English" in check_texts.of(tmp_path, "intent", None)[1]
    rows = [{"query": f"frage {i}", "term": f"titel {i}", "match": 1} for i in range(400)]
    (tmp_path / "dev.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for kind, both in (("intent", False), ("matching", False), ("encoder", True)):
        found, of = check_texts.of(tmp_path, kind, None)
        assert of == "texts of dev.jsonl" and 120 < len(found) <= check_texts.MOST
        assert any(one.text.startswith("titel") for one in found) == both


def test_int8_that_differs_more_than_a_tie_is_refused():
    model = contract.load(STARTER / "matching")
    expected = np.full((100, 1), model.threshold + 0.03)
    tie = np.full((100, 1), model.threshold + 0.004)
    export.require_agreement(model, [tie], [tie - 0.008])
    with pytest.raises(RuntimeError, match="agrees with the network on 0.0%"):
        export.require_agreement(model, [expected], [expected - 0.06])


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path):
    with pytest.raises(UsageError, match="config.json"):
        export.export(tmp_path, "intent", tmp_path / "out")


def test_pruned_vocabulary_keeps_characters_and_frequent_pieces(checkpoint):
    tokenizer = vocabulary.bare_tokenizer(checkpoint)
    kept = vocabulary.choose_pieces(tokenizer, ["shoes shoes sneakers"], size=0)
    assert all(vocabulary.is_character(tokenizer.id_to_token(i)) for i in kept[5:])
    small = vocabulary.prune(tokenizer, sorted({*kept, tokenizer.token_to_id("shoes")}))
    encoded = small.encode("shoes zebra")
    assert encoded.tokens[:2] == ["[CLS]", "shoes"]
    assert "[UNK]" not in encoded.tokens
    vocabulary_ids = json.loads(small.to_str())["model"]["vocab"].values()
    assert sorted(vocabulary_ids) == list(range(len(vocabulary_ids)))
