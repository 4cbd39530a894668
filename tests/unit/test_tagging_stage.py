"""Tags, of the optional tagging model or of the intent model, and the sentiment head."""

import asyncio
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from tokenizers import Tokenizer

from tests.stream import schema
from tests.understanding import events, inputs
from triton_models.kinds.tagging.words import first_pieces, labels_of, words_of
from triton_models.settings import STARTER
from worker.build import make_pipeline
from worker.config.load import load_settings
from worker.errors import ConfigError, InvalidAnswer, ModelUnavailable
from worker.folders import by_name, load_all_contracts, load_contracts
from worker.inference.port import Answer
from worker.inference.tensors import check_answer, check_answers
from worker.metrics import Metrics
from worker.understanding.tagging import Tagger
from worker.understanding.tokenize import Sequences, TextTokenizer

LABELS = labels_of(["brand", "content", "product"])
SAID = {"red": "B-content", "running": "B-product", "shoes": "I-product"}
RED_CONTENT = b'"attributes":[{"name":"content","value":"red","start":0,"end":3},'
SENTIMENT = {"output": "sentiment_probabilities", "labels": ["positive", "neutral", "negative"]}


@pytest.fixture
def models(tmp_path):
    """The starter models, the intent's with a second head, and a tagging model."""
    for kind in ("intent", "encoder", "matching"):
        shutil.copytree(STARTER / kind, tmp_path / kind)
    shutil.copytree(STARTER / "encoder", tmp_path / "tagging")
    about = {"name": "tagging", "kind": "tagging", "output": "tag_probabilities"}
    change(tmp_path / "tagging", about | {"labels": LABELS, "dimension": len(LABELS)})
    change(tmp_path / "intent", {"heads": {"sentiment": SENTIMENT}, "tags": None})
    return tmp_path


def change(folder, fields):
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


class Answering:
    """An inference port whose tagging model knows the words of `SAID`."""

    name = "answering"

    def __init__(self, contracts, away=()):
        self.contracts, self.away, self.asked = contracts, away, []
        self.tokenizer = Tokenizer.from_file(str(contracts["intent"].tokenizer))

    async def infer(self, model, inputs):
        self.asked.append(model)
        if model in self.away:
            raise ModelUnavailable("away")
        contract, ids = self.contracts[model], inputs["input_ids"]
        values = np.full((len(ids), sum(contract.outputs.values())), 0.2, np.float32)
        if model == "intent":
            values[:, 5:] = (0.1, 0.2, 0.7)
            return Answer(values, "1", self.tags(ids) if contract.tags else None)
        if model == "tagging":
            values = self.tags(ids)
            check_answer(contract, inputs, values)
        return Answer(values, "1")

    def tags(self, ids):
        values = np.full((*ids.shape, len(LABELS)), 0.02, np.float32)
        for place, token in np.ndenumerate(ids):
            label = SAID.get(self.tokenizer.id_to_token(int(token)), "O")
            values[(*place, LABELS.index(label))] = 0.88
        return values


def pipeline(models, *assignments, away=()):
    given = [f"inference.models={models}", "policies.patience_ms=0", *assignments]
    settings = load_settings(None, {}, given)
    contracts = load_all_contracts(settings)
    inference = Answering(by_name(contracts), away)
    return make_pipeline(settings, contracts, inference, Metrics()), inference


def understood(made, *queries):
    results = asyncio.run(made.process(inputs(*queries)))
    for event in events(results):
        schema("output").validate(event)
    return [result.enrichment for result in results]


def tags(models, form):
    """Of a form, by a model that answers like `Answering`."""
    contracts = load_contracts(load_settings(None, {}, [f"inference.models={models}"]))
    texts = TextTokenizer(contracts["tagging"].tokenizer)
    sequences = Sequences(contracts["tagging"], texts)
    tagger = Tagger(SimpleNamespace(texts=texts, sequences=sequences), contracts["tagging"])
    ids = texts.tokenizer.encode(form).ids[:63] + [102]  # as the stage cuts them, with [SEP]
    values = np.zeros((1, 64, len(LABELS)), np.float32)
    values[0, : len(ids)] = Answering(contracts).tags(np.array([ids]))[0]
    [found] = tagger.tags([form], SimpleNamespace(values=values, tags=None, versions=["1"]))
    return found


def test_tags_are_spans_of_the_normal_form_with_probabilities(models):
    found = tags(models, "red running shoes")
    assert [tag[:3] for tag in found] == [(0, 3, "content"), (4, 17, "product")]
    assert all(0.5 < tag.probability <= 1 for tag in found)
    assert tags(models, "hello") == ()


def test_words_begin_where_the_tokenizer_has_their_first_pieces(models):
    contract = load_contracts(load_settings(None, {}, [f"inference.models={models}"]))["tagging"]
    sequences = Sequences(contract, texts := TextTokenizer(contract.tokenizer))
    for form in ("red", "moisturizing womens ps5 unguent", "xyzzyqwfp 2x4"):
        expected = first_pieces(texts.tokenizer.encode(form), words_of(form))
        assert sequences.word_starts(form) == expected
    assert sequences.word_starts("sugar-free gum") is None


def test_words_beyond_the_models_length_have_no_tag(models):
    assert len(tags(models, "red " * 70)) == 62  # tokens that it reads, besides [CLS] and [SEP]


def test_what_the_tags_say_counts_in_the_event(models):
    made, _ = pipeline(models)
    (found,) = understood(made, "RED running shoes")
    assert RED_CONTENT in found.body and b'"name":"color"' not in found.body
    assert b'"tagging":"tagging:1"' in found.body
    assert b"tags" not in found.body
    alone, _ = pipeline(models, "inference.tagging=false")
    (found,) = understood(alone, "RED running shoes")
    assert b'"name":"color"' in found.body and b"tagging" not in found.body


