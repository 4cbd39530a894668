"""The committed models hold their contract and do as well as their cards say."""

import re
import shutil
import tomllib

import numpy as np
import pytest

from tests.unit.triton_models.starters import STARTERS
from triton_models import contract
from triton_models.__main__ import parser
from triton_models.data import dataset
from triton_models.evaluation import evaluate
from triton_models.kinds import KINDS
from triton_models.kinds.tagging.answers import decoded
from triton_models.kinds.tagging.words import labels_of
from triton_models.serving.predictor import load
from triton_models.serving.served import ServedModel
from triton_models.settings import LABELS, MAX_BATCH_SIZE, MAX_LENGTH, STARTER, buckets
from triton_models.text import encode
from worker.config.settings import STARTER_LEXICON

TAGS = (
    *("age", "brand", "color", "condition", "content", "excluded", "gender", "material", "model"),
    *("origin", "price", "product", "quantity", "size", "style", "use"),
)
TAGGED = {
    "red running shoes": {("color", "red"), ("product", "running shoes")},
    "samsung 55 inch tv": {("brand", "samsung"), ("size", "55 inch"), ("product", "tv")},
    "mens leather belt": {("gender", "mens"), ("material", "leather"), ("product", "belt")},
    "star wars poster": {("content", "star wars"), ("product", "poster")},
    "shoes without laces": {("product", "shoes"), ("excluded", "laces")},
    "iphone 7 case": {("use", "iphone 7"), ("product", "case")},
    "logitech m705": {("brand", "logitech"), ("model", "m705")},
    "wedding dress for women": {("gender", "for women")},
}
MOST_BYTES = 45_000_000  # of weights, the lexicon's vectors among them


@pytest.fixture(scope="module", params=STARTERS)
def model(request) -> contract.ModelContract:
    return contract.load(STARTER / request.param)  # checks the hashes of the files


def test_contract_is_the_one_that_is_asked_for(model):
    assert model.name == model.kind == model.folder.name
    assert model.length_buckets == buckets(MAX_LENGTH)
    assert model.max_batch_size == MAX_BATCH_SIZE
    assert model.labels == (LABELS if model.kind == "intent" else ())
    assert model.dimension == {"intent": 5, "encoder": 384, "matching": 1}[model.kind]
    assert (model.tags is not None) == (model.kind == "intent")
    assert model.tags is None or model.tags.labels == labels_of(TAGS)


def test_models_share_one_tokenizer():
    assert len({contract.load(STARTER / kind).tokenizer_sha256 for kind in STARTERS}) == 1


def test_all_weights_together_are_small():
    weights = [*STARTER.rglob("*.onnx"), STARTER_LEXICON / "built" / "vectors.usearch"]
    assert sum(path.stat().st_size for path in weights) <= MOST_BYTES


@pytest.mark.parametrize("length", buckets(MAX_LENGTH))
@pytest.mark.parametrize("batch", [1, 2, MAX_BATCH_SIZE])
def test_every_bucket_and_batch_is_answered(model, length, batch):
    served = ServedModel(model.folder)
    assert tuple(served.inputs) == model.inputs
    assert [output.name for output in served.session.get_outputs()] == [*model.shapes]
    answer = served.infer({name: np.ones((batch, length), np.int64) for name in model.inputs})
    tokens = (length,) if model.spec.by_token else ()
    assert answer.shape == (batch, *tokens, model.dimension)
    assert answer.dtype == np.float32
    assert np.isfinite(answer).all()


def test_answers_are_probabilities_unit_vectors_and_scores(model):
    served = ServedModel(model.folder)
    texts = ["red running shoes", "wher is my order", "sony wh-1000xm5 black", "a"]
    terms = ["sneakers"] * len(texts) if model.kind == "matching" else None
    answers = np.concatenate([np.atleast_2d(answer) for answer in served.run(texts, terms)])
    assert answers.min() >= (-1 if model.kind == "encoder" else 0)
    assert answers.max() <= 1
    if model.labels:
        np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    if model.kind == "encoder":
        np.testing.assert_allclose(np.linalg.norm(answers, axis=1), 1, atol=1e-5)


