"""Pooling and prompts of a sentence-transformers folder: read, obeyed, kept, and served."""

import json

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy, zoo
from triton_models import contract
from triton_models.__main__ import main
from triton_models.kinds.encoder import sentence
from triton_models.kinds.kind import Prompts
from triton_models.serving.export import export
from triton_models.serving.predictor import load as load_predictor
from triton_models.settings import UsageError
from triton_models.training import families, masking, networks
from triton_models.training.inputs import tensors
from triton_models.training.vocabulary import bare_tokenizer
from worker.lexicon.build import vectors as vectors_of_terms
from worker.understanding.tokenize import Sequences, TextTokenizer

CPU = torch.device("cpu")
E5 = {"query": "query: ", "passage": "passage: "}
TYPE = "sentence_transformers.models."


def described(folder, pooling="pooling_mode_cls_token", prompts=None, modules=(), **more):
    """A toy folder as sentence-transformers writes it."""
    toy.write(folder, layers=1)
    names = ["Transformer", "Pooling", "Normalize", *modules]
    paths = ["", "1_Pooling", "2_Normalize", *(f"3_{name}" for name in modules)]
    told = [{"type": TYPE + n, "path": p} for n, p in zip(names, paths, strict=True)]
    (folder / "modules.json").write_text(json.dumps(told))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({pooling: True} | more))
    about = {"prompts": prompts or {}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(about))
    return folder


@pytest.mark.parametrize("mode", ["cls", "mean", "max", "mean_sqrt_len"])
def test_vectors_are_pooled_as_the_folder_says(tmp_path, mode):
    flag = f"pooling_mode_{mode}_token" + ("s" if mode != "cls" else "")
    folder = described(tmp_path / "toy", flag)
    network = networks.load(folder, "encoder").eval()
    ids, mask = tensors(bare_tokenizer(folder), zoo.TEXTS, CPU)
    with torch.no_grad():
        states, found = families.read(network.bert, ids, mask)[0], network(ids, mask)
    for row in range(len(ids)):
        real = states[row][mask[row] > 0]
        pooled = {"cls": real[0], "max": real.amax(dim=0)}.get(mode, real.mean(dim=0))
        torch.testing.assert_close(found[row], pooled / pooled.norm(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"pooling": "pooling_mode_lasttoken"}, "pooling by lasttoken, which cannot be served"),
        ({"pooling_mode_max_tokens": True}, "pooling by cls and max, which cannot"),
        ({"modules": ["Dense"]}, "a module Dense, which cannot be served"),
        ({"prompts": E5, "include_prompt": False}, "include_prompt is false"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_by_name(tmp_path, wrong, told):
    folder = described(tmp_path / "toy", **wrong)
    with pytest.raises(UsageError, match=told):
        networks.load(folder, "encoder")


def test_vectors_for_dot_products_are_not_served_as_they_are(tmp_path):
    folder = described(tmp_path / "toy")
    (folder / "modules.json").write_text(json.dumps([{"type": TYPE + "Transformer", "path": ""}]))
    about = folder / "config_sentence_transformers.json"
    about.write_text(json.dumps({"similarity_fn_name": "dot"}))
    with pytest.raises(UsageError, match="compared by dot product, and here by cosine"):
        export(folder, "encoder", tmp_path / "out", "fp32")


def test_what_is_read_is_written_again(tmp_path):
    toy.write(tmp_path)
    told = sentence.Sentence("max", Prompts("query: ", "passage: "), 96)
    sentence.write(told, tmp_path)
    assert sentence.read(tmp_path) == told


def test_pretraining_keeps_pooling_and_prompts(tmp_path):
    folder = described(tmp_path / "toy", prompts=E5)
    networks.save(masking.load(folder), tmp_path)
    assert sentence.read(tmp_path) == sentence.read(folder)
    assert sentence.read(tmp_path).prompts == Prompts("query: ", "passage: ")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model folder with the prompts of E5."""
    place = tmp_path_factory.mktemp("e5")
    folder = described(place / "toy", prompts=E5)
    export(folder, "encoder", place / "encoder", "fp32")
    return folder, place / "encoder"


def vectors(folder, texts):
    network = networks.load(folder, "encoder").eval()
    with torch.no_grad():
        return network(*tensors(bare_tokenizer(folder), texts, CPU)).numpy()


def test_the_contract_has_pooling_and_prompts(model):
    told = contract.load(model[1])
    assert told.pooling == "cls" and told.prompts == Prompts("query: ", "passage: ")


def test_predict_reads_queries_and_documents_by_their_prompts(model, tmp_path, capsys):
    asked = tmp_path / "asked.jsonl"
    asked.write_text('Red Shoes\n{"query": "red shoes"}\n{"document": "red shoes"}\n')
    assert main(["predict", "encoder", str(asked), "--model", str(model[1])]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [[*row] for row in rows] == [["query", "vector"]] * 2 + [["document", "vector"]]
    expected = vectors(model[0], ["query: red shoes"] * 2 + ["passage: red shoes"])
    np.testing.assert_allclose([row["vector"] for row in rows], expected, atol=1e-4)


def test_a_lexicon_has_the_vectors_of_documents(model):
    class Term:
        texts = ("red shoes",)

    class Source:
        terms = [Term()]

    found = vectors_of_terms(Source(), load_predictor(model[1], "encoder"))
    np.testing.assert_allclose(found, vectors(model[0], ["passage: red shoes"]), atol=1e-4)


def test_the_worker_asks_queries_by_their_prompt(model):
    told = contract.load(model[1])
    rows = Sequences(told, TextTokenizer(told.tokenizer)).singles(["red shoes", "hat"])
    tokenizer = bare_tokenizer(told.folder)
    for (ids, _), text in zip(rows, ("query: red shoes", "query: hat"), strict=True):
        assert np.frombuffer(ids, np.int64).tolist() == tokenizer.encode(text).ids


def test_finetune_takes_prompts_and_leaves_them_in_its_checkpoint(model, tmp_path):
    pairs = tmp_path / "pairs.jsonl"
    names = [("red shoes", "shoes"), ("blue hat", "hats"), ("my lamp", "lights")]
    rows = [{"query": q, "document": d, "grade": 1} for q, d in names]
    pairs.write_text("\n".join(map(json.dumps, rows)))
    given = ["--pairs", pairs, "--dev", pairs, "--start", model[0], "--epochs", 1, "--threads", 1]
    given = ["--pairs", pairs, "--no-dev", *given[4:], "--query-prompt", "q: "]
    assert main(["finetune", "encoder", *map(str, [*given, "--out", tmp_path / "run"])]) == 0
    told = sentence.read(tmp_path / "run")
    assert told.prompts == Prompts("q: ", "passage: ") and told.pooling == "cls"