def test_the_second_head_of_intent_is_read(models):
    made, _ = pipeline(models)
    (found,) = understood(made, "the shoes hurt")
    assert b'"sentiment":{"label":"negative","confidence":0.7}' in found.body
    assert found.intent is not None


def test_what_names_a_product_is_not_negative(models):
    made, _ = pipeline(models)
    (found,) = understood(made, "red shoes not blue")
    assert b'"sentiment":{"label":"neutral"' in found.body


@pytest.mark.parametrize("there", [True, False])
def test_by_default_the_model_is_asked_where_its_folder_is(models, there):
    if not there:
        shutil.rmtree(models / "tagging")
    made, inference = pipeline(models)
    (found,) = understood(made, "red shoes")
    assert ("tagging" in inference.asked) == there == ("tagging" in stages(made))
    assert found.degraded == ()


def test_it_can_be_left_out(models):
    made, inference = pipeline(models, "inference.tagging=false")
    understood(made, "red shoes")
    assert "tagging" not in inference.asked


@pytest.fixture
def joint(models):
    """The same without the tagging model, and with tags of the intent model."""
    (models / "tagging").rename(models.parent / f"{models.name}-tagging")
    change(models / "intent", {"tags": {"output": "tag_probabilities", "labels": LABELS}})
    return models


def test_tags_of_the_intent_model_count_and_no_other_model_is_asked(joint):
    made, inference = pipeline(joint)
    (found,) = understood(made, "RED running shoes")
    assert RED_CONTENT in found.body and b'"name":"color"' not in found.body
    assert b"tagging" not in found.body
    assert b'"label":"negative"' in found.body and found.degraded == ()
    assert sorted(inference.asked) == sorted(set(inference.asked)) == sorted(stages(made))
    assert stages(made) == ["intent", "encoder", "matching"]


def test_they_are_decoded_as_those_of_a_tagging_model(joint, models):
    contracts = load_contracts(load_settings(None, {}, [f"inference.models={joint}"]))
    assert contracts["intent"].tagging.labels == LABELS
    made, _ = pipeline(joint)
    queries = ["red shoes", "running shoes in red", "red " * 70]
    by_intent = [found.body for found in understood(made, *queries)]
    (models.parent / f"{models.name}-tagging").rename(models / "tagging")
    made, inference = pipeline(models)
    found = [e.body.replace(b'"tagging":"tagging:1",', b"") for e in understood(made, *queries)]
    assert "tagging" in inference.asked and found == by_intent


def test_the_setting_does_without_tags_of_either_model(joint):
    made, _ = pipeline(joint, "inference.tagging=false")
    (found,) = understood(made, "RED running shoes")
    assert b'"name":"color"' in found.body


def test_required_tags_are_those_of_a_tagging_model(joint):
    with pytest.raises(ConfigError, match=r"tagging/model\.json: not found"):
        pipeline(joint, "inference.tagging=true")


def test_without_the_intent_model_the_lexicon_stands_alone(joint):
    made, _ = pipeline(joint, "policies.intent=degrade", away=["intent"])
    (found,) = understood(made, "RED running shoes")
    assert found.degraded == ("intent",) and b'"name":"color"' in found.body


def stages(made):
    return [stage.kind for stage in made.stages]


def test_a_model_of_another_kind_in_its_folder_is_refused(models):
    shutil.rmtree(models / "tagging")
    shutil.copytree(models / "encoder", models / "tagging")
    with pytest.raises(ConfigError, match="a model of kind encoder, not tagging"):
        pipeline(models, "inference.tagging=true")


def test_a_folder_without_its_model_is_a_fault_and_none_is_none(models):
    (models / "tagging" / "model.json").unlink()
    with pytest.raises(ConfigError, match=r"tagging/model\.json: not found"):
        pipeline(models)
    shutil.rmtree(models / "tagging")
    assert "tagging" not in stages(pipeline(models)[0])
    with pytest.raises(ConfigError, match=r"tags_de/model\.json: not found"):
        pipeline(models, "inference.names.tagging=tags_de")


def test_an_answer_without_the_second_head_is_invalid(models):
    contract = load_contracts(load_settings(None, {}, [f"inference.models={models}"]))["intent"]
    asked = {name: np.ones((2, 8), np.int64) for name in contract.inputs}
    main = np.full((2, 5), 0.2, np.float32)
    both = [main, np.full((2, 3), 1 / 3, np.float32)]
    values, tags = check_answers(contract, asked, both)
    assert values.shape == (2, 8) and tags is None
    for head in (None, np.full((2, 4), 0.25, np.float32), np.full((2, 3), -1.0, np.float32)):
        with pytest.raises(InvalidAnswer, match="sentiment_probabilities holds no probabilities"):
            check_answers(contract, asked, [main, head])


def test_an_answer_without_the_tags_is_invalid(joint):
    contract = load_contracts(load_settings(None, {}, [f"inference.models={joint}"]))["intent"]
    asked = {name: np.ones((2, 8), np.int64) for name in contract.inputs}
    rest = [np.full((2, 5), 0.2, np.float32), np.full((2, 3), 1 / 3, np.float32)]
    even = np.full((2, 8, len(LABELS)), 1 / len(LABELS), np.float32)
    values, tags = check_answers(contract, asked, [*rest, even])
    assert values.shape == (2, 8) and tags is even
    for wrong in (None, even[:, :7], even[0], even - 1, even * np.nan):
        with pytest.raises(InvalidAnswer, match="tag_probabilities holds no probabilities"):
            check_answers(contract, asked, [*rest, wrong])
