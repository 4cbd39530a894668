"""How many tokens a model reads follows its data, and the contract's buckets follow that."""

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
from triton_models.serving.export import export
from triton_models.serving.predictor import load as load_predictor
from triton_models.serving.served import ServedModel
from triton_models.settings import UsageError, buckets
from triton_models.training import lengths, networks
from triton_models.training.inputs import tensors
from triton_models.training.vocabulary import bare_tokenizer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return zoo.write(tmp_path_factory.mktemp("modern"), "modernbert")


def test_buckets_double_up_to_the_longest():
    assert buckets(64) == (8, 16, 32, 64)
    assert buckets(104) == (8, 16, 32, 64, 104)
    assert buckets(8) == (8,)


@pytest.mark.parametrize(
    ("words", "length"),
    [([3] * 5000, 32), ([3] * 999 + [500], 504), ([3] * 5000 + [500], 32), ([50] * 9, 56)],
)
def test_the_length_holds_nearly_all_texts(start, words, length):
    tokenizer = bare_tokenizer(toy.write(start.parent / "bert"))
    texts = ["red " * n for n in words]
    assert lengths.fitting(tokenizer, texts) == length


def test_a_pair_counts_with_both_of_its_texts(start):
    tokenizer = bare_tokenizer(toy.write(start.parent / "bert"))
    assert lengths.fitting(tokenizer, ["red " * 30], ["blue " * 40]) == 80  # 73 with its marks


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_no_more_is_read_than_there_are_positions(tmp_path, family):
    folder = zoo.write(tmp_path / family, family)
    network, tokenizer = networks.load(folder, "encoder"), bare_tokenizer(folder)
    most = {"bert": 512, "roberta": 72}[family]
    assert lengths.settle(network, tokenizer, 0, ["red " * 3000]) == most
    given = tensors(tokenizer, ["red " * 3000], CPU)
    assert given[0].shape[1] == most
    network(*given)
    with pytest.raises(UsageError, match=f"--length 999: the checkpoint has positions for {most}"):
        lengths.settle(network, tokenizer, 999, [])


def test_a_run_reads_what_its_data_have_and_its_model_says_so(start, tmp_path):
    rows = [("buy " + "red " * n, "buy") for n in (1, 2, 90)]
    rows += [("is it " + "blue " * n, "ask") for n in (1, 2, 3)]
    data = tmp_path / "mine.csv"
    data.write_text("query,intent\n" + "\n".join(f"{q},{label}" for q, label in rows))
    given = ["--queries", data, "--no-dev", "--start", start, "--epochs", 1, "--threads", 1]
    for out, more in (("run", []), ("told", ["--length", 40])):
        told = [*given, *more, "--out", tmp_path / out]
        assert main(["finetune", "intent", *map(str, told)]) == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]["length"] == 0
    assert networks.tokenizer_of(tmp_path / "told").truncation["max_length"] == 40
    export(tmp_path / "run", "intent", tmp_path / "intent", "fp32")
    model = contract.load(tmp_path / "intent")
    assert model.max_length == 184  # 181 tokens
    assert model.length_buckets == (8, 16, 32, 64, 128, 184)
    text = rows[2][0].strip()
    network = networks.load(tmp_path / "run", "intent").eval()
    with torch.no_grad():
        expected = network(*tensors(networks.tokenizer_of(tmp_path / "run"), [text], CPU))
    for asked in (load_predictor(tmp_path / "intent", "intent"), ServedModel(tmp_path / "intent")):
        np.testing.assert_allclose(asked.run([text]), expected.numpy(), atol=1e-4)


def test_export_takes_another_length(start, tmp_path):
    out = tmp_path / "encoder"
    given = [start, "--kind", "encoder", "--precision", "fp32", "--length", "128", "--out", out]
    assert main(["export", *map(str, given)]) == 0
    assert contract.load(out).max_length == 128
    text = " ".join(f"red{n}" for n in range(60))
    network = networks.load(start, "encoder").eval()
    tokenizer = bare_tokenizer(start)
    tokenizer.enable_truncation(128)
    with torch.no_grad():
        expected = network(*tensors(tokenizer, [text], CPU)).numpy()
    np.testing.assert_allclose(load_predictor(out, "encoder").run([text]), expected, atol=1e-4)
