"""int8 by the row: small, near the network it was made from, and deaf to what shares its call."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from tokenizers import Tokenizer

from triton_models.serving.dequantize import dequantize, rounding
from triton_models.serving.quantize import quantize
from triton_models.settings import DEV_SETS, STARTER
from triton_models.text import encode

FOLDER = STARTER / "intent"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "model.onnx"
    onnx.save(dequantize(onnx.load(FOLDER / "model.onnx")), path)
    return path


@pytest.fixture(scope="module")
def small(plain, tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "model.onnx"
    path.write_bytes(plain.read_bytes())
    quantize(path)
    return path


@pytest.fixture(scope="module")
def texts():
    lines = (DEV_SETS / "dev_intent.jsonl").read_text().splitlines()
    return [json.loads(line)["query"] for line in lines[::4]]


def answers(path, texts, at_once):
    session = onnxruntime.InferenceSession(path)
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    names = [i.name for i in session.get_inputs()]
    parts = []
    for start in range(0, len(texts), at_once):
        arrays = encode(tokenizer, texts[start : start + at_once])
        parts.append(session.run(None, {name: arrays[name] for name in names})[0])
    return np.concatenate(parts)


def test_it_is_a_fifth_of_the_size_and_says_the_same(plain, small, texts):
    assert small.stat().st_size < plain.stat().st_size / 4.6
    expected, found = answers(plain, texts, 16), answers(small, texts, 16)
    assert np.abs(found - expected).max() < 0.2
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.99


def test_an_answer_hangs_on_nothing_but_its_query(small, texts):
    alone = answers(small, texts, 1)  # padded to the next bucket
    long = [text + " gift" * 50 for text in texts[:1]]
    beside = answers(small, texts[1:] + long, len(texts))  # all padded to 64
    assert np.abs(beside[:-1] - alone[1:]).max() < 1e-3


def test_it_is_a_sound_graph_that_gives_its_weights_back(plain, small):
    model = onnx.load(small)
    onnx.checker.check_model(model)
    assert rounding(model)
    back = dequantize(model)
    onnx.checker.check_model(back, full_check=True)
    assert not back.functions
    kinds = {node.op_type for node in back.graph.node}
    assert "MatMul" in kinds and not kinds & {"product", "round", "entry", "packed_entry"}
    before, after = (
        sorted(tuple(i.dims) for i in m.graph.initializer if len(i.dims) == 2)
        for m in (onnx.load(plain), back)
    )
    assert before == after


def test_float32_weights_again_answer_as_int8_did(small, texts):
    model = dequantize(onnx.load(small)).SerializeToString()
    assert np.abs(answers(model, texts, 16) - answers(small, texts, 16)).max() < 0.2
