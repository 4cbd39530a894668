"""Strongly typed ONNX: what is measured, what stays, and what is too far off to be built.

What ModelOpt makes of the starter models is tried where it is installed (it pins versions that
training does not want): `pip install --no-deps --target DIR nvidia-modelopt[onnx]`, DIR in
PYTHONPATH.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from tests.unit.triton_models.starters import STARTERS
from triton_models import contract
from triton_models.serving import compile as trt
from triton_models.serving import export, precision
from triton_models.serving.agreement import agreements
from triton_models.serving.dequantize import dequantize
from triton_models.serving.predict import questions
from triton_models.settings import STARTER

needs_modelopt = pytest.mark.skipif(
    importlib.util.find_spec("modelopt") is None, reason="ModelOpt is not installed"
)


def load(kind: str) -> contract.ModelContract:
    return contract.load(STARTER / kind)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """The intent model in float32."""
    path = tmp_path_factory.mktemp("plain") / "fp32.onnx"
    onnx.save(dequantize(onnx.load(load("intent").onnx)), path)
    return path


def value(kind: str, expected: np.ndarray, found: np.ndarray) -> float:
    """The agreement of the first output; of further heads there is none to judge."""
    model = dataclasses.replace(load(kind), heads=(), tags=None)
    return agreements(model, [expected], [found])[0].value


def test_ranges_are_measured_on_other_texts_than_the_check(tmp_path):
    file = tmp_path / "queries.txt"
    file.write_text("".join(f"red shoes size {i}\n" for i in range(90)))
    asked = questions(file, pair=False)
    sides = precision.batches(load("intent"), asked)
    rows = [{tuple(row) for batch in side for row in batch["input_ids"]} for side in sides]
    assert len(rows[0]) == len(rows[1]) == 45 and not rows[0] & rows[1]
    assert all(b["input_ids"].shape[0] <= 32 and b["input_ids"].dtype == np.int64 for b in sides[0])


def test_pairs_are_read_and_a_query_alone_goes_with_the_next(tmp_path):
    file = tmp_path / "pairs.txt"
    file.write_text('sofa\tcouch\n{"query": "tv", "title": "television"}\n\nred shoes\n')
    asked = questions(file, pair=True)
    assert [(a.form, a.term) for a in asked] == [
        ("sofa", "couch"),
        ("tv", "television"),
        ("red shoes", None),
    ]
    (batch,), _ = precision.batches(load("matching"), asked)
    assert batch["token_type_ids"].any(axis=1).all()  # each row has a second text


def test_products_that_narrow_are_the_second_of_each_block_and_the_head(plain):
    model = onnx.load(plain)
    shapes = {i.name: tuple(i.dims) for i in model.graph.initializer}
    named = {node.name: node for node in model.graph.node}
    found = [shapes[named[name].input[1]] for name in precision.narrowing(model)]
    heads = {(5, 384): 1, (3, 384): 1, (384, 33): 1}  # those of a query are turned
    assert Counter(found) == {(1536, 384): 3} | heads


def test_agreement_is_by_what_the_model_decides():
    p = np.array([[0.6, 0.4], [0.3, 0.7]], np.float32)
    assert value("intent", p, p[:, ::-1]) == 0.0
    assert value("intent", p, p + [0.1, 0]) == 1.0
    threshold = load("matching").threshold
    near = np.array([[threshold + 0.01], [threshold - 0.01]], np.float32)
    assert value("matching", near, near - 0.02) == 0.5
    assert value("encoder", np.eye(2), 3 * np.eye(2)) == pytest.approx(1.0)
    assert np.isnan(value("encoder", np.eye(2), np.eye(2) * np.nan))


def test_a_tie_may_fall_either_way_but_vectors_are_measured_as_they_are():
    tie = np.array([[0.501, 0.499]] * 20, np.float32)
    assert value("intent", tie, tie[:, ::-1]) == 1.0
    score = np.full((20, 1), load("matching").threshold, np.float32)
    assert value("matching", score, score - 0.005) == 1.0
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(64, 768)) / np.sqrt(768)
    moved = vectors + rng.uniform(-0.0095, 0.0095, vectors.shape)  # each number is near
    wanted = np.mean(
        [a @ b / np.sqrt(a @ a * (b @ b)) for a, b in zip(vectors, moved, strict=True)]
    )
    assert value("encoder", vectors, moved) == pytest.approx(wanted) and wanted < 0.99
    with pytest.raises(RuntimeError, match="agrees with the network on 98.* 99% are needed"):
        export.require_agreement(load("encoder"), [vectors], [moved])


def test_a_graph_that_answers_otherwise_is_not_built(plain):
    model, asked = load("intent"), questions(trt.QUERIES, pair=False)[:40]
    others = precision.batches(model, asked)[1]
    expected = precision.each(model, str(plain), others)
    same = precision.parity(model, expected, onnx.load(plain), "fp16", others)
    assert str(same) == (
        "equal labels 100.0%, sentiment 100.0%, tags 100.0%, largest difference 0 from float32 on"
        " 20 texts"
    )
    for head, shape in {"equal labels": (5, 384), "sentiment": (3, 384), "tags": (384, 33)}.items():
        broken = onnx.load(plain)
        for weight in broken.graph.initializer:
            if tuple(weight.dims) == shape:
                flipped = -numpy_helper.to_array(weight)
                weight.CopyFrom(numpy_helper.from_array(flipped, weight.name))
        with pytest.raises(RuntimeError, match="too far.*another --precision") as fault:
            precision.parity(model, expected, broken, "int8", others)
        wrong = re.findall(r"([a-z ]+[a-z]) (?!100)[\d.]+%", str(fault.value))
        assert str(fault.value).startswith("intent: int8") and [w.strip() for w in wrong] == [head]


@needs_modelopt
@pytest.mark.parametrize("kind", STARTERS)
@pytest.mark.parametrize(
    ("wanted", "weights", "nearest"),
    [
        ("fp16", TensorProto.FLOAT16, 0.999),
        ("bf16", TensorProto.BFLOAT16, 0.95),
        ("int8", TensorProto.FLOAT16, 0.95),
    ],
)
def test_starter_models_at_every_precision_answer_as_in_float32(
    kind, wanted, weights, nearest, tmp_path
):
    graph, _, _, found = trt.strong(load(kind), wanted, tmp_path)
    model = onnx.load_from_string(graph)
    assert all(one.value >= nearest for one in found.agreements)
    widths = {1536, 384}  # of a product's weight; what else has two axes are tables
    products = [i for i in model.graph.initializer if len(i.dims) == 2 and set(i.dims) <= widths]
    assert len(products) >= 18 and {i.data_type for i in products} == {weights}
    assert model.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["QuantizeLinear"] == kinds["DequantizeLinear"]
    assert (kinds["QuantizeLinear"] > 0) == (wanted == "int8")
