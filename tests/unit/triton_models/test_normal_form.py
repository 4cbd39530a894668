"""Trainers read queries as the worker sends them, in their normal form; documents as they are."""

import json

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tokenizers import Tokenizer

from tests.unit.triton_models import toy
from triton_models.__main__ import main
from triton_models.data.graded import graded
from triton_models.evaluation.evaluate import served
from triton_models.kinds.encoder.contrast import Contrast, Lesson, Mined, vectors
from triton_models.kinds.intent import classify
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.matching import training as matching
from triton_models.query_text import normal_form
from triton_models.serving.export import export
from triton_models.settings import STARTER
from triton_models.training import networks
from triton_models.training.adapt import Adaptation
from triton_models.training.judged import Pairs
from triton_models.training.schedule import Schedule
from triton_models.training.vocabulary import bare_tokenizer

QUERIES = ("Red  SHOES", "Ｗhere is MY parcel", "buy it")
FORMS = ("red shoes", "where is my parcel", "buy it")


@pytest.fixture(scope="module")
def cased(tmp_path_factory):
    """A toy whose tokenizer tells upper case from lower case: a letter is another letter."""
    folder = toy.write(tmp_path_factory.mktemp("cased"), layers=1)
    told = json.loads((folder / "tokenizer.json").read_text())
    told["normalizer"] = {"type": "Replace", "pattern": {"Regex": "[A-Z]"}, "content": "x"}
    (folder / "tokenizer.json").write_text(json.dumps(told))
    tokenizer = bare_tokenizer(folder)
    assert tokenizer.encode("Red").ids != tokenizer.encode("red").ids
    return folder


def test_a_classifier_reads_them(cased):
    network, tokenizer = toy.classifier(cased), bare_tokenizer(cased)
    said = [classify.logits(network, tokenizer, texts) for texts in (QUERIES, FORMS)]
    torch.testing.assert_close(*said)
    losses = []
    for texts in (QUERIES, FORMS):
        found = [Example(text, (label,)) for text, label in zip(texts, toy.LABELS, strict=True)]
        loss = classify.Loss(network, tokenizer, found, toy.LABELS, classify.Lesson())
        losses.append(loss([0, 1, 2]))
    torch.testing.assert_close(*losses)


def losses_of(kind, folder, queries, documents):
    network, tokenizer = networks.load(folder, kind).eval(), bare_tokenizer(folder)
    pairs = Pairs([graded("a", q, d, 1.0, "") for q, d in zip(queries, documents, strict=True)], [])
    if kind == "matching":
        recipe = matching.Recipe(Schedule(epochs=1, batch_size=3, rate=1e-3), Adaptation())
        return matching.Loss(network, tokenizer, pairs, recipe)([0, 1, 2])
    lesson = Lesson(hard=1, keep=0.5)
    mined = Mined(network, tokenizer, pairs, lesson)
    mined.before(1)
    return Contrast(network, tokenizer, pairs, lesson, mined)([0, 1, 2])


@pytest.mark.parametrize("kind", ["encoder", "matching"])
def test_pairs_are_read_so_but_for_their_documents(cased, kind):
    documents = ["Sneakers", "Parcels and Letters", "Cart"]
    torch.manual_seed(3)
    given = losses_of(kind, cased, QUERIES, documents)
    torch.manual_seed(3)
    torch.testing.assert_close(given, losses_of(kind, cased, FORMS, documents))
    torch.manual_seed(3)
    lower = losses_of(kind, cased, FORMS, list(map(str.lower, documents)))
    assert abs((given - lower).item()) > 1e-6


def test_an_exported_encoder_is_judged_on_documents_as_it_learned_them(cased, tmp_path, capsys):
    out, documents = tmp_path / "encoder", ["Parcels and Letters", "Nike Air"]
    export(cased, "encoder", out, "fp32")
    network, tokenizer = networks.load(cased, "encoder").eval(), bare_tokenizer(cased)
    expected = vectors(network, tokenizer, [*documents, FORMS[0]]).numpy()
    asked = served(out, "encoder")[1]
    judged = [*asked.run(documents, documents=True), *asked.run(QUERIES[:1])]
    np.testing.assert_allclose(judged, expected, atol=1e-4)
    rows = [*({"document": text} for text in documents), {"query": QUERIES[0]}]
    (tmp_path / "asked.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert main(["predict", "encoder", str(tmp_path / "asked.jsonl"), "--model", str(out)]) == 0
    told = [json.loads(line)["vector"] for line in capsys.readouterr().out.splitlines()]
    np.testing.assert_allclose(told, expected, atol=1e-4)


def test_a_lower_case_tokenizer_reads_the_same_as_ever():
    tokenizer = Tokenizer.from_file(str(STARTER / "encoder" / "tokenizer.json"))
    for text in (
        "I am still waiting on my card?",
        "What can I do if my card still hasn't arrived after 2 weeks?",
        "Why was I charged £1.50 in Café Zürich, not US$2?",
        "My PIN isn't working!!  HELP",
    ):
        assert tokenizer.encode(text).ids == tokenizer.encode(normal_form(text)).ids
