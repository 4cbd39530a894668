"""Float32 weights from the committed int8 files: what TensorRT is built from."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.unit.triton_models.starters import STARTERS
from triton_models.serving.dequantize import dequantize, rounding
from triton_models.serving.served import ServedModel
from triton_models.settings import DEV_SETS, STARTER
from triton_models.text import encode

# Activations are rounded no more: by how much that may move an answer, on average and at most.
MEAN = {"intent": 0.015, "encoder": 0.01, "matching": 0.04, "tagging": 0.01}
ROWS = 64
MOST = {"intent": 0.3, "encoder": 0.1, "matching": 0.3, "tagging": 0.3}


@pytest.fixture(scope="module", params=STARTERS)
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def plain(kind) -> onnx.ModelProto:
    return dequantize(onnx.load(STARTER / kind / "model.onnx"))


def test_no_quantized_node_is_left_and_the_graph_is_sound(kind, plain):
    assert rounding(onnx.load(STARTER / kind / "model.onnx"))
    onnx.checker.check_model(plain, full_check=True)
    kinds = {node.op_type for node in plain.graph.node}
    assert not {name for name in kinds if "Quantize" in name or "Integer" in name}
    small = {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}
    assert not small & {i.data_type for i in plain.graph.initializer}


def test_answers_are_those_of_the_int8_file(kind, plain):
    session = onnxruntime.InferenceSession(plain.SerializeToString())
    served = ServedModel(STARTER / kind)
    lines = (DEV_SETS / "dev_intent.jsonl").read_text().splitlines()[:: 350 // ROWS]
    texts = [json.loads(line)["query"] for line in lines][:ROWS]
    arrays = encode(served.tokenizer, texts, ["shoes"] * len(texts) if kind == "matching" else None)
    expected = served.infer(arrays)
    found = session.run(None, {name: arrays[name] for name in served.inputs})[0]
    difference = np.abs(found - expected)
    assert difference.mean() < MEAN[kind]
    assert difference.max() < MOST[kind]
    if kind == "intent":
        same = (found.argmax(axis=1) == expected.argmax(axis=1)).mean()
        assert same >= 0.95
    if kind == "encoder":
        assert (found * expected).sum(axis=1).min() > 0.97


def test_a_graph_without_int8_comes_back_as_it_is(plain):
    assert dequantize(plain) == plain