def test_padding_changes_little(model):
    """Int8 rounds activations by the largest of the batch, so a little is expected."""
    served = ServedModel(model.folder)
    arrays = encode(
        served.tokenizer, ["red shoes"], ["boots"] if model.kind == "matching" else None
    )
    wider = {name: np.pad(array, ((0, 0), (0, 56))) for name, array in arrays.items()}
    short, long = served.infer(arrays), served.infer(wider)
    if model.spec.by_token:
        long = long[:, : short.shape[1]]
    assert np.abs(short - long).max() < 0.05


def test_no_printable_character_is_unknown():
    tokenizer = ServedModel(STARTER / "intent").tokenizer
    unknown = tokenizer.token_to_id("[UNK]")
    for text in map(chr, [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xC0, 0x100)]):
        assert unknown not in tokenizer.encode(f"x{text} {text}").ids, text


def test_no_path_of_the_machine_that_made_it(model):
    content = model.onnx.read_bytes()
    assert not re.search(rb"site-packages|/home/|\.py\b", content)


def summary(kind: str) -> dict:
    return KINDS[kind].part("summary").summary(STARTER / kind, evaluate.dev_of(kind))


def test_intent_does_as_its_card_says():
    report = summary("intent")
    card = (STARTER / "intent" / "CARD.md").read_text()
    stated = float(re.search(r"macro-F1 \*\*([\d.]+)\*\*", card).group(1))
    assert report["macro_f1"] == pytest.approx(stated, abs=0.006)  # int8 kernels differ a little
    assert stated > 0.8
    assert min(row["recall"] for row in report["labels"].values()) > 0.6


def test_matching_does_as_its_card_says():
    report = summary("matching")
    card = (STARTER / "matching" / "CARD.md").read_text()
    stated = float(re.search(r"F1 \*\*([\d.]+)\*\*", card).group(1))
    assert report["f1"] == pytest.approx(stated, abs=0.02)


def test_tagging_does_as_its_card_says():
    """On queries like those that it has seen; its dev side is not committed."""
    model = load(STARTER / "intent", "tagging", 8)
    found = {}
    for form, answer in zip(TAGGED, model.run([*TAGGED]), strict=True):
        spans = decoded(model, form, answer).spans
        found[form] = {(span.tag, form[span.start : span.end]) for span in spans}
    right = sum(len(found[form] & spans) for form, spans in TAGGED.items())
    assert right >= 0.8 * sum(map(len, TAGGED.values())), found
    assert "micro-F1 **0.744**" in (STARTER / "intent" / "CARD.md").read_text()


@pytest.mark.parametrize("kind", STARTERS)
def test_card_says_where_it_comes_from_and_where_it_ends(kind):
    card = (STARTER / kind / "CARD.md").read_text()
    assert "Apache-2.0" in card
    assert "## Limits" in card


@pytest.mark.parametrize("kind", STARTERS)
def test_a_script_of_the_kits_own_commands_remakes_it(kind):
    script = (STARTER / kind / "remake.sh").read_text()
    commands = [
        line.split()[3:]
        for line in script.splitlines()
        if line.startswith("python -m triton_models ")
    ]
    assert [words[0] for words in commands][-2:] == ["export", "compare"]
    for words in commands:
        parser().parse_args(words)  # exits where an option is unknown
    assert f"finetune {kind} --manifest triton_models/starter/{kind}/manifest.toml" in script


@pytest.mark.parametrize("kind", STARTERS)
def test_its_manifest_names_licences(kind):
    parts = tomllib.loads((STARTER / kind / "manifest.toml").read_text())["source"]
    assert all(source["licence"] and source["split"] == "by_key" for source in parts)


@pytest.mark.parametrize("kind", ["encoder", "intent", "matching"])
def test_its_manifest_reads_what_we_wrote(kind, tmp_path):
    text = (STARTER / kind / "manifest.toml").read_text()
    parts = tomllib.loads(text)["source"]
    own = [block for block in text.split("[[source]]")[1:] if "../data" not in block]
    place = tmp_path / kind / "manifest.toml"
    for source in (s for s in parts if "../data" not in s["path"]):
        copy = place.parent / source["path"]
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(STARTER / kind / source["path"], copy)
    place.write_text("".join(f"[[source]]{block}" for block in own))
    data = dataset.load(place)
    assert len(data.rows) > 1500 and not data.left_out
