"""The int8 graph of `export`, with float32 weights again.

TensorRT does not read the functions of `quantize`. Here each quantized product becomes a plain
MatMul with the same (rounded) weights, and each quantized table a plain one; only the rounding of
the activations falls away.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from triton_models.serving.packing import unpack
from triton_models.serving.quantize import DOMAIN

OTHERS = ("DynamicQuantizeLinear", "DequantizeLinear", "MatMulInteger")  # of other quantizers


def rounding(model: onnx.ModelProto) -> str:
    """To how many bits `export` rounded the weights of a graph, in words; "" for one in float32."""
    called = {node.op_type for node in model.graph.node if node.domain == DOMAIN}
    bits = {"product": "7 bits", "entry": "tables 8", "packed_entry": "the table of words 4"}
    return ", ".join(told for name, told in bits.items() if name in called)


def dequantize(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the graph with float32 weights; a graph without int8 comes back as it is.

    Raises ValueError for a quantized node that `export` would not have made.
    """
    graph = _Graph(model)
    for node in list(model.graph.node):
        if node.domain == DOMAIN:
            graph.replace_call(node)
        elif node.op_type in OTHERS:
            raise ValueError(f"{node.name}: this int8 graph was not made by `export`")
    return graph.finished()


class _Graph:
    """A model's nodes by what they make and what they read."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        self.constants = {i.name: i for i in model.graph.initializer}
        self.maker = {out: node for node in model.graph.node for out in node.output}
        self.new: dict[str, NodeProto] = {}  # by output
        self.weights: dict[str, np.ndarray] = {}

    def array(self, name: str) -> np.ndarray:
        if name not in self.constants:
            raise ValueError(f"{name} is no constant: this int8 graph was not made by `export`")
        return numpy_helper.to_array(self.constants[name])

    def replace_call(self, node: NodeProto) -> None:
        """A call of one of the functions of `quantize`."""
        if node.op_type == "product":
            states, _, weight, scale = node.input
            self.put(weight, scale)
            inputs = [self.maker[states].input[0], weight]
            self.new[node.output[0]] = helper.make_node(
                "MatMul", inputs, node.output, name=node.name
            )
        elif node.op_type in ("entry", "packed_entry"):
            ids, table, scale, *pairs = node.input
            self.put(table, scale, *pairs)
            self.new[node.output[0]] = helper.make_node(
                "Gather", [table, ids], node.output, name=node.name
            )

    def put(self, name: str, scale: str, pairs: str | None = None) -> None:
        """Note a matrix in float32; `pairs` of one with 4 bits an entry."""
        small, scales = self.array(name), self.array(scale)
        if pairs:
            self.weights[name] = unpack(small, scales, self.array(pairs))
        else:
            self.weights[name] = small.astype(np.float32) * scales

    def finished(self) -> onnx.ModelProto:
        """The graph with its new nodes in place, and nothing left that nobody reads."""
        nodes = [self.new.get(node.output[0], node) for node in self.model.graph.node]
        needed = {out.name for out in self.model.graph.output}
        kept = []
        for node in reversed(nodes):
            if needed & set(node.output):
                kept.append(node)
                needed.update(node.input)
        constants = [self.constant(name) for name in self.constants if name in needed]
        del self.model.graph.node[:], self.model.graph.initializer[:]
        del self.model.graph.value_info[:], self.model.functions[:]
        domains = [o for o in self.model.opset_import if o.domain != DOMAIN]
        del self.model.opset_import[:]
        self.model.opset_import.extend(domains)
        self.model.graph.node.extend(reversed(kept))
        self.model.graph.initializer.extend(constants)
        return self.model

    def constant(self, name: str) -> onnx.TensorProto:
        if name in self.weights:
            return numpy_helper.from_array(self.weights[name].astype(np.float32), name)
        return self.constants[name]
