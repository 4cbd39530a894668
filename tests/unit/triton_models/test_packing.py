"""4 bits an entry: half the bytes of int8, and little lost."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from triton_models.serving import quantize
from triton_models.serving.packing import BLOCK, pack, unpack

RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def table():
    """Normal entries; the rows differ in size by a thousand."""
    return RNG.normal(size=(2000, 96)).astype(np.float32) * np.geomspace(
        0.001, 1, 2000, dtype=np.float32
    ).reshape(-1, 1)


def test_each_row_comes_back_but_for_the_rounding(table):
    packed, scales, pairs = pack(table)
    assert (packed.shape, packed.dtype) == ((2000, 48), np.uint8)
    assert scales.shape == (2000, 96 // BLOCK)
    assert pairs.shape == (256, 2)
    back = unpack(packed, scales, pairs)
    error = np.linalg.norm(back - table, axis=1) / np.linalg.norm(table, axis=1)
    assert error.max() < 0.15
    assert error.mean() < 0.1  # of 16 equal steps, 0.11


def test_levels_that_hold_a_table_exactly_lose_nothing():
    levels = np.arange(-8, 8, dtype=np.float32) / 8
    table = np.stack([RNG.permutation(np.repeat(levels, BLOCK // 16)) for _ in range(1000)])
    table = np.concatenate([table, 2 * table])
    assert np.allclose(unpack(*pack(table)), table, atol=2e-3)


def test_a_row_of_zeros_stays_one():
    table = np.zeros((4, BLOCK), np.float32)
    table[0] = 1.0
    back = unpack(*pack(table))
    assert np.array_equal(back[1:], table[1:])
    assert np.allclose(back[0], 1.0, atol=1e-3)


def test_the_graph_looks_up_what_unpack_gives(table, tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["y"])],
        "lookup",
        [helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["n", "length"])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(table, "table")],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)
    quantize.quantize(path)
    assert path.stat().st_size < table.nbytes / 5
    ids = RNG.integers(0, len(table), (3, 5))
    found = onnxruntime.InferenceSession(path).run(None, {"ids": ids})[0]
    assert np.allclose(found, unpack(*pack(table))[ids], rtol=1e-6)
