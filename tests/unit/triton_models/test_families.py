"""Every family of encoders through loading, pairs, export, predict and the worker's contract."""

import json

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
    from transformers import AutoModel, AutoModelForSequenceClassification
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import zoo
from triton_models import contract
from triton_models.kinds.intent.classify import calibrate, logits
from triton_models.kinds.intent.network import classifier
from triton_models.kinds.matching.network import after
from triton_models.serving.export import export
from triton_models.serving.predictor import load as load_predictor
from triton_models.settings import UsageError
from triton_models.text import special
from triton_models.training import families, networks
from triton_models.training.inputs import tensors
from triton_models.training.vocabulary import bare_tokenizer
from worker.understanding.tokenize import Sequences, TextTokenizer

CPU = torch.device("cpu")
PAIRS = [("red shoes", "blue hat for men"), ("my order", "red running shoes"), ("a", "buy it now")]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("zoo")
    return {family: zoo.write(place / family, family) for family in zoo.FAMILIES}


every = pytest.mark.parametrize("family", zoo.FAMILIES)


@every
def test_a_base_model_is_read_as_the_library_reads_it(folders, family):
    bert = AutoModel.from_pretrained(folders[family], attn_implementation="eager").eval()
    ids, mask = tensors(bare_tokenizer(folders[family]), [*zoo.TEXTS, "red " * 30], CPU)
    pad = bert.config.pad_token_id or 0
    with torch.no_grad():
        own = families.read(bert, ids, mask)[0]
        theirs = bert(input_ids=torch.where(mask > 0, ids, pad), attention_mask=mask)[0]
    assert mask.shape[1] > 20  # wider than the windows of the ModernBERT
    torch.testing.assert_close(own[mask > 0], theirs[mask > 0], atol=1e-5, rtol=1e-4)


@every
def test_a_classifier_is_read_as_the_library_reads_it_and_has_an_honest_last_layer(folders, family):
    torch.manual_seed(2)
    network = classifier(folders[family], ("ask", "buy", "look")).eval()
    tokenizer = bare_tokenizer(folders[family])
    ids, mask = tensors(tokenizer, zoo.TEXTS, CPU)
    pad = network.classifier.config.pad_token_id or 0
    with torch.no_grad():
        own = network.logits(ids, mask)
        given = dict(input_ids=torch.where(mask > 0, ids, pad), attention_mask=mask)
        theirs = network.classifier(**given).logits
    torch.testing.assert_close(own, theirs, atol=1e-5, rtol=1e-4)
    wanted = torch.nn.functional.one_hot(torch.arange(len(zoo.TEXTS)) % 3).float()
    said = logits(network, tokenizer, zoo.TEXTS)
    temperature = calibrate(network, said, wanted)
    assert temperature != 1
    again = logits(network, tokenizer, zoo.TEXTS)
    torch.testing.assert_close(again, said / temperature, atol=1e-5, rtol=1e-4)


@every
def test_a_trained_classifier_comes_back_as_it_was_saved(folders, family, tmp_path):
    network = classifier(folders[family], ("ask", "buy", "look"), pooling="mean").eval()
    networks.save(network, tmp_path)
    again = networks.load(tmp_path, "intent").eval()
    given = tensors(bare_tokenizer(folders[family]), zoo.TEXTS, CPU)
    with torch.no_grad():
        torch.testing.assert_close(again(*given), network(*given))
    assert networks.kind_of(folders[family]) == "encoder"


@every
def test_a_pair_is_two_texts_whose_order_matters(folders, family):
    network = networks.load(folders[family], "matching").eval()
    torch.nn.init.normal_(network.head.weight, std=0.01)
    tokenizer = bare_tokenizer(folders[family])
    queries, terms = zip(*PAIRS, strict=True)
    given = tensors(tokenizer, queries, CPU, terms)
    other = tensors(tokenizer, terms, CPU, queries)
    alone = tensors(tokenizer, queries, CPU, queries)
    with torch.no_grad():
        scores = [network(*some)[:, 0] for some in (given, other, alone)]
    assert ((scores[0] - scores[1]).abs() > 1e-6).all()
    assert ((scores[0] - scores[2]).abs() > 1e-6).all()


