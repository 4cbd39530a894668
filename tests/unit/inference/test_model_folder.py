"""A model folder is read as it is, or refused in one line that names the file and the remedy."""

import json

import pytest

from tests.servers.models import LABELS, TAGS, build
from triton_models.contract import ModelFolderError, load, load_all

WRONG = [
    ("name", "a b", "letters"),
    ("version", 0, "above 0"),
    ("version", True, "above 0"),
    ("kind", "bert", "one of encoder, intent, matching"),
    ("inputs", ["ids"], "input_ids, attention_mask"),
    ("output", "", "a name"),
    ("dimension", "5", "a whole number"),
    ("labels", LABELS[:4], "5 different names"),
    ("labels", [*LABELS[:4], LABELS[0]], "5 different names"),
    ("labels", [*LABELS[:4], "a\nb"], "each of one line"),
    ("max_length", 7, "from 8"),
    ("max_batch_size", 1.5, "a whole number"),
    ("onnx_sha256", None, "hash"),
    ("multi", True, "a query has one label"),
]


@pytest.fixture
def models(tmp_path):
    build(tmp_path)
    return tmp_path


def change(folder, **fields):
    file = folder / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def told(folder):
    with pytest.raises(ModelFolderError) as caught:
        load(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
    return str(caught.value)


def test_a_good_folder(models):
    intent = load(models / "intent")
    assert intent.labels == tuple(LABELS) and intent.threshold is None
    assert intent.length_buckets == (8, 16, 32, 64)
    assert load(models / "matching").threshold == 0.5
    assert [contract.name for contract in load_all(models)] == ["encoder", "intent", "matching"]


def test_an_intent_model_with_tags_is_a_tagging_model_too(models):
    intent = load(models / "intent")
    assert intent.tagging.spec.by_token and intent.tagging.output == "tag_probabilities"
    assert intent.tagging.shapes == {"tag_probabilities": (-1, len(TAGS))}
    assert intent.tagging.onnx == intent.onnx
    assert load(models / "matching").tagging is None
    change(models / "intent", tags=None)
    assert load(models / "intent").tagging is None
    for wrong in ([], {"output": 3}, {"output": "x"}, {"output": "x", "labels": ["O", "B-a"]}):
        change(models / "intent", tags=wrong)
        assert "tags: found" in told(models / "intent")
    change(models / "intent", tags={"output": "x", "labels": [*TAGS, "O"]})
    assert "O, B-tag and I-tag of each" in told(models / "intent")


def test_buckets_end_with_the_longest_length(models):
    change(models / "intent", max_length=48)
    assert load(models / "intent").length_buckets == (8, 16, 32, 48)
    change(models / "intent", max_length=8)
    assert load(models / "intent").length_buckets == (8,)


@pytest.mark.parametrize(("field", "value", "expected"), WRONG)
def test_a_wrong_field(models, field, value, expected):
    change(models / "intent", **{field: value})
    message = told(models / "intent")
    assert f"{field}: found" in message and expected in message


def test_a_missing_field(models):
    file = models / "intent" / "model.json"
    fields = json.loads(file.read_text())
    del fields["max_length"]
    file.write_text(json.dumps(fields))
    assert "max_length: found nothing" in told(models / "intent")


@pytest.mark.parametrize("threshold", [None, "0.5", 1.5, True])
def test_matching_needs_a_threshold(models, threshold):
    change(models / "matching", threshold=threshold)
    assert "a number from 0 to 1" in told(models / "matching")


@pytest.mark.parametrize("file", ["model.json", "model.onnx", "tokenizer.json"])
def test_a_missing_file(models, file):
    (models / "intent" / file).unlink()
    assert "not found" in told(models / "intent")


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_file_of_another_model(models, file):
    (models / "intent" / file).write_bytes(b"another")
    assert "belong together" in told(models / "intent")


@pytest.mark.parametrize("text", ["", "[]", "{", "\udcff"])
def test_a_description_that_is_none(models, text):
    (models / "intent" / "model.json").write_bytes(text.encode(errors="surrogateescape"))
    assert "export the model again" in told(models / "intent")


def test_a_folder_without_models(tmp_path):
    with pytest.raises(ModelFolderError, match="no model folder"):
        load_all(tmp_path)
