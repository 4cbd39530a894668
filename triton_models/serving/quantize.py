"""int8 by the row: every token's states are rounded by their own largest value.

ONNX Runtime's own dynamic quantization takes one scale for a whole call, so that an answer moves
with the padding and with the queries that share the call, by up to 0.2 on borderline ones. A scale
for each row costs the same and makes an answer depend on its query alone. Weights have a scale for
each output. The table of words, two fifths of a small model, has 4 bits an entry (`packing`),
smaller tables have 8 bits and a scale for each row.

The graph calls functions that stand in the file; ONNX Runtime inlines them on loading.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper, parser

from triton_models.serving.packing import BLOCK, pack

DOMAIN = "by_row"
FEW = 10_000  # weights of a layer that is left in float32: rounding it saves nothing
WEIGHT = 63  # largest weight: 7 bits, so that sums do not overflow on processors without VNNI
ENTRY = 127  # largest entry of a table
MANY = 1_000  # rows of a table that is worth 4 bits an entry

FUNCTIONS = (
    """
<opset_import: ["" : 20], domain: "by_row">
round (x) => (rounded, scale) {
  last = Constant <value = int64[1] {-1}> ()
  most = Constant <value = float {127}> ()
  least = Constant <value = float {1e-9}> ()
  middle = Constant <value = uint8[1] {128}> ()
  high = ReduceMax (x, last)
  low = ReduceMin (x, last)
  below = Neg (low)
  largest = Max (high, below, least)
  scale = Div (largest, most)
  scales = Reshape (scale, last)
  count = Shape (scales)
  zeros = Expand (middle, count)
  width = Shape <start = -1> (x)
  flat = Concat <axis = 0> (last, width)
  rows = Reshape (x, flat)
  quantized = QuantizeLinear <axis = 0> (rows, scales, zeros)
  shape = Shape (x)
  rounded = Reshape (quantized, shape)
}""",
    """
<opset_import: ["" : 20, "com.microsoft" : 1], domain: "by_row">
product (rounded, scale, weight, weight_scale) => (y) {
  one = Constant <value = float {1}> ()
  middle = Constant <value = uint8 {128}> ()
  sums = com.microsoft.MatMulIntegerToFloat (rounded, weight, one, weight_scale, middle)
  y = Mul (sums, scale)
}""",
    """
<opset_import: ["" : 20], domain: "by_row">
entry (ids, table, table_scale) => (y) {
  rounded = Gather (table, ids)
  scale = Gather (table_scale, ids)
  value = Cast <to = 1> (rounded)
  y = Mul (value, scale)
}""",
    f"""
<opset_import: ["" : 20], domain: "by_row">
packed_entry (ids, table, table_scale, pairs) => (y) {{
  bytes = Gather (table, ids)
  places = Cast <to = 6> (bytes)
  levels = Gather (pairs, places)
  half = Gather (table_scale, ids)
  scale = Cast <to = 1> (half)
  count = Shape (scale)
  block = Constant <value = int64[1] {{{BLOCK}}}> ()
  blocks = Concat <axis = 0> (count, block)
  rounded = Reshape (levels, blocks)
  last = Constant <value = int64[1] {{-1}}> ()
  scales = Unsqueeze (scale, last)
  entries = Mul (rounded, scales)
  places_of = Shape (ids)
  shape = Concat <axis = 0> (places_of, last)
  y = Reshape (entries, shape)
}}""",
)


def quantize(path: Path) -> None:
    """Make the products of an ONNX file int8 and its tables int8 or 4 bits, in place."""
    model = onnx.load(path)
    weights = {i.name: i for i in model.graph.initializer}
    rounded: set[str] = set()
    nodes = [made for node in model.graph.node for made in _int8(node, weights, rounded)]
    used = {name for node in nodes for name in node.input}
    del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(w for name, w in weights.items() if name in used)
    model.functions.extend(map(parser.parse_function, FUNCTIONS))
    model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    onnx.save(model, path)


def matrix_of(node: NodeProto, weights: Mapping[str, TensorProto]) -> str | None:
    """The name of the matrix of a product or a table, None where it is small or not constant."""
    place = {"MatMul": 1, "Gemm": 1, "Gather": 0}.get(node.op_type)
    if place is None or node.input[place] not in weights:
        return None
    shape = weights[node.input[place]].dims
    return node.input[place] if len(shape) == 2 and math.prod(shape) >= FEW else None


def _int8(
    node: NodeProto, weights: dict[str, TensorProto], rounded: set[str]
) -> Iterator[NodeProto]:
    """What stands for a node; adds the weights it needs, and the inputs that are rounded."""
    if (name := matrix_of(node, weights)) is None:
        yield node
        return
    small, scale = f"{name}_int8", f"{name}_scale"
    values = numpy_helper.to_array(weights[name])
    if node.op_type == "Gather" and len(values) >= MANY and values.shape[1] % BLOCK == 0:
        parts = [f"{name}_packed", scale, f"{name}_pairs"]
        _put(weights, dict(zip(parts, pack(values), strict=True)))
        yield _call("packed_entry", [node.input[1], *parts], node.output)
        return
    if node.op_type == "Gather":
        _put(weights, _rounded(name, values, ENTRY, axis=1))
        yield _call("entry", [node.input[1], small, scale], node.output)
        return
    turned = any(a.name == "transB" and a.i for a in node.attribute)
    _put(weights, _rounded(name, values.T if turned else values, WEIGHT, axis=0))
    source = node.input[0]
    states = [f"{source}_int8", f"{source}_scale"]
    if source not in rounded:
        rounded.add(source)
        yield _call("round", [source], states)
    bias = node.input[2] if node.op_type == "Gemm" else None
    out = f"{node.output[0]}_product" if bias else node.output[0]
    yield _call("product", [*states, small, scale], [out])
    if bias:
        yield helper.make_node("Add", [out, bias], node.output)


def _rounded(name: str, values: np.ndarray, most: int, axis: int) -> dict[str, np.ndarray]:
    """A matrix as int8, and its scales, taken over an axis."""
    scale = np.maximum(np.abs(values).max(axis=axis, keepdims=axis == 1), 1e-12) / most
    return {f"{name}_int8": np.rint(values / scale).astype(np.int8), f"{name}_scale": scale}


def _put(weights: dict[str, TensorProto], arrays: Mapping[str, np.ndarray]) -> None:
    for key, array in arrays.items():
        weights[key] = numpy_helper.from_array(np.ascontiguousarray(array), key)


def _call(function: str, inputs: Sequence[str], outputs: Sequence[str]) -> NodeProto:
    name = f"{function}_{outputs[0]}"
    return helper.make_node(function, inputs, outputs, name=name, domain=DOMAIN)