@every
def test_the_second_text_of_a_pair_begins_after_the_first_separator(folders, family):
    tokenizer = bare_tokenizer(folders[family])
    found = tokenizer.encode("red shoes", "blue hat")
    ids = torch.tensor([found.ids])
    second = after(ids, special(tokenizer, "sep"))[0]
    for place, text in enumerate(found.sequence_ids):
        if text is not None:
            assert second[place] == text


@pytest.fixture(scope="module")
def exported(folders, tmp_path_factory):
    made = {}

    def get(family, kind):
        if (family, kind) not in made:
            out = tmp_path_factory.mktemp("models") / kind
            export(folders[family], kind, out, "fp32")  # which holds the file to the network
            made[family, kind] = out
        return made[family, kind]

    return get


# One kind each: an export takes seconds.
some = pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("bert", "matching"),
        ("distilbert", "matching"),
        ("roberta", "matching"),
        ("xlm-roberta", "encoder"),
        ("modernbert", "matching"),
    ],
)


@some
def test_an_exported_model_answers_as_its_network_and_fits_the_contract(
    folders, exported, family, kind
):
    out = exported(family, kind)
    model = contract.load(out)
    types = kind == "matching" and family == "bert"
    assert ("token_type_ids" in model.inputs) == types
    predictor = load_predictor(out, kind)
    queries, terms = zip(*PAIRS, strict=True)
    pair = terms if kind == "matching" else None
    network = networks.load(folders[family], kind).eval()
    with torch.no_grad():
        expected = network(*tensors(bare_tokenizer(folders[family]), queries, CPU, pair))
    np.testing.assert_allclose(predictor.run(queries, pair), expected.numpy(), atol=1e-4)


@some
def test_the_worker_makes_the_rows_that_the_tokenizer_makes(exported, family, kind):
    model = contract.load(exported(family, kind))
    texts = TextTokenizer(model.tokenizer)
    sequences = Sequences(model, texts)
    assert sequences._template is not None  # put together, not asked for
    long = "red shoes " * 60
    first, second = zip(*PAIRS, ("größe 42", long), (long, long), strict=True)
    rows = sequences.pairs(first, [[term] for term in second])
    tokenizer = bare_tokenizer(model.folder)
    tokenizer.enable_truncation(model.max_length)
    for (ids, _), pair in zip(rows, zip(first, second, strict=True), strict=True):
        assert np.frombuffer(ids, np.int64).tolist() == tokenizer.encode(*pair).ids


def test_another_family_is_refused_by_name(tmp_path):
    folder = zoo.write(tmp_path / "toy", "bert")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "deberta-v2"}))
    for use in (lambda: networks.load(folder, "intent"), lambda: classifier(folder, ("a", "b"))):
        with pytest.raises(UsageError, match=r"'deberta-v2', which cannot be served; give .*bert"):
            use()
    with pytest.raises(UsageError, match="deberta-v2"):
        export(folder, "encoder", tmp_path / "out")


def test_a_classifier_of_the_library_with_one_score_is_a_matching_model(folders, tmp_path):
    network = AutoModelForSequenceClassification.from_pretrained(
        folders["roberta"], num_labels=1, id2label={0: "score"}, label2id={"score": 0}
    ).eval()
    network.save_pretrained(tmp_path)
    bare_tokenizer(folders["roberta"]).save(str(tmp_path / "tokenizer.json"))
    own = networks.load(tmp_path, "matching").eval()
    queries, terms = zip(*PAIRS, strict=True)
    ids, mask, types = tensors(bare_tokenizer(tmp_path), queries, CPU, terms)
    with torch.no_grad():
        theirs = network(torch.where(mask > 0, ids, 1), mask).logits.sigmoid()
        torch.testing.assert_close(own(ids, mask, types), theirs, atol=1e-5, rtol=1e-4)
